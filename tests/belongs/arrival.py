"""Orders in which events can arrive: each device keeps its own.

A member's word on a show comes behind the show's first play, as nobody could have told the member
of it before.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from stream_cw.core.events import Event, MarkWatched, Play, Remove, UndoRemove


def chosen_order(
    events: Sequence[Event], choose: Callable[[list[Event]], Event], known: Iterable[str] = ()
) -> list[Event]:
    """Choose one event after the other among those that may come; `known` shows were there."""
    left, shows, order = list(events), set(known), []
    while left:
        order.append(choose(_next(left, shows)))
        left.remove(order[-1])
        shows |= _told_of(order[-1])
    return order


def every_order(events: Sequence[Event], known: frozenset[str] = frozenset()) -> Iterator[list]:
    """Yield all orders."""
    if not events:
        yield []
    for event in _next(events, known):
        rest = [other for other in events if other is not event]
        for order in every_order(rest, known | _told_of(event)):
            yield [event, *order]


def _next(events: Iterable[Event], known: Iterable[str]) -> list[Event]:
    """Find the first event of each device, but not words on shows that nobody knows."""
    heads: dict[str, Event] = {}
    for event in events:
        heads.setdefault(event.device_id, event)
    return [event for event in heads.values() if _word_on(event) in (None, *known)]


def _word_on(event: Event) -> str | None:
    if isinstance(event, MarkWatched):
        return event.title.show_id
    return event.show_id if isinstance(event, Remove | UndoRemove) else None


def _told_of(event: Event) -> frozenset[str]:
    return frozenset({event.title.show_id} if isinstance(event, Play) else ())
