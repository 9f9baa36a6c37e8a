"""Commands that measure a model, beside recency or beside another one."""

# ruff: noqa: PLC0415 (commands import what they need, so that `--help` is quick)

from pathlib import Path
from typing import Annotated

import typer

from stream_cw.cli.options import Catalogs, Model, bar, count_lines, works_of, written
from stream_cw.model.by import By

_A_AND_B = 2
Figures = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Gets all figures.")]


def evaluate(
    logs: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOG...", exists=True, dir_okay=False, help="Event logs, an account each."
        ),
    ],
    model: Model = "shipped",
    by: Annotated[
        By,
        typer.Option(
            help="Draw whole profiles or accounts for intervals; `time`: judge the last fifth of "
            "each account's time, for a model of `train --until 0.8`."
        ),
    ] = By.profile,
    catalogs: Catalogs = None,
    json: Figures = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Gets the report: one HTML file.")
    ] = None,
) -> None:
    """Measure a model beside recency: the rows at session starts against what was then played."""
    import msgspec

    from stream_cw.core.row import View
    from stream_cw.model.chosen import artefact_of, scorer_of
    from stream_cw.model.evaluate import PASSES, evaluate_logs
    from stream_cw.model.report import report as html
    from stream_cw.model.tables import findings, tables, text

    artefact = artefact_of(model)
    view = View(scorer=scorer_of(artefact), works=works_of(catalogs))
    fitted = () if artefact is None else artefact.manifest.logs or None
    total = PASSES * sum(map(count_lines, logs))
    with bar("evaluating") as progress:
        found = evaluate_logs(logs, view, by, lambda done: progress(done, total), fitted)
    _save(json, msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    _save(report, html(found).encode())
    typer.echo("\n\n".join(["\n".join(findings(found)), *map(text, tables(found))]))


def compare(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", exists=True, dir_okay=False, help="An event log.")
    ],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Twice, A and B: `shipped`, `recency` or what training wrote; once for both.",
        ),
    ] = None,
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="POLICY",
            help="Twice, A and B: a named policy such as `plex`, or a file of one's own; once for "
            "both.",
        ),
    ] = None,
    catalogs: Catalogs = None,
    json: Figures = None,
) -> None:
    """Replay a log under two models or policies: what differs, what is published, what is hit."""
    import msgspec

    from stream_cw.core.row import View
    from stream_cw.history.log import EventLog
    from stream_cw.model.chosen import choose
    from stream_cw.model.compare import PASSES
    from stream_cw.model.compare import compare as contrast
    from stream_cw.model.tables import contrast_tables, text
    from stream_cw.operator_files import choose_policy

    scorers = [choose(model) for model in _two(models or ["shipped"], "--model")]
    rules = [choose_policy(policy) for policy in _two(policies or ["watch-next"], "--policy")]
    if len(models or ()) < _A_AND_B and len(policies or ()) < _A_AND_B:
        raise typer.BadParameter("wanted --model or --policy twice, found neither")
    works = works_of(catalogs)
    a, b = (
        View(scorer=scorer, policy=policy, works=works)
        for scorer, policy in zip(scorers, rules, strict=True)
    )
    total = PASSES * count_lines(log)
    with bar("comparing") as progress:
        found = contrast(EventLog(log), a, b, lambda done: progress(done, total))
    _save(json, msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    typer.echo("\n\n".join(map(text, contrast_tables(found))))


def _two(names: list[str], option: str) -> list[str]:
    """Return the names of A and of B, the same where there is one alone."""
    if len(names) > _A_AND_B:
        raise typer.BadParameter(f"wanted {option} at most twice, found it {len(names)} times")
    return names * 2 if len(names) == 1 else names


def _save(path: Path | None, content: bytes) -> None:
    if path is not None:
        with written(path) as file:
            file.write(content)
