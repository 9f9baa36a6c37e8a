"""Titles of viewing exports in the service's languages. All names are made up."""

# ruff: noqa: RUF001

import pytest

from stream_cw.core.events import Episode, Movie
from stream_cw.history.titles import (
    SeriesNames,
    named_supplemental,
    named_title,
    short_hash,
    take_apart,
)

EPISODES = [
    # title, show, season, episode
    ("Granite: Season 2: The Quarry (Episode 6)", "Granite", 2, 6),
    ("Granite: Series 2: The Quarry (Episode 6)", "Granite", 2, 6),
    ("Granite: Limited Series: Part 3 (Episode 3)", "Granite", 1, 3),
    ("Granite: Season 2", "Granite", 2, None),
    ("Granite: Season 1: Part 3: The Race", "Granite", 1, None),
    ("Granite: Part 2: Dust", "Granite", 2, None),
    ("Granite: Volume 4: Dust (Episode 1)", "Granite", 4, 1),
    ("Granite: Book One: Dust: Part 2 (Episode 8)", "Granite", 1, 8),
    ("Granite: The Lower Pit: Book 1: Dust (Episode 4)", "Granite: The Lower Pit", 1, 4),
    ("Granite: The Lower Pit: Season 3: Dust (Episode 4)", "Granite: The Lower Pit", 3, 4),
    ("Granite: Granite 4: Chapter Nine: The Flood (Episode 9)", "Granite", None, 9),
    ("Granite: Chapter One: The Flood (Episode 1)", "Granite", None, 1),
    ("Granite: Collection 2: Dust: Part 1 (Episode 3)", "Granite", 2, 3),
    ("Granite: The Deep Year: The Door: Part 1 (Episode 3)", "Granite", None, 3),
    ("Granite: Season 1: Granite: A Story, Chapter One (Episode 1)", "Granite", 1, 1),
    ("Granite: Limited Series: 1:23:45 (Episode 1)", "Granite", 1, 1),
    ("Granite: The Final Season: Goodbye (Episode 8)", "Granite", 1, 8),
    ("Granite: 2nd Season: Dust (Episode 8)", "Granite", 2, 8),
    ("Granito: Temporada 4: O poço (Episódio 13)", "Granito", 4, 13),
    ("Granito: Temporada 1: Parte 1", "Granito", 1, None),
    ("Granito: Minissérie: O poço (Episódio 2)", "Granito", 1, 2),
    ("Granito: Parte 3: Capítulo 7", "Granito", 3, 7),
    ("Granito: O ano fundo: O poço (Episódio 11)", "Granito", None, 11),
    ("Granito: O fundo: Livro 1: A porta: Parte 2", "Granito: O fundo", 1, None),
    ("Granito: Miniserie: El pozo (Episodio 2)", "Granito", 1, 2),
    ("Granito: Temporada 1: El pozo (episodio 2)", "Granito", 1, 2),
    ("Granit: Staffel 1: Der Schacht (Folge 2)", "Granit", 1, 2),
    ("Granit: Miniserie: Teil 2 (Folge 2)", "Granit", 1, 2),
    ("Granit : Saison 1 : Le puits (Épisode 2)", "Granit", 1, 2),
    ("Granit\u00a0: Saison 1\u202f: Le puits (Épisode 2)", "Granit", 1, 2),
    ("Granit: Série limitée: Le puits (Épisode 2)", "Granit", 1, 2),
    ("Granit : Partie 2 : Chapitre 6", "Granit", 2, 6),
    ("Granito: Stagione 1: Il pozzo (Episodio 2)", "Granito", 1, 2),
    ("Graniet: Seizoen 1: De put (Aflevering 2)", "Graniet", 1, 2),
    ("Granit: Sezon 1: Studnia (Odcinek 22)", "Granit", 1, 22),
    ("Granit: 1. Sezon: Kuyu (2. Bölüm)", "Granit", 1, 2),
    ("Granit: Sezon 1: Kuyu (Bölüm 2)", "Granit", 1, 2),
    ("Granit: Säsong 1: Brunnen (Avsnitt 2)", "Granit", 1, 2),
    ("Granit: Sæson 1: Brønden (Afsnit 2)", "Granit", 1, 2),
    ("Granitt: Sesong 1: Brønnen (Episode 2)", "Granitt", 1, 2),
    ("Graniitti: Kausi 1: Kaivo (Jakso 2)", "Graniitti", 1, 2),
    ("Gránit: 1. évad: A kút (2. epizód)", "Gránit", 1, 2),
    ("Granit: Sezonul 1: Fântâna (Episodul 2)", "Granit", 1, 2),
    ("Žula: Řada 1: Studna (2. díl)", "Žula", 1, 2),
    ("Гранит: Сезон 1: Колодец (Серия 2)", "Гранит", 1, 2),
    ("Граніт: Сезон 1: Криниця (Епізод 2)", "Граніт", 1, 2),
    ("Γρανίτης: Κύκλος 1: Το πηγάδι (Επεισόδιο 2)", "Γρανίτης", 1, 2),
    ("גרניט: עונה 1: הבאר (פרק 2)", "גרניט", 1, 2),
    ("\u200fجرانيت: الموسم 1: البئر (الحلقة 2)", "جرانيت", 1, 2),
    ("หินแกรนิต: ซีซั่น 1: บ่อ (ตอนที่ 2)", "หินแกรนิต", 1, 2),
    ("Đá: Mùa 1: Giếng (Tập 2)", "Đá", 1, 2),
    ("Granit: Musim 1: Sumur (Episode 2)", "Granit", 1, 2),
    ("ग्रेनाइट: सीज़न 1: कुआँ (एपिसोड 2)", "ग्रेनाइट", 1, 2),
    ("花崗岩: シーズン1: 井戸 (エピソード2)", "花崗岩", 1, 2),
    ("花崗岩：シーズン１：第２話", "花崗岩", 1, 2),
    ("花崗岩: 第2期: 井戸 （第3話）", "花崗岩", 2, 3),
    ("화강암: 시즌 1: 우물 (2화)", "화강암", 1, 2),
    ("화강암: 시즌 1: 제2화", "화강암", 1, 2),
    ("화강암: 리미티드 시리즈: 우물 (에피소드 2)", "화강암", 1, 2),
    ("花岗岩: 第 1 季: 第 5 集", "花岗岩", 1, 5),
    ("花岗岩：第 1 季：井（第 5 集）", "花岗岩", 1, 5),
    ("花崗岩: 限定劇: 井 (第 5 集)", "花崗岩", 1, 5),
    ("Granite: Zzyzx 1: The Quarry (Qwerty 6)", "Granite", None, 6),
    ("Granite: Season 2: The Quarry (Part 1) (Episode 6)", "Granite", 2, 6),
]

