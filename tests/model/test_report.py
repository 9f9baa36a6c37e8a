"""The report: well formed, with nothing from outside, the same bytes; and what it says in words."""

import random
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from judged import BEGIN, HOUR, judged

from stream_cw.core.rows import ModelRef
from stream_cw.model.by import By
from stream_cw.model.comparison import Judged
from stream_cw.model.evaluate import evaluate
from stream_cw.model.report import report
from stream_cw.model.tables import findings, tables, text

DAY = 24 * HOUR
MODEL = ModelRef("additive", "0" * 64)
VOID = {"meta"}


class Structure(HTMLParser):
    """Fails at a tag that is closed and was not open; keeps the words and the tags."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.words = ""
        self.feed(document)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def pictures(document: str) -> list[ET.Element]:
    found = re.findall(r"<svg.*?</svg>", document, re.DOTALL)
    return [ET.fromstring(picture) for picture in found]  # noqa: S314 - our own


def sessions(seed: int = 1, days: int = 200, a_day: int = 3) -> list[Judged]:
    dice = random.Random(seed)
    return [
        judged(
            dice.choice([0, 0, 0, 1, None]),
            dice.choice([0, 0, 1, 4]),
            profile_id=dice.choice("pqrs"),
            ts=BEGIN + day * DAY,
            kind=dice.choice(["continuation"] * 4 + ["discovery"]),
            p={"combined": dice.randrange(1_000_001), "dedicated": dice.randrange(1_000_001)},
        )
        for day in range(days)
        for _ in range(a_day)
    ]


@pytest.mark.parametrize("by", By)
def test_same_figures_same_bytes(by: By) -> None:
    made = sessions()
    document = report(evaluate(made, MODEL, by))
    shuffled = random.Random(3).sample(made, len(made))
    assert report(evaluate(shuffled, MODEL, by)) == document


def test_well_formed_and_complete_in_itself() -> None:
    found = evaluate(sessions(), MODEL)
    document = report(found)
    page = Structure(document)
    assert page.references == []
    assert "script" not in page.tags
    assert page.tags.count("table") == 4
    drawn = pictures(document)
    assert len(drawn) == page.tags.count("svg") == 5
    assert all(picture.get("aria-label") for picture in drawn)
    for table in tables(found):
        for row in table.rows:
            assert all(cell in page.words for cell in row)
    for sentence in findings(found):
        assert sentence in page.words


def test_pictures_keep_to_their_frame() -> None:
    for days, a_day in ((1, 1), (3, 40), (40, 20), (900, 1), (3_000, 1)):
        document = report(evaluate(sessions(days=days, a_day=a_day), MODEL))
        for root in pictures(document):
            width, height = float(root.get("width", "")), float(root.get("height", ""))
            places = [(c.get("cx"), c.get("cy")) for c in root.iter() if c.tag.endswith("circle")]
            places += [
                place.split()
                for path in root.iter()
                if (path.get("d") or "").startswith("M") and "L" in path.get("d", "")
                for place in path.get("d", "")[1:].split("L")
            ]
            assert places
            for x, y in places:
                assert 0 <= float(x) <= width
                assert 0 <= float(y) <= height


@pytest.mark.parametrize("share", [0, 1, 3, 4])
def test_the_cost_curve_has_its_bounds(share: int) -> None:
    """With one forecast for all, the threshold is always the better of high and low."""
    made = [judged(0 if n < share else None, 0, p={"combined": 250_000 * share}) for n in range(4)]
    found = evaluate(made, MODEL)
    costs = found.placement["combined"].costs
    assert [round(40 * each.ratio, 9) for each in costs] == list(range(1, 40))
    part = share / 4
    for each in costs:
        assert each.cost == pytest.approx(min(each.ratio * (1 - part), (1 - each.ratio) * part))
    drawn = next(p for p in pictures(report(found)) if "cost" in p.get("aria-label", ""))
    dashed = [p.get("d", "") for p in drawn.iter() if p.get("stroke-dasharray")]
    ends = [[tuple(map(float, p.split())) for p in d[1:].split("L")] for d in dashed]
    (left, rising), (right, falling) = ends
    assert left[1] == right[1] == max(y for _, y in (*ends[0], *ends[1]))
    assert left[0] < rising[0]
    assert right[0] > falling[0]
    assert (rising[1] < left[1]) == (share < 4)
    assert (falling[1] < right[1]) == (share > 0)


def test_differences_stand_where_they_belong() -> None:
    hits = {"far": (0, 1), "level": (1, 1), "below": (1, 0)}
    made = [
        judged(*hits[account], account=account, profile_id=profile)
        for account in hits
        for profile in "pq"
    ]
    made.append(judged(0, 1, account="below", profile_id="r"))
    found = evaluate(made, MODEL)
    forest = pictures(report(found))[-1]
    across = [float(c.get("cx", "")) for c in forest.iter() if c.tag.endswith("circle")]
    paths = [path.get("d", "") for path in forest.iter() if "L" in path.get("d", "")]
    zero, *whiskers = [[float(p.split()[0]) for p in path[1:].split("L")] for path in paths]
    parts = [found.accounts[name].diff.p_at_1 for name in sorted(hits)]
    assert [estimate.value for estimate in parts] == [pytest.approx(-1 / 3, abs=1e-6), 1.0, 0.0]
    scale = (across[-2] - zero[0]) / 1.0
    for estimate, at, whisker in zip(parts, across[-3:], whiskers[-3:], strict=True):
        for value, place in zip(
            (estimate.value, estimate.low, estimate.high), (at, *whisker), strict=True
        ):
            assert value is not None
            assert place == pytest.approx(zero[0] + scale * value, abs=0.2)


def test_a_name_is_no_markup() -> None:
    name = '<b>"&amp;'
    document = report(evaluate([judged(0, 0, account=name)], ModelRef(name, None)))
    assert "<b>" not in document
    assert name in Structure(document).words


def test_nothing_to_compare_is_said() -> None:
    none = evaluate([judged(None, None, kind="discovery", p={"combined": 1})], MODEL)
    Structure(report(none))
    Structure(report(evaluate([], MODEL)))
    assert "no continuation session" in findings(none)[1]


def test_words_say_whether_the_lift_exceeds_the_daily_variation() -> None:
    def days(model_hits: int, *recency_hits: int) -> list[Judged]:
        return [
            judged(
                0 if n < model_hits else 1,
                0 if n < hits else 1,
                ts=BEGIN + day * DAY,
                profile_id=f"p{n}",
            )
            for day, hits in enumerate(recency_hits)
            for n in range(10)
        ]

    greater = findings(evaluate(days(9, 6, 7, 6, 7), MODEL))
    assert "P@1 differs by +25.0 [" in greater[1]
    assert "varies by 5.0 points" in greater[2]
    assert "lift of +25.0 is greater than that" in greater[2]
    assert "above recency in 4 of them, below in 0" in greater[2]
    level = findings(evaluate(days(7, 3, 10, 3, 10), MODEL))
    assert "varies by 35.0 points" in level[2]
    assert "lift of +5.0 is not greater than that" in level[2]
    assert "above recency in 2 of them, below in 2" in level[2]


def test_interval_in_words() -> None:
    assert "has 0 in it" in findings(evaluate(sessions(days=2), MODEL))[1]
    better = [judged(0, 1, profile_id=profile) for profile in "pqr"]
    assert "leaves 0 out" in findings(evaluate(better, MODEL))[1]
    assert "no interval" in findings(evaluate(better[:1], MODEL))[1]


def test_tables_for_a_terminal_are_aligned() -> None:
    for table in tables(evaluate(sessions(days=30), MODEL)):
        title, *lines = text(table).splitlines()
        assert title == table.title
        assert len({len(line) for line in lines if not line.endswith(" ")}) <= 2
