"""A thousand subscriptions, many of them by those who may not: none sees a row that is not its."""

import asyncio
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from forge import hs256, key_for, pem, signer, token
from gateway_support import AUDIENCE, ISSUER, SECRET, GatewayProcess, device_path
from worker_support import last_values, wait_until
from worker_system import System

from stream_cw.core.events import Episode, Event, Stop
from stream_cw.core.rows import Row

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

SUBSCRIPTIONS = 1_000
AT_ONCE = 40
ROWS_READ = 3
READ_SECONDS = 0.4
PROFILES = [f"profile-{number}" for number in range(50)]
DEVICES = ("tv", "phone")
RSA = key_for("RS256")

Make = Callable[[str], str]


def an_event(number: int) -> Event:
    """A stop whose titles tell the profile."""
    turn, at = divmod(number, len(PROFILES))
    profile = PROFILES[at]
    return Stop(
        event_id=f"e{number}",
        profile_id=profile,
        device_id=DEVICES[turn % 2],
        device_type="tv",
        ts=int(time.time() * 1000),
        title=Episode(
            id=f"{profile}~t{turn}", series_id=f"{profile}~s{turn % 7}", duration_ms=2_700_000
        ),
        position_ms=600_000 + turn,
    )


@contextmanager
def load(system: System) -> Iterator[None]:
    numbers = itertools.count()
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.2):
            system.produce([an_event(next(numbers)) for _ in PROFILES])

    system.produce([an_event(next(numbers)) for _ in range(2 * len(PROFILES))])
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Issuer:
    """Makes tokens of a gateway's algorithm, right and wrong ones; each is for one profile."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self._sign = hs256(SECRET) if algorithm == "HS256" else signer(RSA)
        self._other_key = hs256("another secret of 32 bytes or more")
        if algorithm == "RS256":
            self._other_key = signer(key_for("RS256", 1))

    def claims(self, profile: str, **changed: object) -> dict[str, object]:
        known = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 600, "profiles": [profile]}
        return {name: v for name, v in (known | changed).items() if v is not None}

    def good(self, profile: str, **changed: object) -> str:
        return token({"alg": self.algorithm}, self.claims(profile, **changed), self._sign)

    def forged(self) -> dict[str, Make]:
        """Ways to a token that proves nothing."""
        alg, claims = self.algorithm, self.claims
        return {
            "expired": lambda p: self.good(p, exp=time.time() - 1),
            "alg none": lambda p: token({"alg": "none"}, claims(p), lambda _: b""),
            "no signature": lambda p: token({"alg": alg}, claims(p), lambda _: b""),
            "another key": lambda p: token({"alg": alg}, claims(p), self._other_key),
            "key confusion": lambda p: token({"alg": "HS256"}, claims(p), hs256(pem(RSA))),
            "another algorithm": lambda p: token({"alg": "RS256"}, claims(p), hs256(SECRET)),
            "wrong audience": lambda p: self.good(p, aud="another service"),
            "wrong issuer": lambda p: self.good(p, iss="https://evil.test"),
            "no audience": lambda p: self.good(p, aud=None),
            "for ever": lambda p: self.good(p, exp=None),
            "another's claims": self._spliced,
            "none": lambda _: "",
        }

    def _spliced(self, profile: str) -> str:
        """The signature of one's own token under the claims of another."""
        mine = self.good("profile-of-the-thief").split(".")
        return ".".join([mine[0], self.good(profile).split(".")[1], mine[2]])