MOVIES = [
    "Granite",
    "Granite: The Film",
    "Granite: Part 2",
    "Granite: Part Two",
    "Granite: Chapter 2",
    "Granite: Vol. 2",
    "Granite: The Fall: Part 1",
    "Granito: Parte 3",
    "Granite (2019)",
    "Granite: The Long Cut (Part 2)",
    "Granite: Seasons of Love",
    "Season 2",
    "1:23:45",
    "Granite: Episode IV: A New Stone",
]


@pytest.mark.parametrize(("text", "show", "season", "episode"), EPISODES)
def test_an_episode(text: str, show: str, season: int | None, episode: int | None) -> None:
    title = named_title(take_apart(text), SeriesNames())
    assert isinstance(title, Episode)
    assert title.series_id == short_hash("series", show)
    assert (title.season, title.episode) == (season, episode)


@pytest.mark.parametrize("text", MOVIES)
def test_a_film(text: str) -> None:
    assert named_title(take_apart(text), SeriesNames()) == Movie(id=short_hash("movie", text))


def series(*texts: str) -> SeriesNames:
    names = SeriesNames()
    for text in texts:
        names.learn(take_apart(text))
    return names


def test_a_named_season_belongs_to_the_longest_show_that_the_export_tells() -> None:
    known = series("Granite: The Lower Pit: Season 1: Dust (Episode 1)")
    title = named_title(take_apart("Granite: The Lower Pit: Year Two: Rain (Episode 1)"), known)
    assert isinstance(title, Episode)
    assert title.series_id == short_hash("series", "Granite: The Lower Pit")
    elsewhere = named_title(take_apart("Granite: Above: Rain (Episode 1)"), known)
    assert isinstance(elsewhere, Episode)
    assert elsewhere.series_id == short_hash("series", "Granite")


def test_a_numbered_part_of_a_known_show_is_an_episode() -> None:
    known = series("Granite: Year One: Rain (Episode 1)")
    title = named_title(take_apart("Granite: Year One: Part 1"), known)
    assert isinstance(title, Episode)
    assert title.series_id == short_hash("series", "Granite")


def test_a_film_is_not_the_series_of_the_same_name() -> None:
    known = series("Granite: Season 1: Rain (Episode 1)")
    film = named_title(take_apart("Granite"), known)
    assert isinstance(film, Movie)
    assert film.show_id != short_hash("series", "Granite")


def test_ways_of_writing_one_title_are_one_title() -> None:
    ways = [
        "Granit: Saison 1: Le puits (Épisode 2)",
        "Granit : Saison 1 : Le puits (Épisode 2)",
        "Granit\u00a0: Saison 1\u00a0: Le puits (E\u0301pisode 2)",
        "  Granit: Saison 1:  Le puits (Épisode 2) ",
    ]
    assert len({named_title(take_apart(way), SeriesNames()).id for way in ways}) == 1


def test_two_episodes_of_one_name_are_two() -> None:
    ids = {
        named_title(take_apart(f"Granite: Season 1: Rain (Episode {n})"), SeriesNames()).id
        for n in (1, 2)
    }
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("text", "show"),
    [
        ("Granite: Season 1 (Trailer)", "Granite"),
        ("Granite: Season 1_hook_primary_16x9", "Granite"),
        ("Granite: Season 1 Trailer: Granite", "Granite"),
        ("Granite: Temporada 2 (Teaser Trailer)", "Granite"),
        ("Known: A Clip (Hook)", "Known"),
        ("Known (Bande-annonce)", "Known"),
        ("Bande-annonce : Known", "Known"),
        ("Season 2 Trailer: Known", "Known"),
        ("Trailer Park: Season 1 (Hook)", "Trailer Park"),
        ("Unknown (Trailer)", None),
        ("Unknown: A Clip (Hook)", None),
    ],
)
def test_a_supplemental_title(text: str, show: str | None) -> None:
    title = named_supplemental(text, series("Known: Season 1: Rain (Episode 1)"))
    assert title.series_id == (short_hash("series", show) if show else None)


def test_names_of_series_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_cw.history.titles.MAX_SERIES", 2)
    known = series(*(f"Show {n}: Season 1: Rain (Episode 1)" for n in range(3)))
    assert [known.longest((f"Show {n}", "A Clip")) for n in range(3)] == [1, 1, 0]
