"""Device strings: the class and the id of each."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_cw.history.device_classes import device_id, device_type

DEVICES = {
    "tv": [
        "TCL TV 2018 UHD Android TV Smart TV",
        "LG LG 2017 MStar M2R Standard DTV Smart TV",
        "Samsung 2015 NT14M DTV Smart TV",
        "Samsung 2019 UHD TV (Tizen)",
        "Roku El Paso Smart TV",
        "Philips 2K14 MT5590 based TVs Smart TV",
        "Amazon Fire TV Edition Smart TV",
        "Sony CE Sony Android TV 2020 M5 Smart TV",
    ],
    "phone": [
        "Apple iPhone 7 (GSM)",
        "iPhone 12",
        "Android DefaultWidevineL3Phone Android Phone",
        "DefaultWidevineAndroidPhone",
        "Samsung Galaxy S9",
        "Windows Phone",
    ],
    "tablet": [
        "Android DefaultWidevineL3Tablet Android Tablet",
        "DefaultWidevineAndroidTablets",
        "Apple iPad Pro 12.9 in 5th Gen (Wi-Fi/Cell) iPad",
        "Amazon Kindle Fire HD",
        "Samsung Galaxy Tab A",
    ],
    "computer": [
        "Edge OSS - Windows (Cadmium)",
        "Netflix Opera Other",
        "Netflix Windows App - Cadmium Windows Mobile",
        "Chrome PC (Cadmium)",
        "Firefox PC (Cadmium)",
        "Safari MAC (Cadmium)",
        "Internet Explorer (Cadmium)",
        "PC",
    ],
    "console": [
        "Sony PS4",
        "Sony Playstation 5 Game Console",
        "Microsoft Xbox One",
        "Nintendo Wii U",
    ],
    "stick": [
        "Google Chromecast V5 Streaming Stick",
        "Roku Nemo Set Top Box",
        "Roku Ultra",
        "FireTV 4K Stick 2018",
        "Apple TV 4K (3rd generation)",
        "Netflix AndroidLegacySTB Android",
        "Nvidia Shield Android TV",
        "Sony 2012 Blu-ray Players",
    ],
    "other": ["Netflix Oculus VR Android Phone", "Something new", ""],
}


@pytest.mark.parametrize(
    ("device", "kind"), [(device, kind) for kind, devices in DEVICES.items() for device in devices]
)
def test_the_class_of_a_device(device: str, kind: str) -> None:
    assert device_type(device) == kind


def test_an_id_is_readable() -> None:
    assert device_id("Apple TV 4K (3rd-gen.)") == "Apple_TV_4K_~283rd-gen.~29"
    assert device_id("") == "~unnamed"
    assert device_id("テレビ") == "~e3~83~86~e3~83~ac~e3~83~93"


@given(st.lists(st.text(alphabet=st.one_of(st.sampled_from("aA _~.2e-7"), st.characters()))))
def test_ids_fit_the_contract_and_distinct_strings_stay_distinct(devices: list[str]) -> None:
    devices = [device for device in devices if not re.search("[\ud800-\udfff]", device)]
    ids = {device: device_id(device) for device in devices}
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{1,128}", value) for value in ids.values())
    assert len(set(ids.values())) == len(set(devices))


def test_long_strings_that_differ_at_their_end_stay_distinct() -> None:
    one, two = device_id("テ" * 100 + "a"), device_id("テ" * 100 + "b")
    assert len(one) == len(two) == 128
    assert one != two