class Seen:
    """What came of the subscriptions."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.rows = 0

    def check_row(self, data: bytes, profile: str, device: str) -> None:
        row = msgspec.json.decode(data, type=Row)
        self.rows += 1
        told = {row.profile_id, *(tile.show_id.partition("~")[0] for tile in row.tiles)}
        if told != {profile} or row.device_id != device or not row.tiles:
            self.wrong.append(f"{profile}/{device} was shown {told}, {row.device_id}")


async def subscribe(
    client: httpx.AsyncClient, url: str, issuer: Issuer, rng: random.Random, seen: Seen
) -> None:
    """Subscribe as somebody, who may or may not, and look at what comes."""
    profile, device = rng.choice(PROFILES), rng.choice(DEVICES)
    path = f"{url}{device_path(profile, device)}"
    kind = rng.choice(["valid", "valid", "ticket", "foreign", *issuer.forged()])
    params: dict[str, str] = {}
    if kind in ("valid", "ticket"):
        bearer, wanted = issuer.good(profile), 200
    elif kind == "foreign":
        others = [other for other in PROFILES if other != profile]
        bearer, wanted = issuer.good(rng.choice(others)), 403
    else:
        bearer, wanted = issuer.forged()[kind](profile), 401
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    if kind == "ticket":
        answer = await client.post(f"{path}/tickets", headers=headers)
        params, headers = {"ticket": answer.json()["ticket"]}, {}
    seen.asked[kind] += 1
    async with client.stream("GET", f"{path}/rows", headers=headers, params=params) as answer:
        if answer.status_code != wanted:
            seen.wrong.append(f"{kind}: {answer.status_code}")
        elif wanted == 200:
            await read_rows(answer, seen, profile, device)
        elif b"profile-" in await answer.aread():
            seen.wrong.append(f"{kind}: the refusal names a profile")


async def read_rows(answer: httpx.Response, seen: Seen, profile: str, device: str) -> None:
    """Look at the row that comes at once, and at what comes in the moment after it."""
    lines = answer.aiter_lines()
    rows = 0
    try:
        async with asyncio.timeout(20) as limit:
            async for line in lines:
                if not line.startswith("data: "):
                    continue
                seen.check_row(line.removeprefix("data: ").encode(), profile, device)
                rows += 1
                limit.reschedule(asyncio.get_running_loop().time() + READ_SECONDS)
                if rows == ROWS_READ:
                    return
    except TimeoutError:
        if not rows:
            seen.wrong.append(f"{profile}/{device}: no row came")


@pytest.fixture
def both(system: System, start_gateway, tmp_path: Path) -> dict[str, GatewayProcess]:
    """A gateway for each kind of key."""
    keys = tmp_path / "key.pem"
    keys.write_bytes(pem(RSA))
    started = {
        "HS256": start_gateway("hs"),
        "RS256": start_gateway("rs", algorithm="RS256", secret="", keys=keys),
    }
    return {algorithm: gateway.wait_ready() for algorithm, gateway in started.items()}


def test_nobody_sees_a_row_that_is_not_its_own(system: System, both, show_figure) -> None:
    system.start()
    wait_until(lambda: system.sharing() == 1, "the worker works")
    seen, rng = Seen(), random.Random(5)
    issuers = {algorithm: Issuer(algorithm) for algorithm in both}

    async def run() -> None:
        room = asyncio.Semaphore(AT_ONCE)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:

            async def one(number: int) -> None:
                algorithm = rng.choice(list(both))
                async with room:
                    await subscribe(
                        client,
                        both[algorithm].url,
                        issuers[algorithm],
                        random.Random(number),
                        seen,
                    )

            await asyncio.gather(*(one(number) for number in range(SUBSCRIPTIONS)))

    with load(system):
        wait_until(
            lambda: len(last_values(system.rows())) == len(PROFILES) * len(DEVICES),
            "each device has a row",
        )
        asyncio.run(run())
    kinds = len(seen.asked)
    let_in = seen.asked["valid"] + seen.asked["ticket"]
    show_figure(
        f"{SUBSCRIPTIONS} subscriptions of {len(PROFILES)} profiles, tokens of {kinds} kinds: "
        f"{let_in} were let in and saw {seen.rows} rows, {len(seen.wrong)} answers were wrong"
    )
    assert not seen.wrong
    assert kinds == 3 + len(issuers["HS256"].forged())
    assert seen.rows > let_in > SUBSCRIPTIONS // 10


def test_a_grant_ends_in_the_middle_of_a_stream(system: System, both) -> None:
    """Under load, to the moment: what comes after it is not shown."""
    system.start()
    wait_until(lambda: system.sharing() == 1, "the worker works")
    issuer = Issuer("HS256")

    async def run() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            expires = time.time() + 3
            headers = {"authorization": f"Bearer {issuer.good(PROFILES[0], exp=expires)}"}
            url = f"{both['HS256'].url}{device_path(PROFILES[0], 'tv')}/rows"
            async with client.stream("GET", url, headers=headers) as answer:
                events = [line async for line in answer.aiter_lines() if line.startswith("event")]
            assert time.time() >= expires - 0.1
            assert events[-1] == "event: expired"
            assert events.count("event: row") > 1
            assert (await client.get(url, headers=headers)).status_code == 401

    with load(system):
        asyncio.run(run())
