"""Tickets: each opens one stream, once and soon, and tells nothing to who reads the address."""

import base64
import traceback
from collections.abc import Callable
from typing import Literal, get_args

import pytest
import rich.pretty
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from stream_cw.errors import SettingsError, TokenRefusal, TokenRefusedError
from stream_cw.gateway.tickets import MAX_TICKET_BYTES, TICKET_LIFE_S, Tickets
from stream_cw.gateway.tokens import LEEWAY_S, Grant, tokens_of
from tests.gateway.forge import NOW, SECRET, Asked, refusal, signed, verifier
from tests.gateway.mutations import mutations

GRANT = Grant(frozenset({"profile-1", "profile-2"}), "member-7", NOW + 3_600)
STREAM = ("profile-1", "tv-1")


class Hands:
    """A clock that is moved by hand."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def outcome(
    tickets: Tickets, ticket: str, stream: tuple[str, str] = STREAM
) -> TokenRefusal | Literal["taken"]:
    try:
        tickets.redeem(ticket, *stream)
    except TokenRefusedError as refused:
        return refused.reason
    return "taken"


def test_a_ticket_opens_its_stream_once() -> None:
    tickets = Tickets(clock=Hands())
    ticket = tickets.issue(GRANT, *STREAM)
    assert tickets.redeem(ticket, *STREAM) == Grant(
        frozenset({"profile-1"}), "member-7", NOW + 3_600
    )
    assert [outcome(tickets, ticket) for _ in range(3)] == ["used"] * 3


@pytest.mark.parametrize(
    "stream",
    [("profile-2", "tv-1"), ("profile-1", "tv-2"), ("tv-1", "profile-1"), ("profile-1t", "v-1")],
    ids=str,
)
def test_a_ticket_opens_no_other_stream(stream: tuple[str, str]) -> None:
    tickets = Tickets(clock=Hands())
    ticket = tickets.issue(GRANT, *STREAM)
    assert outcome(tickets, ticket, stream) == "other_stream"
    assert tickets.redeem(ticket, *STREAM)


def test_a_ticket_is_for_a_profile_of_the_grant() -> None:
    with pytest.raises(ValueError, match="the grant names") as error:
        Tickets().issue(GRANT, "profile-3", "tv-1")
    assert "profile-3" not in str(error.value)


def test_a_ticket_lives_for_half_a_minute() -> None:
    clock = Hands()
    tickets = Tickets(clock=clock)
    early, late = (tickets.issue(GRANT, *STREAM) for _ in range(2))
    clock.now = NOW + TICKET_LIFE_S - 0.001
    assert tickets.redeem(early, *STREAM)
    clock.now = NOW + TICKET_LIFE_S
    assert outcome(tickets, late) == "expired"


def test_a_ticket_ends_with_the_token_behind_it() -> None:
    clock = Hands()
    tickets = Tickets(clock=clock)
    soon = Grant(frozenset({"profile-1"}), "member-7", NOW + 2)
    early, late = (tickets.issue(soon, *STREAM) for _ in range(2))
    clock.now = NOW + 1.999
    assert tickets.redeem(early, *STREAM).expires_at == NOW + 2
    clock.now = NOW + 2
    assert outcome(tickets, late) == "expired"


def test_gateways_of_one_secret_take_one_anothers_tickets_and_others_do_not() -> None:
    one, two = (Tickets(SECRET, Hands()) for _ in range(2))
    ticket = one.issue(GRANT, *STREAM)
    assert two.redeem(ticket, *STREAM) == one.redeem(ticket, *STREAM)
    for other in (Tickets(SECRET + "x", Hands()), Tickets(clock=Hands())):
        assert outcome(other, one.issue(GRANT, *STREAM)) == "malformed"
    random = Tickets(clock=Hands()).issue(GRANT, *STREAM)
    assert outcome(Tickets(clock=Hands()), random) == "malformed"


@pytest.mark.parametrize("secret", ["", "x" * 31])
def test_a_short_secret_is_refused(secret: str) -> None:
    with pytest.raises(SettingsError, match="STREAM_CW_GATEWAY_TICKET_SECRET: wanted"):
        Tickets(secret)


@pytest.mark.parametrize("ahead", [LEEWAY_S, 600])
def test_a_clock_that_is_ahead_makes_no_ticket_that_can_be_used_twice(ahead: int) -> None:
    here = Hands()
    issuing, taking = Tickets(SECRET, Hands(NOW + ahead)), Tickets(SECRET, here)
    ticket = issuing.issue(GRANT, *STREAM)
    seen = []
    for here.now in [NOW + step for step in range(700)]:
        seen.append(outcome(taking, ticket))
        taking.redeem(taking.issue(GRANT, *STREAM), *STREAM)
    assert seen.count("taken") == 1
    assert set(seen) <= {"not_yet_valid", "taken", "used", "expired"}


def test_what_is_remembered_is_bounded_and_nothing_is_forgotten_too_early() -> None:
    clock = Hands()
    tickets = Tickets(clock=clock, max_used=3)
    used = [tickets.issue(GRANT, *STREAM) for _ in range(3)]
    for ticket in used:
        tickets.redeem(ticket, *STREAM)
    clock.now = NOW + TICKET_LIFE_S - 1
    waiting = tickets.issue(GRANT, *STREAM)
    assert outcome(tickets, waiting) == "too_many_tickets"
    assert {outcome(tickets, ticket) for ticket in used} == {"used"}
    clock.now = NOW + TICKET_LIFE_S + LEEWAY_S
    assert tickets.redeem(waiting, *STREAM)
    assert {outcome(tickets, ticket) for ticket in used} == {"expired"}


def test_a_ticket_tells_nothing_and_no_two_are_alike() -> None:
    tickets = Tickets(SECRET, Hands())
    ticket = tickets.issue(GRANT, *STREAM)
    plain = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
    for told in (b"profile", b"tv-1", b"member"):
        assert told not in plain
        assert told.decode() not in ticket
    assert ticket != tickets.issue(GRANT, *STREAM)
    assert ticket.isascii()
    assert set(ticket).isdisjoint("=&?#%+/ ")


def test_the_longest_ticket_is_taken() -> None:
    profile, device = "p" * 128, "d" * 128
    tickets = Tickets(clock=Hands())
    ticket = tickets.issue(Grant(frozenset({profile}), "s" * 255, NOW + 60), profile, device)
    assert len(ticket) <= MAX_TICKET_BYTES // 2
    assert tickets.redeem(ticket, profile, device).subject == "s" * 255


def test_a_ticket_that_is_spelled_otherwise_is_the_same_ticket() -> None:
    tickets = Tickets(clock=Hands())
    for grant in (Grant(frozenset({"p"}), "s" * length, NOW + 60) for length in range(20)):
        ticket = tickets.issue(grant, "p", "d")
        tickets.redeem(ticket, "p", "d")
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
            assert outcome(tickets, ticket[:-1] + last, ("p", "d")) in ("used", "malformed")


def test_a_ticket_is_no_token_and_a_token_no_ticket_though_the_secret_be_one() -> None:
    tickets = Tickets(SECRET, Hands())
    assert refusal(verifier(), tickets.issue(GRANT, *STREAM)) == "malformed"
    token = signed({"iss": "i", "aud": "a", "exp": NOW + 60, "profiles": ["profile-1"]})
    assert tokens_of(Asked(issuer="i", audience="a"), lambda: NOW).verify(token)
    assert outcome(tickets, token) == "malformed"


@settings(max_examples=500)
@given(mutate=mutations())
def test_no_mutation_of_a_ticket_is_another_ticket(mutate: Callable[[str], str]) -> None:
    tickets = Tickets(clock=Hands())
    ticket = tickets.issue(GRANT, *STREAM)
    tickets.redeem(ticket, *STREAM)
    assert outcome(tickets, mutate(ticket)) in ("used", "malformed")


@settings(max_examples=500)
@given(
    text=st.text(max_size=100)
    | st.binary(max_size=200).map(base64.urlsafe_b64encode).map(bytes.decode)
)
def test_no_text_is_a_ticket(text: str) -> None:
    assert outcome(Tickets(clock=Hands()), text) == "malformed"


def test_a_ticket_that_is_too_long_is_refused_unread() -> None:
    assert outcome(Tickets(), "A" * (MAX_TICKET_BYTES + 1)) == "too_long"


def test_a_refusal_quotes_nothing() -> None:
    clock = Hands()
    tickets = Tickets(SECRET, clock)
    ticket = tickets.issue(GRANT, *STREAM)
    seen = set()
    for text, stream, now in (
        (ticket, ("profile-1", "tablet"), NOW),
        (ticket, STREAM, NOW + 60),
        (ticket, STREAM, NOW - 60),
        (ticket[:-4], STREAM, NOW),
    ):
        clock.now = now
        with pytest.raises(TokenRefusedError) as refused:
            tickets.redeem(text, *stream)
        seen.add(refused.value.reason)
        shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
        for secret in ("profile-1", "tablet", "tv-1", "member-7", ticket[:20], SECRET):
            assert secret not in shown
    assert len(seen) == 4
    assert SECRET not in rich.pretty.pretty_repr(tickets) + repr(tickets)
    assert seen < set(get_args(TokenRefusal))


class TicketsAgainstAList(RuleBasedStateMachine):
    """Two gateways of one secret, and a list of all that was ever issued and used."""

    LIMIT = 4

    def __init__(self) -> None:
        super().__init__()
        self.clock = Hands()
        self.gateways = [Tickets(SECRET, self.clock, max_used=self.LIMIT) for _ in range(2)]
        self.used: list[dict[str, float]] = [{}, {}]

    issued = Bundle("issued")

    @rule(target=issued, gateway=st.integers(0, 1), lifetime=st.sampled_from([5, 20, 600]))
    def issue(self, gateway: int, lifetime: int) -> tuple[str, float]:
        grant = Grant(frozenset({"p"}), "s", self.clock.now + lifetime)
        until = self.clock.now + min(lifetime, TICKET_LIFE_S)
        return self.gateways[gateway].issue(grant, "p", "d"), until

    @rule(step=st.sampled_from([0.5, 4, 20, 29.5]))
    def wait(self, step: float) -> None:
        self.clock.now += step

    @rule(gateway=st.integers(0, 1), ticket=issued, device=st.sampled_from(["d", "d", "d", "e"]))
    def redeem(self, gateway: int, ticket: tuple[str, float], device: str) -> None:
        text, until = ticket
        used, now = self.used[gateway], self.clock.now
        # Whoever was let in during the last 35 s counts, and nobody else.
        held = sum(when + TICKET_LIFE_S + LEEWAY_S > now for when in used.values())
        if now >= until:
            wanted = "expired"
        elif device != "d":
            wanted = "other_stream"
        elif text in used:
            wanted = "used"
        else:
            wanted = "too_many_tickets" if held >= self.LIMIT else "taken"
        assert outcome(self.gateways[gateway], text, ("p", device)) == wanted
        if wanted == "taken":
            used[text] = now

    @invariant()
    def memory_is_bounded(self) -> None:
        for gateway in self.gateways:
            assert len(gateway._used) == len(gateway._forget) <= self.LIMIT


TestTicketsAgainstAList = TicketsAgainstAList.TestCase
