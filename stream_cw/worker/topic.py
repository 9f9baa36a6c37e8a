"""The event topic as Faust's agent reads it: whole batches, nothing to decode."""

from typing import Any

import faust


class Topic(faust.Topic):  # type: ignore[misc]
    """A topic that hands batches through as they are; `topics apply` is what creates topics."""

    _queue: Any

    @property
    def queue(self) -> Any:
        """Where batches wait for the agent.

        Faust empties its queues when recovery ends. By then it has let partitions go on and has
        moved them to what is committed, so that batches may wait that nobody would fetch again.
        Those of an older generation, which emptying is for, are told by their generation.
        """
        if self._queue is None:
            self._queue = self.app.FlowControlQueue(
                maxsize=self.maxsize or self.app.conf.stream_buffer_maxsize, clear_on_resume=False
            )
        return self._queue

    async def decode(self, message: Any, *, propagate: bool = False) -> Any:
        """Make the event of a batch; there is nothing to decode."""
        del propagate
        return self._create_event(None, message.value, message.headers, message)

    async def declare(self) -> None:
        """Leave the topic as it is."""
