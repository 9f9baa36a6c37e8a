"""The page on policies, made from the policies themselves and from the words beside their rules.

`python -m stream_cw.cli.policy_page > docs/policies.md` writes it anew; a test holds the committed
page to what the code says.
"""

import inspect
import math
import re
import sys
import textwrap
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from stream_cw.core import choice, policies
from stream_cw.core.limits import U16
from stream_cw.core.policies import POLICIES, OwnPolicy
from stream_cw.core.presence import RETURNS, sessions_explained
from stream_cw.core.rules import NO_CREDITS, Asleep, Policy, is_finished, is_started
from stream_cw.core.state import GAP_BINS

Cells = Sequence[str]

_HOUR: Final = 3_600_000
_MINUTE: Final = 60_000
_LONGEST: Final = 12 * _HOUR
_TITLES: Final = (
    # words, an episode, length, credits; ms, 0: not known
    ("a film of 2 hours", False, 2 * _HOUR, NO_CREDITS),
    ("its credits at 1:52:00", False, 2 * _HOUR, 112 * _MINUTE),
    ("an episode of 45 minutes", True, 45 * _MINUTE, NO_CREDITS),
    ("its credits at 43:00", True, 45 * _MINUTE, 43 * _MINUTE),
    ("an episode of 20 minutes", True, 20 * _MINUTE, NO_CREDITS),
    ("a film of 4 minutes", False, 4 * _MINUTE, NO_CREDITS),
    ("a film of unknown length", False, 0, NO_CREDITS),
    ("an episode of unknown length", True, 0, NO_CREDITS),
    ("its credits at 43:00", True, 0, 43 * _MINUTE),
)
_CREDITS: Final = {
    "only": "alone, where known",
    "earlier": "if earlier",
    "ignored": "not looked at",
}
_QUIET_MIN: Final = 240
_IDLE_HOURS: Final = (0, 1, 2, 3, 4)
_AUTOPLAYS: Final = (0, 1, 2, 3, 4, 6, 8)
_HABITS: Final = (
    # words, returns by their gap: the next session, 2, 3-4, 5-8 ...
    ("of whom nothing is known", ()),
    ("who went on in the next session 900 times", (900,)),
    ("and after 65 to 128 sessions 10 times", (900, 0, 0, 0, 0, 0, 0, 10)),
)

_OFFERED: Final = "what is offered"
"""Head of the second column of what `choice` says."""

_INTRO: Final = """\
<!-- Made from the policies: python -m stream_cw.cli.policy_page > docs/policies.md -->
# What belongs in the row

A *policy* says when a title counts as begun, as over, as slept through and as given up. Policies
are data (`stream_cw/core/policies.py`); the rules that read them are in `core/rules.py` (begun,
over), `core/presence.py` (slept through, given up) and `core/choice.py` (what a tile offers). The
state knows nothing of policies: another one gives another row of the same state.

    STREAM_CW_POLICY=plex stream-cw worker
    stream-cw replay LOG --offline -o ROWS --policy kodi
    stream-cw compare LOG --policy watch-next --policy own.toml
"""

_OWN: Final = """\
## One's own

A TOML (or JSON) file, given by its path wherever a policy is named. `base` takes a named policy and
changes what the file says; `without` switches limits of the base off; the name is that of the file
unless `name` says another. A field that is unknown, missing or wrong is refused; the message names
it and the file.

```toml policy
base = "watch-next"
finished_per_mille = 930
without = ["started_per_mille"]

[asleep]
night = 1000
```

An arm of an [experiment](learning.md#experiments) changes the same fields, but for these three:
"""

_STAYS: Final = """\
From the first of these positions to the second. From that one on it is over: a film is gone, of a
series the next episode is offered. What `mark_watched` names is over at once, and what `remove`
names is gone until it is played again. A length that is not known has no end that could be reached.
"""

_ASLEEP: Final = """\
Somebody slept where the thousandths of log-odds that apply come to the threshold or more. Then the
tile goes on where somebody surely was, and says `asleep`; nothing is silently finished.
"""

_CHANCES: Final = """\
So likely did nobody see an episode that a TV played to its very end at night, after so many plays
that started by themselves and so many hours since the last deliberate act; bold: taken for asleep.
"""

_GIVEN_UP: Final = """\
A show leaves the row when fewer of 1,000 returns than {per_mille} took as many sessions as have
passed since it was watched, and these are more than twice its own longest break. Returns are the
profile's own and {returns} of everybody's, which stand in for what is not known of a new profile.
It comes back when it is played; age alone takes nothing away.
"""


def policy_page() -> str:
    """Write the page.

    Returns
    -------
    str
        Markdown.
    """
    weights, habits = Asleep(), POLICIES["watch-next"].given_up_per_mille
    return "\n".join(
        (
            _INTRO,
            "## The named policies\n",
            _table(("", *POLICIES), _limits()),
            *_said(),
            "## When a title is in the row\n",
            _STAYS,
            _table(("", *POLICIES), _stays()),
            "## What a tile offers\n",
            *_choices(),
            "## Slept through\n",
            _ASLEEP,
            _table(("weight", "in watch-next", "when"), _weights(weights)),
            _CHANCES,
            _table(("plays", *(f"{hours} h" for hours in _IDLE_HOURS)), _chances(weights)),
            "## Given up\n",
            _GIVEN_UP.format(per_mille=habits, returns=sum(RETURNS)),
            _table(("a member", "gives up after"), _explained(habits)),
            _OWN,
            _table(("field", "what it says"), _fields(OwnPolicy)),
            "And the fields of a policy; of `asleep` they are the weights above.\n",
            _table(("field", "what it says"), _fields(Policy)).rstrip("\n"),
            "",
        )
    )


