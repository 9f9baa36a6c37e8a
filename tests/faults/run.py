"""Faults by command: `python tests/faults/run.py --help` says what there is to choose."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from load import Pace
from performance import perform
from schedule import KINDS
from stage import Setting


def main() -> int:
    """Run once; the exit status is 0 where nothing was lost, doubled or wrong."""
    given = _parser().parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    setting = Setting(
        seed=seed,
        seconds=given.seconds,
        counts={kind: getattr(given, kind) for kind in KINDS},
        pace=Pace(given.rate, given.burst_rate),
        workers=given.workers,
        brokers=given.brokers,
        clients=given.clients,
        model=given.model,
        store_mib=given.store_mib,
        named=given.named,
    )
    with tempfile.TemporaryDirectory(prefix="faults-", dir=given.folder) as folder:
        outcome = perform(setting, Path(folder), _say)
        if given.keep and not outcome.holds:
            Path(folder).rename(given.keep)
    if given.json is not None:
        outcome.write(given.json)
    _say(outcome.figures())
    _say(outcome.complaints())
    return 0 if outcome.holds else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="says what strikes when; drawn if left out")
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--rate", type=float, default=500.0, help="events a second")
    parser.add_argument("--burst-rate", type=float, default=0.0, help="3 s of every minute")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--model", choices=["shipped", "recency"], default="shipped")
    parser.add_argument(
        "--store-mib",
        type=int,
        help="cache, and write buffers, of a worker: small ones are soon full",
    )
    parser.add_argument(
        "--named", action="store_true", help="workers keep their places in the group for a session"
    )
    parser.add_argument("--json", type=Path, help="takes the figures")
    parser.add_argument("--folder", type=Path, help="where data and logs are kept meanwhile")
    parser.add_argument("--keep", type=Path, help="keeps data and logs of a run that failed")
    for kind in KINDS:
        option = f"--{kind.replace('_', '-')}"
        parser.add_argument(option, type=int, default=0, metavar="N", dest=kind)
    return parser


if __name__ == "__main__":
    sys.exit(main())
