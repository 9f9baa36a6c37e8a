"""Parts that tests need from outside, and what happens where one is missing.

A test whose part is missing is skipped with the reason, except where `STREAM_CW_REQUIRE` (a list
with commas: kafka, chromium, data) names the part: then the test fails.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from stream_cw.broker.kafka import kafka_broker
from stream_cw.broker.process import Broker
from stream_cw.errors import BrokerError

PARTS = {"kafka", "chromium", "data"}
FIGURE = "figure"
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What a browser needs that runs as root, and what it should not do beside the test."""
TESTS = Path(__file__).parent
SHARED_EXPORT = TESTS.parents[1] / "shared" / "data" / "viewing_activity_export.csv"
LONGEST = (
    "end_to_end/test_main_job.py",
    "worker/test_rolling_restart.py",
    "worker/test_worker.py",
    "security/test_secured_system.py",
    "security/test_refused.py",
    "worker/test_model_swap.py",
    "test_demo.py",
    "gateway/test_operations.py",
    "worker/test_refused_limit.py",
    "worker/test_erased_letters.py",
    "worker/test_catalog_swap.py",
    "gateway/test_isolation.py",
    "client/test_client.py",
    "model/test_learned_on_simulator.py",
    "gateway/test_events.py",
    "clients/test_replay.py",
    "gateway/test_page.py",
    "worker/test_catalog_push.py",
    "gateway/test_storm.py",
    "worker/test_transport.py",
    "gateway/test_page_client.py",
    "belongs/test_promises.py",
    "benchmarks/test_peers.py",
    "broker/test_brokers.py",
    "clients/test_model_topic.py",
)
"""Files of half a minute and more, longest first (`--durations` tells)."""

COMPILE: Final = """
from stream_cw.core.row import View
from stream_cw.core.warm_up import warm_up
from stream_cw.errors import NoCompilerError
from stream_cw.loops import compile_loops
from stream_cw.model.chosen import choose

try:
    compile_loops()
except NoCompilerError:
    warm_up(View(scorer=choose("shipped")))
"""
SHORT_LIVED: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A broker that serves minutes on a part of two cores does not earn back what the JVM's second
compiler and a concurrent collector cost."""

SHARED: Final = pytest.StashKey[str | None]()
SHARED_UNTIL: Final = pytest.StashKey[ExitStack]()
OwnKafka = Callable[..., Broker]
ShowFigure = Callable[[str], None]


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background jobs with SIGINT ignored, and children would inherit that: tests
    # that press Ctrl-C must find it working wherever they are run.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Compiling comes on top of the first example, and no test asserts a time.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    if unknown := required_parts() - PARTS:
        raise pytest.UsageError(
            f"STREAM_CW_REQUIRE names {sorted(unknown)}, known are {sorted(PARTS)}"
        )
    if lost := [name for name in LONGEST if not (TESTS / name).is_file()]:
        raise pytest.UsageError(f"LONGEST of {__file__} names {lost}, which are no files")
    # The processes share the cores: threads of theirs would only wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("JAVA_TOOL_OPTIONS", SHORT_LIVED)
    # Hundreds of processes start: none need compile again what another has.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _without_kafka(config: pytest.Config) -> bool:
    return "not kafka" in config.option.markexpr or _missing_for_kafka() is not None


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More processes than there are cores: tests on a broker often wait for it."""
    return (os.cpu_count() or 1) + (1 if _without_kafka(config) else 3)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it at the end.

    After the longest files those that need Apache Kafka are dealt, then all others.
    """
    place = {TESTS / name: number for number, name in enumerate(LONGEST)}
    on_kafka = {item.path for item in items if item.get_closest_marker("kafka")}
    items.sort(key=lambda item: place.get(item.path, len(LONGEST) + (item.path not in on_kafka)))


@pytest.fixture
def show_figure(record_property: Callable[[str, object], None]) -> ShowFigure:
    """Print a measured figure at the end of the run."""
    return lambda text: record_property(FIGURE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    figures = [
        text for report in reports for name, text in report.user_properties if name == FIGURE
    ]
    if figures:
        terminalreporter.section("figures")
        for text in figures:
            terminalreporter.line(text)


def required_parts() -> set[str]:
    return {name for name in os.environ.get("STREAM_CW_REQUIRE", "").split(",") if name}


def need(part: str, missing: str | None) -> None:
    """Skip or fail the test if something of a part is missing."""
    if missing is None:
        return
    if part in required_parts():
        pytest.fail(f"STREAM_CW_REQUIRE names {part}, but {missing}", pytrace=False)
    pytest.skip(missing)


def _missing_for_kafka() -> str | None:
    absent = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"Apache Kafka needs {' and '.join(absent)} on the PATH" if absent else None


class At(NamedTuple):
    """A broker that another process keeps."""

    address: str


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the processes of a run compiled loops and one Apache Kafka before the first begins.

    Each by itself would compile the same, and take its share of the cores for a broker.
    """
    config = node.config
    if SHARED not in config.stash:
        config.stash[SHARED] = None
        stack = config.stash[SHARED_UNTIL] = ExitStack()
        with subprocess.Popen([sys.executable, "-c", COMPILE]):
            if not _without_kafka(config):
                config.stash[SHARED] = _start_kafka(stack)
    node.workerinput["kafka"] = config.stash[SHARED]


def _start_kafka(stack: ExitStack) -> str | None:
    folder = stack.enter_context(TemporaryDirectory(prefix="kafka-"))
    with suppress(BrokerError):  # each process tries for itself, and its tests tell
        return stack.enter_context(kafka_broker(Path(folder) / "data")).address
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    if SHARED_UNTIL in config.stash:
        config.stash[SHARED_UNTIL].close()


@pytest.fixture(scope="session")
def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker | At]:
    """One Apache Kafka for the whole session; a test keeps to topics under its own `prefix`."""
    need("kafka", _missing_for_kafka())
    shared = getattr(request.config, "workerinput", {}).get("kafka")
    if shared is not None:
        yield At(shared)
        return
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_is_there() -> None:
    """For brokers that a test starts in its own way."""
    need("kafka", _missing_for_kafka())


@pytest.fixture
def needs_kafka() -> None:
    """For tests that start their brokers themselves."""
    need("kafka", _missing_for_kafka())


@pytest.fixture
def own_kafka(needs_kafka: None, tmp_path: Path) -> Iterator[OwnKafka]:
    """Start private brokers, to be killed or halted: `own_kafka(settings={...})`.

    All arguments are those of `kafka_broker` but the folder, which is the test's own.
    """
    with ExitStack() as stack:

        def start(**arguments: object) -> Broker:
            folder = tmp_path / f"kafka-{secrets.token_hex(3)}"
            return stack.enter_context(kafka_broker(folder, **arguments))  # type: ignore[arg-type]

        yield start


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's browser, without a window; a test opens contexts of its own.

    Not for the whole session: its event loop runs in this thread, and other tests have their own.
    """
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    need("chromium", None if path else "there is no chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def prefix() -> str:
    """Start of the names of topics and groups that belong to one test alone."""
    return f"t{secrets.token_hex(4)}."


@pytest.fixture(scope="session")
def export_path() -> Path:
    """The real viewing export: `STREAM_CW_DATA`, else the shared file beside the checkout."""
    path = Path(os.environ.get("STREAM_CW_DATA") or SHARED_EXPORT)
    need("data", None if path.is_file() else f"there is no viewing export at {path.name}")
    return path
