"""Words of the service's languages that tell seasons, parts and episodes in a title.

Data alone; `titles.py` says how they are used. A language is missing or a word is wrong: mend it
here. Upper and lower case, kinds of blanks and of colons, and directional marks make no difference.
"""

from typing import Final

SEASONS: Final = {
    "ar": ("الموسم", "موسم"),
    "bg, mk, ru": ("сезон",),
    "ca, es, gl, pt": ("temporada",),
    "cs": ("řada", "sezóna", "série"),
    "da": ("sæson",),
    "de": ("staffel",),
    "el": ("κύκλος", "σεζόν"),
    "en": ("season", "series"),
    "eu": ("denboraldia",),
    "fi": ("kausi",),
    "fr": ("saison",),
    "he": ("עונה",),
    "hi": ("सीज़न", "सीजन"),
    "hr, sk, sr": ("sezona", "sezóna", "séria"),
    "hu": ("évad",),
    "id, ms": ("musim",),
    "is": ("þáttaröð",),
    "it": ("stagione",),
    "ja": ("シーズン", "シリーズ", "期"),
    "ko": ("시즌",),
    "nb": ("sesong",),
    "nl": ("seizoen",),
    "pl, tr": ("sezon",),
    "ro": ("sezonul",),
    "sv": ("säsong",),
    "th": ("ซีซั่น", "ซีซัน"),
    "vi": ("mùa",),
    "zh": ("季",),
}
"""Stand with a number and always begin a season: `Temporada 4`, `1. évad`, `第 1 季`."""

UNNUMBERED_SEASONS: Final = {
    "ar": ("مسلسل قصير", "مسلسل محدود"),
    "cs, sk": ("minisérie", "miniseriál"),
    "da, nb": ("begrænset serie", "begrenset serie"),
    "de": ("letzte staffel", "miniserie", "mini-serie"),
    "el": ("μίνι σειρά",),
    "en": ("final season", "limited series", "miniseries", "mini-series", "the final season"),
    "es, gl": ("miniserie", "serie limitada", "temporada final", "última temporada"),
    "fi": ("minisarja",),
    "fr": ("dernière saison", "mini-série", "minisérie", "saison finale", "série limitée"),
    "he": ("מיני סדרה", "מיני-סדרה", "סדרה מוגבלת"),
    "hr, sr": ("mini-serija", "miniserija"),
    "hu": ("minisorozat",),
    "id": ("serial terbatas",),
    "it": ("miniserie", "stagione finale"),
    "ja": ("ミニシリーズ", "リミテッドシリーズ", "ファイナルシーズン"),
    "ko": ("리미티드 시리즈", "미니시리즈", "파이널 시즌"),
    "nl": ("miniserie", "laatste seizoen"),
    "pl": ("miniserial", "serial limitowany", "ostatni sezon"),
    "pt": ("minissérie", "série limitada", "temporada final", "última temporada"),
    "ro": ("miniserie", "serie limitată"),
    "ru, uk": ("мини-сериал", "минисериал", "міні-серіал", "мінісеріал"),
    "sv": ("miniserie", "begränsad serie"),
    "th": ("ลิมิเต็ดซีรีส์", "มินิซีรีส์"),
    "tr": ("mini dizi", "final sezonu"),
    "vi": ("phim ngắn tập", "loạt phim giới hạn"),
    "zh": ("限定剧", "限定劇", "迷你剧", "迷你劇", "限定影集", "迷你影集"),
}
"""Begin a season without a number; a series that is told in one season counts as season 1."""