def chance(asleep: Asleep, autoplays: int, idle_min: int) -> float:
    """Tell how likely nobody saw a TV play an episode to its end at night, as `presence` does."""
    odds = asleep.base + asleep.big_screen + asleep.night + asleep.played_out
    odds += asleep.each_autoplay * autoplays + asleep.each_quarter_hour * (idle_min // 15)
    return _sigmoid(odds + (asleep.long_quiet if idle_min >= _QUIET_MIN else 0))


def _limits() -> Iterator[Cells]:
    rules: tuple[tuple[str, Callable[[Policy], str]], ...] = (
        ("begun from", lambda p: _or_not(p.started_ms, _clock)),
        ("a film also from", lambda p: _or_not(p.started_per_mille, _share)),
        ("an episode also from", lambda p: _or_not(p.episode_per_mille, _share)),
        ("over", lambda p: f"{'beyond' if p.beyond else 'at'} {_share(p.finished_per_mille)}"),
        ("over at the credits", lambda p: _CREDITS[p.credits]),
        ("over with less left than", lambda p: _or_not(p.left_ms or None, _clock)),
        ("over if shorter than", lambda p: _or_not(p.short_ms or None, _clock)),
        ("asks who slept", lambda p: "no" if p.asleep is None else "yes"),
        ("given up", lambda p: _or_not(p.given_up_per_mille or None, lambda n: f"{n} ‰")),
    )
    return ([words, *map(tell, POLICIES.values())] for words, tell in rules)


def _said() -> Iterator[str]:
    """Say of each policy what stands below it in the code."""
    source = inspect.getsource(policies)
    told = re.findall(r'^(\w+): Final = Policy\(.*?^"""(.*?)"""', source, re.DOTALL | re.MULTILINE)
    words = dict(told)
    for name in POLICIES:
        yield _paragraph(f"**{name}**: {words[name.upper().replace('-', '_')]}")


def _stays() -> Iterator[Cells]:
    for words, series, length, credit in _TITLES:
        yield [words, *(_stay(policy, series, length, credit) for policy in POLICIES.values())]


def _stay(policy: Policy, series: bool, length: int, credit: int) -> str:
    numbers = policy.numbers
    positions = range(_LONGEST)
    begun = bisect_left(positions, True, key=lambda at: is_started(numbers, series, at, length))
    over = bisect_left(positions, True, key=lambda at: is_finished(numbers, at, length, credit))
    if over <= begun:
        return "never"
    until = "ever" if over == _LONGEST else _clock(over)
    return f"{_clock(begun)} to {until}"


def _choices() -> Iterator[str]:
    """Read the table of the module that chooses, and what it says of its words."""
    told = inspect.getdoc(choice) or ""
    _, head, body, after = re.split(r"^=+ +=+$\n?", told, flags=re.MULTILINE)
    rows: list[list[str]] = []
    for line in (head + body).splitlines():
        cells = [line[: head.index(_OFFERED)].strip(), line[head.index(_OFFERED) :].strip()]
        if all(cells):
            rows.append(cells)
        else:  # the line before goes on
            rows[-1] = [" ".join(pair).strip() for pair in zip(rows[-1], cells, strict=True)]
    yield _table(rows[0], rows[1:])
    yield _paragraph(after)


def _weights(weights: Asleep) -> Iterator[Cells]:
    return ((name, str(getattr(weights, name)), told) for name, told in _told(Asleep).items())


def _chances(weights: Asleep) -> Iterator[Cells]:
    limit = _sigmoid(weights.threshold)
    for autoplays in _AUTOPLAYS:
        found = [chance(weights, autoplays, 60 * hours) for hours in _IDLE_HOURS]
        percents = [f"{100 * p:.0f} %" for p in found]
        bold = [f"**{p}**" if p_ >= limit else p for p, p_ in zip(percents, found, strict=True)]
        yield [str(autoplays), *bold]


def _sigmoid(milli_log_odds: int) -> float:
    return 1 / (1 + math.exp(-milli_log_odds / 1000))


def _explained(per_mille: int) -> Iterator[Cells]:
    for words, gaps in _HABITS:
        found = sessions_explained((*gaps, *(0,) * (GAP_BINS - len(gaps))), per_mille)
        yield words, "no number of sessions" if found > U16 else f"{found} sessions without it"


def _fields(kind: type) -> Iterator[Cells]:
    return ((f"`{name}`", told) for name, told in _told(kind).items())


def _told(kind: type) -> dict[str, str]:
    """Read what a struct's docstring says of its attributes."""
    doc = (inspect.getdoc(kind) or "").split("Attributes\n----------\n")[1]
    found: dict[str, list[str]] = {}
    name = ""
    for line in doc.splitlines():
        if line.startswith(" "):
            found[name].append(line.strip())
        elif line:
            name = line.split(" : ")[0]
            found[name] = []
    return {name: " ".join(lines) for name, lines in found.items()}


def _paragraph(text: str) -> str:
    words = " ".join(text.split())
    return textwrap.fill(words, 100, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(head: Cells, rows: Iterable[Cells]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _or_not(limit: int | None, tell: Callable[[int], str]) -> str:
    return "-" if limit is None else tell(limit)


def _share(per_mille: int) -> str:
    return f"{per_mille / 10:g} %"


def _clock(ms: int) -> str:
    """Write a time as `h:mm:ss`, with thousandths where it has them."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    whole = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{whole}.{rest:03}" if rest else whole


if __name__ == "__main__":
    sys.stdout.write(policy_page())
