"""The model that rows are made with, followed on its topic while the worker runs.

The topic is read to its end before the first round, and followed from then on by a consumer of its
own, without a group. A round asks for the view once, so a new model comes in between two rounds: no
record is lost or repeated by it. A row's version names the offset of the artefact that made it, and
one. A refused artefact is logged and counted, and changes nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec.structs import replace

from stream_cw.broker.connection import Brokers
from stream_cw.broker.follower import Follower
from stream_cw.config import Settings
from stream_cw.core.learned import Learned
from stream_cw.core.row import View
from stream_cw.core.scoring import Scorer
from stream_cw.core.warm_up import warm_up
from stream_cw.errors import RefusedModelError
from stream_cw.model.artefact import unpack
from stream_cw.model.chosen import choose
from stream_cw.model.keys import load_trusted
from stream_cw.model.topic import RANKER, is_kept
from stream_cw.operator_files import choose_policy, with_files
from stream_cw.worker.stats import Stats

MOST_TRIED: Final = 16
"""So many of each kind are looked at when the newest cannot be used: 32 MB at the most."""

log: Final = logging.getLogger("stream_cw.worker")


def initial_view(settings: Settings) -> View:
    """Return the view of a worker that has no published model.

    Raises
    ------
    InputError, OSError
        If a file that the settings name cannot be used.
    RefusedModelError
        If the model of an experiment's arm cannot.
    """
    view = View(scorer=choose(settings.model), policy=choose_policy(settings.policy))
    return with_files(view, settings.placement, settings.experiment, choose)


def trusted_keys(settings: Settings) -> dict[str, Ed25519PublicKey] | None:
    """Read the public keys whose models are taken; None: published models are not followed.

    Raises
    ------
    InputError
        If a file cannot be read or holds no key.
    """
    if settings.model_keys is None:
        return None
    return load_trusted(Path(name.strip()) for name in settings.model_keys.split(","))


class Models:
    """Follows the model topic.

    Parameters
    ----------
    brokers : str or Connection
    topic : str
    trusted : mapping of str to Ed25519PublicKey
    initial : View
        For as long as there is no model that can be used.
    stats : Stats
    fail : callable
        Ends the process: the topic can no longer be followed.

    Attributes
    ----------
    view : View
        What the next round uses.
    """

    def __init__(
        self,
        brokers: Brokers,
        topic: str,
        trusted: Mapping[str, Ed25519PublicKey],
        initial: View,
        stats: Stats,
        fail: Callable[[BaseException], None],
    ) -> None:
        self.view = initial
        self._initial = initial
        self._trusted = trusted
        self._stats = stats
        self._follower = Follower(brokers, topic, fail)

    async def start(self) -> None:
        """Read the topic to its end, and follow it from then on.

        Raises
        ------
        BrokerError
            If the topic cannot be read to its end.
        """
        candidates = await self._candidates()
        while candidates and not await self._take(candidates.pop()):
            pass
        self._follower.follow(self._take_new)

    async def stop(self) -> None:
        """Follow no further."""
        await self._follower.stop()

    async def _candidates(self) -> list[Any]:
        """Read what the topic holds, and return what may be in force, the likeliest last.

        Compaction leaves the last record of a role alone. Where this worker refuses that one, made
        for another version of the code, the models before it still stand under their hashes.
        """
        in_force: deque[Any] = deque(maxlen=MOST_TRIED)
        kept: deque[Any] = deque(maxlen=MOST_TRIED)

        async def note(records: list[Any], _: Mapping[int, int]) -> None:
            in_force.extend(record for record in records if record.key == RANKER)
            kept.extend(r for r in records if is_kept(r.key) and r.value is not None)

        await self._follower.read(note)
        return [*kept, *in_force] if in_force else []

    async def _take_new(self, records: list[Any], _: Mapping[int, int]) -> None:
        for record in records:
            if record.key == RANKER:
                await self._take(record)

    async def _take(self, record: Any) -> bool:
        """Use the model of a record from now on, if it can be used."""
        version = record.offset + 1
        if record.value is None:
            log.warning("model at offset %d: taken away, none is in force", record.offset)
            self.view = replace(self._initial, model=version)
            return True
        try:
            scorer = await asyncio.to_thread(self._scorer, record.value)
        except RefusedModelError as error:
            self._stats.models_refused += 1
            stays = self.view.scorer.ref.id
            log.warning(
                "model at offset %d refused, %s stays: %s: %s",
                *(record.offset, stays, error.reason, error),
            )
            return False
        self._stats.models_taken += 1
        self.view = replace(self._initial, scorer=scorer, model=version)
        ref = scorer.ref
        log.info("model at offset %d taken: %s, sha256 %s", record.offset, ref.id, ref.sha256)
        return True

    def _scorer(self, data: bytes) -> Scorer:
        artefact = unpack(data, self._trusted)
        scorer = Learned(artefact.model, artefact.ref)
        warm_up(replace(self._initial, scorer=scorer))
        return scorer