PARTS: Final = {
    "ar": ("الجزء", "جزء"),
    "bg, ru": ("часть", "част", "том", "книга"),
    "cs, sk": ("část", "časť", "kniha"),
    "da, nb": ("del", "bog", "bok", "bind"),
    "de": ("band", "buch", "teil", "kollektion"),
    "el": ("μέρος",),
    "en": ("act", "arc", "book", "collection", "part", "vol", "volume"),
    "es": ("colección", "libro", "parte", "vol", "volumen"),
    "fi": ("kirja", "osa"),
    "fr": ("collection", "livre", "partie", "tome", "vol", "volume"),
    "he": ("חלק",),
    "hr, sr": ("dio", "deo", "knjiga"),
    "hu": ("könyv", "kötet"),
    "id, ms": ("bagian", "bahagian"),
    "it": ("collezione", "libro", "parte", "volume"),
    "ja": ("パート", "部"),
    "ko": ("파트", "볼륨", "부"),
    "nl": ("boek", "deel"),
    "pl": ("część", "księga", "tom"),
    "pt": ("coleção", "livro", "parte", "volume"),
    "ro": ("cartea", "partea", "volumul"),
    "sv": ("del", "bok", "volym"),
    "th": ("ภาค", "พาร์ท"),
    "tr": ("kısım", "kitap"),  # noqa: RUF001
    "uk": ("частина",),
    "vi": ("phần",),
    "zh": ("部", "部分", "卷", "辑", "輯"),
}
"""Stand with a number; begin a season, or tell the film's or the episode's own parts."""

EPISODES: Final = {
    "ar": ("الحلقة", "حلقة"),
    "bg, ru": ("епизод", "серия", "эпизод"),
    "ca, es, gl, it": ("episodi", "episodio"),
    "cs": ("díl", "epizoda"),
    "da": ("afsnit",),
    "de": ("folge",),
    "el": ("επεισόδιο",),
    "en, da, de, nb": ("episode", "ep"),
    "eu": ("atala",),
    "fi": ("jakso",),
    "fr": ("épisode",),
    "he": ("פרק",),
    "hi": ("एपिसोड",),
    "hr, sr": ("epizoda",),
    "hu": ("epizód", "rész"),
    "id, ms": ("episode", "episod"),
    "is": ("þáttur",),
    "ja": ("エピソード", "話", "回"),
    "ko": ("에피소드", "화", "회"),
    "nl": ("aflevering",),
    "pl": ("odcinek", "odc"),
    "pt": ("episódio",),
    "ro": ("episodul",),
    "sk": ("epizóda", "diel"),
    "sv": ("avsnitt",),
    "th": ("ตอนที่", "ตอน"),
    "tr": ("bölüm",),
    "uk": ("епізод", "серія"),
    "vi": ("tập",),
    "zh": ("集", "话", "話", "回"),
}
"""Stand with a number and tell an episode: `(Episódio 13)`, `(1. Bölüm)`, `第 5 集`."""

CHAPTERS: Final = {
    "da, de, nb, sv": ("kapitel", "kapittel"),
    "en": ("chapter",),
    "es, gl, pt": ("capítulo",),
    "fr": ("chapitre",),
    "it": ("capitolo",),
    "nl": ("hoofdstuk",),
    "pl": ("rozdział",),
    "ro": ("capitolul",),
    "ru": ("глава",),
    "zh": ("章",),
    "ja": ("章",),
}
"""Tell an episode in a series; films have chapters in their names too (`…: Chapter 2`)."""

TRAILERS: Final = {
    "de, en, es, it, nl, pt": ("trailer", "teaser", "tráiler"),
    "fr": ("bande-annonce", "bande annonce"),
    "hu": ("előzetes",),
    "ja": ("予告編", "予告"),
    "ko": ("예고편",),
    "pl": ("zwiastun",),
    "ru": ("трейлер",),
    "tr": ("fragman",),
    "zh": ("预告片", "預告", "预告"),
}
"""Tell that a part of a supplemental title names the video and not the show."""

NUMBERS: Final = {
    1: "one un una uno um uma une eins ein erste i 一 1",
    2: "two dos dois duas deux zwei due ii 二",
    3: "three tres três trois drei tre iii 三",
    4: "four cuatro quatro quatre vier quattro iv 四",
    5: "five cinco cinq fünf cinque v 五",
    6: "six seis sechs sei vi 六",
    7: "seven siete sete sept sieben sette vii 七",
    8: "eight ocho oito huit acht otto viii 八",
    9: "nine nueve nove neuf neun ix 九",
    10: "ten diez dez dix zehn dieci x 十",
    11: "eleven once onze elf undici xi 十一",
    12: "twelve doce doze douze zwölf dodici xii 十二",
}
"""Numbers that are written out, in the languages where they were met."""
