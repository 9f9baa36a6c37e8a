"""The whole evaluation on profiles that no model had seen: `python -m benchmarks.left_out LOG`.

For each profile of an account a model is fitted to the other ones, ranking, placement and
calibration anew; each scored session is then judged by the model of its profile, through the row
that the worker would publish. Figures as `stream-cw evaluate` has them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stream_cw.core.learned import Learned
from stream_cw.core.row import View
from stream_cw.core.rows import ModelRef
from stream_cw.core.state import hash64
from stream_cw.history.log import EventLog
from stream_cw.model.comparison import Judged
from stream_cw.model.dataset import make_dataset
from stream_cw.model.evaluate import evaluate, judge
from stream_cw.model.openings import openings
from stream_cw.model.tables import findings, tables, text
from stream_cw.model.training import examples_of, train

LEFT_OUT = ModelRef("left-out", None)


def views(log: EventLog, tell: Console) -> dict[int, View]:
    """Fit a model for each profile, to the others."""
    data = make_dataset([log])
    examples = examples_of(data)
    names = {hash_: number for number, hash_ in enumerate(data.profiles.tolist())}
    found = {}
    for hash_, number in names.items():
        tell.print(f"fitting without profile {number + 1} of {len(names)}")
        model, _ = train(examples.where(examples.group != number))
        found[hash_] = View(scorer=Learned(model, LEFT_OUT))
    return found


def judged(log: EventLog, by_profile: dict[int, View]) -> Iterator[Judged]:
    """Judge each session by the model that had not seen its profile."""
    for opening in openings(log):
        yield from judge("account", [opening], by_profile[hash64(opening.session.profile_id)])


def main(
    path: Annotated[Path, typer.Argument(metavar="LOG", exists=True, help="Of one account.")],
    json: Annotated[Path | None, typer.Option(help="Gets all figures.")] = None,
) -> None:
    """Print how models do on profiles left out in turn."""
    log = EventLog(path)
    found = evaluate(list(judged(log, views(log, Console(stderr=True)))), LEFT_OUT)
    if json:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    typer.echo("\n\n".join(["\n".join(findings(found)), *map(text, tables(found))]))


if __name__ == "__main__":
    typer.run(main)
