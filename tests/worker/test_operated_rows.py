"""A worker that an operator gave policy, placement and an experiment: its rows are the replay's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from oracle import judge
from signed_models import Signer
from worker_support import make_events
from worker_system import PARTITIONS, System

from stream_cw.clients.models import publish
from stream_cw.core.experiments import arm_of
from stream_cw.core.learned import Learned
from stream_cw.core.policies import STREMIO
from stream_cw.core.row import View
from stream_cw.core.rows import decode_row
from stream_cw.model.artefact import unpack
from stream_cw.model.chosen import choose
from stream_cw.operator_files import choose_policy, with_files

POLICY = """
base = "stremio"
finished_per_mille = 500
"""
PLACEMENT = "page = [900_000, 700_000, 10_000]"
EXPERIMENT = """
id = "arms"
arms = [
  { id = "published" },
  { id = "recency", model = "recency", policy = { in_a_row_ms = 1_800_000, beyond = false } },
  { id = "low", placement = { slots = 9, false_positive = 1_000_000 } },
]
"""


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_rows_of_all_arms_are_the_replays(
    system: System, tmp_path: Path, show_figure: Callable[[str], None]
) -> None:
    placement, experiment = tmp_path / "placement.toml", tmp_path / "experiment.toml"
    policy = tmp_path / "own.toml"
    policy.write_text(POLICY)
    placement.write_text(PLACEMENT)
    experiment.write_text(EXPERIMENT)
    signer = Signer()
    artefact = signer.artefact("oldest-first", oldest_first=True)
    offset = publish(system.brokers, system.topics.models, artefact)
    system.produce(make_events(30, 2_000))
    trusted = signer.write_public(tmp_path / "trusted.pub")
    files = {"policy": policy, "placement": placement, "experiment": experiment}
    worker = system.start(model_keys=trusted, **files)
    system.wait_until_through(worker)
    worker.stop()
    found = unpack(artefact, signer.trusted)
    own = View(policy=choose_policy(str(policy)))
    view = with_files(own, placement, experiment, choose)
    view = replace(view, scorer=Learned(found.model, found.ref), model=offset + 1)
    named = replace(view, policy=STREMIO)
    verdict = judge(system.brokers, system.topics, PARTITIONS, tmp_path, [view])
    show_figure(f"a worker with an experiment of three arms: {verdict.figures()}")
    assert verdict.holds, verdict
    plain = judge(system.brokers, system.topics, PARTITIONS, tmp_path, [named])
    assert plain.wrong, "rows under another policy must be told from these"
    rows = [decode_row(value) for _, value, *_ in system.rows() if value is not None]
    assert view.experiment is not None
    assert all(row.arm == arm_of(view.experiment, row.profile_id).id for row in rows)
    models = {(row.arm, row.model.id) for row in rows}
    assert models == {
        ("published", "oldest-first"),
        ("recency", "recency"),
        ("low", "oldest-first"),
    }
    reasons = {tile.reason for row in rows for tile in row.tiles[:2] if row.arm == "recency"}
    assert "long_in_a_row" in reasons
    assert {row.placement.slot for row in rows if row.arm == "low"} == {8}
    assert {row.placement.slot for row in rows if row.arm != "low"} == {2}
