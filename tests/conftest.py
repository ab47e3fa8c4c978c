"""The guards every test runs under, and the nouns of a journey as fixtures."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from coverage import Coverage
from hypothesis import HealthCheck, settings

from bot import logs
from tests.independent.api_requests import find_problems
from tests.spreading import spread
from tests.world import World, world

# How fast a machine is that does other things too is no property of what is tested.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
ROOT = Path(__file__).parents[1]
NOT_MEASURED = (
    "anomalies/",
    "browser/",
    "journeys/test_outages",
    "journeys/test_random",
    "journeys/test_rush",
    "journeys/test_services",
    "oauth/test_attacks",
    "recordings/",
    "simulator/",
    "test_",
)
FIRST_MEASURED = (
    "bot/agents/test_event_stream",
    "bot/renderers/test_extreme",
    "bot/slack/answer/test_writer",
    "journeys/",
    "oauth/",
    "store/",
)
IS_MEASURED = pytest.StashKey[bool]()
CANARY = "canary-"
PROSE = ("A fault that a test ordered", "prose of the API")
"""What the simulated API says of its refusals."""
"""Every token that a simulator mints carries it; nothing we log, store or show may."""


def _refuse_the_internet(event: str, arguments: tuple[object, ...]) -> None:
    """Let nothing connect but to this machine (an audit hook: it cannot be forgotten or patched away)."""
    if event != "socket.connect":
        return
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) else None
    if isinstance(host, str) and not _is_this_machine(host):
        raise PermissionError(f"a test tried to connect to {host}")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


sys.addaudithook(_refuse_the_internet)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    items[:] = spread(items, workers, _minutes)
    for item in _measured(items):
        item.stash[IS_MEASURED] = True
    for item in items:
        if inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.fixturenames.insert(0, "no_task_left")  # first set up, last torn down  # type: ignore[attr-defined]


def _minutes(item: pytest.Item) -> float:
    slow = item.get_closest_marker("slow")
    return float(slow.kwargs.get("minutes", 1)) if slow else 0.0


def _measured(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests whose coverage is measured, which doubles their time: those that may run a line first.

    What the others run of `bot`, `oauth` and `store` these run too. Tests that do one thing many times are `slow`;
    in some places all cases of a test run the same lines.
    """
    chosen: dict[str, pytest.Item] = {}
    for item in items:
        place = item.path.relative_to(ROOT / "tests").as_posix()
        if place.startswith(NOT_MEASURED) or item.get_closest_marker("slow"):
            continue
        chosen.setdefault(item.nodeid.partition("[")[0] if place.startswith(FIRST_MEASURED) else item.nodeid, item)
    return list(chosen.values())


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    for _ in range(20):
        # What was just cancelled may end in the loop's next rounds.
        left = {task for task in asyncio.all_tasks() - before if not task.done() and not _is_not_ours(task)}
        if not left:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"tasks left behind: {left}")


def _is_not_ours(task: asyncio.Task[object]) -> bool:
    """The guard's own task, and a watcher that sse_starlette (the simulated MCP server's) starts once per loop."""
    return task is asyncio.current_task() or "_shutdown_watcher" in repr(task.get_coro())


class Logged(logging.Handler):
    """Everything that was logged during a test, rendered."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.AsJson())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def processor(self, _: object, __: str, event: dict[str, object]) -> dict[str, object]:
        self.lines.append(repr(logs.with_exception(None, "", dict(event))))
        raise structlog.DropEvent


@pytest.fixture(autouse=True)
def measured(request: pytest.FixtureRequest) -> Iterator[None]:
    """Measure coverage only where `_measured` says so."""
    measuring = Coverage.current()
    if measuring is None or request.node.stash.get(IS_MEASURED, False):
        yield
        return
    measuring.stop()
    yield
    measuring.start()


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """Collect every log line, and fail the test whose logs hold a token, or words of an API."""
    handler = Logged()
    root = logging.getLogger()
    root.addHandler(handler)
    processors = [structlog.processors.add_log_level, handler.processor]
    structlog.configure(processors=processors, cache_logger_on_first_use=False)
    yield handler
    structlog.reset_defaults()
    root.removeHandler(handler)
    leaked = [line for line in handler.lines if CANARY in line]
    assert leaked == [], "a token was logged"
    spoken = [line for line in handler.lines if any(prose in line for prose in PROSE)]
    assert spoken == [], "an API's words were logged"


@pytest.fixture
async def deputy_world(tmp_path: Path) -> AsyncIterator[World]:
    """The peers, and Deputy's settings; start it with `async with deputy_world.deputy()`."""
    async with world(tmp_path) as made:
        yield made
        assert made.leaks(CANARY) == []
        assert find_problems(made.agents.calls) == []


@pytest.fixture
async def running_world(deputy_world: World) -> AsyncIterator[World]:
    """The peers with Deputy running."""
    async with deputy_world.deputy():
        yield deputy_world
