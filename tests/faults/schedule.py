"""Which fault strikes when: a pure function of the seed, so that a run can be had again."""

import random
from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

Kind = Literal[
    "kill",
    "kill_wiped",
    "kill_in_recovery",
    "stop",
    "halt",
    "broker_kill",
    "broker_pause",
    "gateway_kill",
]
"""What strikes: SIGKILL of a worker, the same with its directory wiped, the same once more while
the one that replaces it recovers; SIGTERM; SIGSTOP past the session timeout, then SIGCONT; SIGKILL
and SIGSTOP of a broker; SIGKILL of the gateway."""

KINDS: tuple[Kind, ...] = get_args(Kind)
OF_BROKERS = frozenset({"broker_kill", "broker_pause"})
SPACING_S = 15.0
LEAD_S = 20.0
TAIL_S = 10.0


class Fault(Struct, frozen=True):
    """One fault: when, in seconds since the load began, what, and which worker or broker."""

    at: float
    kind: Kind
    target: int


def draw(
    seed: int,
    seconds: float,
    counts: Mapping[Kind, int],
    *,
    workers: int,
    brokers: int = 1,
    spacing: float = SPACING_S,
) -> tuple[Fault, ...]:
    """Deal so many faults of each kind out over a run.

    They lie at least `spacing` apart; nothing strikes in the first and the last seconds, nor
    earlier than the system can have recovered from nothing but its start.

    Raises
    ------
    ValueError
        If there is no room for so many.
    """
    rng = random.Random(seed)
    kinds = [kind for kind in KINDS for _ in range(counts.get(kind, 0))]
    rng.shuffle(kinds)
    slack = seconds - LEAD_S - TAIL_S - spacing * max(0, len(kinds) - 1)
    if slack < 0:
        raise ValueError(f"{len(kinds)} faults, {spacing} s apart, do not fit in {seconds} s")
    shifts = sorted(rng.uniform(0, slack) for _ in kinds)
    return tuple(
        Fault(
            LEAD_S + spacing * number + shift,
            kind,
            rng.randrange(brokers if kind in OF_BROKERS else workers),
        )
        for number, (kind, shift) in enumerate(zip(kinds, shifts, strict=True))
    )
