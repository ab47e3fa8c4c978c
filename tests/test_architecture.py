"""The house rules of docs/architecture.md as a program; each rule has an example that breaks it."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = ("bot", "oauth", "store")
PACKAGES = (*SHIPPED, "simulator")

WORDS = {
    "bot.model.agent_prompts",
    "bot.model.commands",
    "bot.model.events",
    "bot.model.progress",
    "bot.model.notices",
    "bot.model.errors",
    "bot.model.action_ids",
    "bot.model.slack_text",
    "bot.model.visible_text",
    "bot.model.config_views",
    "bot.model.tool_risk",
    "bot.model.secret_patterns",
    "bot.model.slack_message",
    "bot.model.ask_flags",
    "bot.model.retry_policy",
}
"""The shared vocabulary of the bot: data only, importable by every part of it."""
ARROWS: dict[str, set[str]] = {
    "store": {"store"},
    "simulator": {"simulator"},
    "oauth": {"oauth", "store"},
    "bot.model": set(),
    "bot.model.commands": {"bot.model.commands", "store.records"},
    "bot.model.events": {"store.records"},
    "bot.model.progress": {"bot.model.events", "store.records"},
    "bot.model.errors": set(),
    "bot.model.agent_prompts": set(),
    "bot.model.retry_policy": set(),
    "bot.model.action_ids": set(),
    "bot.model.tool_risk": set(),
    "bot.model.secret_patterns": {"bot.model.slack_text", "bot.model.visible_text"},
    "bot.model.ask_flags": {"bot.model.errors", "bot.model.slack_text", "bot.model.visible_text"},
    "bot.model.slack_blocks": {"bot.model.slack_text", "bot.model.visible_text"},
    "bot.model.slack_message": {
        "bot.model.commands",
        "bot.model.slack_blocks",
        "bot.model.slack_text",
        "bot.model.visible_text",
        "store.records",
    },
    "bot.model.notices": {
        "bot.model.errors",
        "bot.model.events",
        "bot.model.notices",
        "bot.model.tool_risk",
        "oauth.ports",
        "store.records",
    },
    "bot.model.command_codec": {"bot.model.commands", "store.records"},
    "bot.config": {
        "bot.config",
        "bot.model.errors",
        "bot.model.slack_text",
        "bot.model.visible_text",
        "bot.model.tool_risk",
        "oauth.errors",
        "store.records",
    },
    "bot.model.config_views": {"bot.config", "bot.model.errors", "oauth.catalog.probe_facts", "store.records"},
    "bot.worker_thread": set(),
    "bot.clock": set(),
    "bot.retry": {"bot.domain.ports", "bot.model.errors", "bot.model.retry_policy"},
    "bot.environ_secrets": set(),
    "bot.model.slack_text": {"bot.model.visible_text"},
    "bot.model.visible_text": set(),
    "bot.logs": {"bot.model.secret_patterns"},
    "bot.metrics": set(),
    "bot.env": {"bot.model.errors", "store.database", "store.errors", "store.records", "store.sealing"},
    "bot.schemas": {"bot.config.file_services", "bot.env", "oauth.catalog.catalog_file"},
    "bot.renderers": {
        "bot.renderers",
        "bot.config",
        "oauth.catalog.probe_facts",
        "oauth.errors",
        "oauth.ports",
        "store.records",
        *WORDS,
    },
    "bot.domain": {
        "bot.domain",
        "bot.retry",
        "bot.worker_thread",
        "bot.model.command_codec",
        "bot.config",
        "oauth",
        "store",
        *WORDS,
    },
    "bot.agents": {"bot.agents", "bot.config", "bot.domain.ports", "oauth.ports", "store.records", *WORDS},
    "bot.slack": {"bot.slack", "bot.worker_thread", "bot.renderers", "bot.domain.ports", "store", *WORDS},
    "bot.listeners": {
        "bot.listeners",
        "bot.domain.dispatcher",
        "bot.domain.ports",
        "bot.domain.access.eligibility",
        "store.records",
        *WORDS,
    },
    "bot.web": {"bot.web", "bot.model.errors", "oauth"},
    # What the composition root is made of: one opens, one ties together, one lets in; none of them knows the others.
    "bot.composition.peers": {
        "bot.agents",
        "bot.domain.ports",
        "bot.model.errors",
        "bot.model.retry_policy",
        "bot.retry",
        "bot.listeners.intake",
        "bot.env",
        "bot.slack",
        "oauth",
        "store",
    },
    "bot.composition": {
        "bot.composition",
        "bot.config",
        "bot.domain",
        "bot.metrics",
        "bot.env",
        "bot.slack",
        "oauth",
        "store",
        *WORDS,
    },
    "bot.composition.ingress": {
        "bot.domain.dispatcher",
        "bot.domain.ports",
        "bot.domain.supervisor",
        "bot.listeners.intake",
        "bot.env",
        "bot.slack.client",
        "bot.web",
        "store.database",
        "store.errors",
    },
    "bot.config_cli": {
        "bot.clock",
        "bot.config",
        "bot.domain",
        "bot.model.errors",
        "bot.model.visible_text",
        "bot.composition.peers",
        "bot.env",
        "bot.renderers.probe_words",
        "oauth",
        "store",
    },
}
NOUNS = (
    "config",
    "filters",
    "budgets",
    "access",
    "connections",
    "sessions",
    "approvals",
    "turns",
    "home",
    "admin",
    "maintenance",
)
"""The folders of the domain; each imports only those before it, and what stands beside them in `bot/domain`."""
ROLES = {
    "admin", "agents", "approvals", "arguments", "build", "catalog", "client", "clock", "commands", "config",
    "connections", "context", "discovery", "errors", "files", "home", "lifecycle", "messages", "notices",
    "personal_tokens", "ports", "profiles", "run", "security_headers", "service", "sessions", "slack", "turns",
    "vaults", "webhooks",
}  # fmt: skip
"""Names of modules that say what a file is in its folder, so that more than one folder may have it."""
SAME_CLASS = {"SlackFiles", "Clock", "Retry"}
"""A port and what implements it; what two packages each need of time; an event and a record."""
KNOWS_EVERYBODY = {"bot.app", "bot.__main__"}

VENDORS: dict[str, tuple[str, ...]] = {
    "slack_bolt": ("bot.listeners", "bot.web", "bot.composition.ingress", "bot.app"),
    "slack_sdk": ("bot.slack",),
    "anthropic": ("bot.agents",),
    "httpx2": ("bot.agents", "oauth.mcp.client"),
    "mcp": ("oauth.mcp.client",),
    "mcp_types": ("oauth.mcp.client",),
    "standardwebhooks": ("bot.agents",),
    "httpx": ("oauth.guarded_http",),
    "httpcore": ("oauth.guarded_http",),
    "sqlalchemy": ("store",),
    "alembic": ("store",),
    "starlette": ("bot.web", "oauth.connect.routes", "oauth.connect.pages", "bot.composition.ingress", "bot.app"),
    "uvicorn": ("bot.web",),
    "authlib": ("oauth.protocol", "oauth.connect.browser"),
    "joserfc": ("oauth.connect.browser",),
    "publicsuffixlist": ("oauth.catalog.registrable_domain",),
    "aiohttp": ("bot.slack", "bot.composition.peers", "bot.composition.ingress"),
    "typer": ("bot.__main__",),
    "pydantic": ("bot.config", "bot.env", "bot.schemas", "oauth.catalog.catalog_file", "oauth.catalog.loader"),
    "yaml": ("bot.config",),
    "re2": ("bot.config.patterns", "bot.model.secret_patterns"),
}


@dataclass(frozen=True)
class Module:
    name: str
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def calls(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func)


@cache
def load_modules() -> list[Module]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in path.parts or "node_modules" in path.parts:
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found.append(Module(name, ast.parse(path.read_text("utf-8"))))
    return found


def within(name: str, area: str) -> bool:
    return name == area or name.startswith(f"{area}.")


def room_of(name: str) -> str | None:
    rooms = [room for room in ARROWS if within(name, room)]
    return max(rooms, key=len, default=None)


def wrong_arrows(module: Module) -> list[str]:
    if module.name in KNOWS_EVERYBODY or within(module.name, "bot.doctor"):
        return []
    room = room_of(module.name)
    if room is None:
        return [] if module.name == "bot" else [f"{module.name} belongs to no package"]
    allowed = ARROWS[room]
    ours = {name for name in module.imports() if name.split(".")[0] in {"bot", "oauth", "store", "simulator", "tests"}}
    modules = {name for name in ours if not any(name != other and within(name, other) for other in ours)}
    return [
        f"{module.name} → {name}"
        for name in sorted(modules)
        if not any(within(name, area) for area in allowed) and not _is_reached_by_name(name, ours, allowed)
    ]


def _is_reached_by_name(package: str, ours: set[str], allowed: set[str]) -> bool:
    """`from store import turns` names a package and, by its names, the modules that are meant."""
    named = {name for name in ours if name != package and within(name, package)}
    return bool(named) and all(any(within(name, area) for area in allowed) for name in named)


def wrong_vendors(module: Module) -> list[str]:
    if module.name.startswith("simulator") or within(module.name, "bot.doctor"):  # the doctor looks at every vendor
        return []
    return [
        f"{module.name} imports {vendor}"
        for vendor, areas in VENDORS.items()
        for name in set(module.imports())
        if within(name, vendor) and not any(within(module.name, area) for area in areas)
    ]


def environment_readers(module: Module) -> list[str]:
    reads = any(
        isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and ast.unparse(node.value) == "os"
        for node in ast.walk(module.tree)
    )
    return [module.name] if reads and module.name != "bot.__main__" and not module.name.startswith("simulator") else []


def members_made(module: Module) -> list[str]:
    allowed = {"bot.listeners.intake", "oauth.connect.browser", "store.members"}
    made = any(call in {"Member", "records.Member"} for call in module.calls())
    return [module.name] if made and module.name not in allowed else []


def commits(module: Module) -> list[str]:
    made = any(call.endswith(".commit") for call in module.calls())
    return [module.name] if made and module.name != "store.database" else []


def tasks_started(module: Module) -> list[str]:
    made = any(call.split(".")[-1] in {"create_task", "ensure_future"} for call in module.calls())
    is_elsewhere = module.name != "bot.domain.supervisor" and not module.name.startswith("simulator")
    return [module.name] if made and is_elsewhere else []


def broad_handlers(module: Module) -> list[str]:
    # The supervisor's task wrapper; the two others are Bolt's and Starlette's error handlers, which catch by hook.
    allowed = {"bot.domain.supervisor"}
    caught = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    return [module.name] if caught and module.name not in allowed and not module.name.startswith("simulator") else []


CLOCKS = {"datetime.now", "datetime.utcnow", "time.time", "time.monotonic", "datetime.datetime.now"}


def clock_readers(module: Module) -> list[str]:
    reads = any(call in CLOCKS for call in module.calls()) or "random" in set(module.imports())
    return [module.name] if reads and module.name != "bot.clock" and not module.name.startswith("simulator") else []


def without_docstring(module: Module) -> list[str]:
    is_empty = not module.tree.body
    return [] if is_empty or ast.get_docstring(module.tree) else [module.name]


def noun_of(name: str) -> str | None:
    parts = name.split(".")
    return parts[2] if within(name, "bot.domain") and len(parts) > 2 and parts[2] in NOUNS else None


def wrong_order(module: Module) -> list[str]:
    """Name each import of a noun that comes later; what stands beside the nouns imports none, the context the first."""
    if not within(module.name, "bot.domain"):
        return []
    own = noun_of(module.name) or ("config" if module.name == "bot.domain.context" else None)
    latest = NOUNS.index(own) if own else -1
    later = {name for name in module.imports() if (noun := noun_of(name)) and NOUNS.index(noun) > latest}
    return [f"{module.name} → {name}" for name in sorted(later)]


SENTENCE = re.compile(r"[A-Z][a-z']* .*[.?!…]\s*", re.DOTALL)
OUR_BUGS = {"RuntimeError", "ValueError"}
"""What is raised with them is for whoever reads the log."""


def words_in_the_domain(module: Module) -> list[str]:
    """Name each sentence in the domain that a person or an agent would read."""
    if not within(module.name, "bot.domain"):
        return []
    unread = [node.value for node in ast.walk(module.tree) if isinstance(node, ast.Expr)]
    unread = [node for node in unread if isinstance(node, ast.Constant)]  # docstrings, also those of constants
    for call in (node for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
        if ast.unparse(call.func) in OUR_BUGS or ast.unparse(call.func).startswith("log."):
            unread += [node for node in ast.walk(call) if isinstance(node, ast.Constant)]
    return [
        f"{module.name}:{node.lineno}: {words}"
        for node in ast.walk(module.tree)
        if node not in unread and (words := _words_of(node)) and SENTENCE.fullmatch(words)
    ]


def _words_of(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(words)):
            return words
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)
        case _:
            return None


PARAMETERS = 5
"""What one constructor may take; more is a class that does too much, or a context that has no name yet."""
LINES = 400
"""What one module may be long."""


def too_many_collaborators(module: Module) -> list[str]:
    if module.name.split(".")[0] not in SHIPPED:
        return []
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs][1:]
            found += [f"{module.name}:{node.lineno} takes {len(taken)}"] if len(taken) > PARAMETERS else []
    return found


def module_too_long(module: Module) -> list[str]:
    """Name a module that is longer than anybody reads in one go, by where its last statement ends."""
    if not (within(module.name, "bot.domain") or within(module.name, "bot.slack")):
        return []
    end = max((node.end_lineno or 0 for node in module.tree.body), default=0)
    return [f"{module.name} has {end} lines"] if end > LINES else []


WAITS = {"call_later", "ClientTimeout", "rest", "sleep", "timedelta", "timeout", "Timeout", "wait"}
"""Calls whose numbers are times."""
LIMITING = re.compile(r"timeout|seconds|minutes|hours|days|expiry|patience|maxsize|max_retries|backlog|limit$")
"""Names of parameters whose numbers are times, sizes or counts."""
CUTS = {"_line", "file_name_within", "one_line", "plain", "quote", "shorten", "shorten_markup"}
"""Calls whose numbers are lengths."""
ITS_OWN = {"bot.agents.event_stream"}
"""Modules whose numbers are still to move."""


def inline_limits(module: Module) -> list[str]:
    """Name each time, size and count that stands where it is used: a constant has a name and one home.

    0, 1 and 2 say no more with a name; what a class or a module assigns has one.
    """
    if module.name.split(".")[0] == "simulator" or module.name in ITS_OWN:
        return []
    bodies = [node.body for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef | ast.Module)]
    named = (node for body in bodies for node in body if isinstance(node, ast.Assign | ast.AnnAssign))
    exempt = {inner for node in named for inner in ast.walk(node)}
    return [
        f"{module.name}:{number.lineno}: {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call | ast.Slice) and node not in exempt
        for value in _limits_of(node)
        for number in ast.walk(value)
        if isinstance(number, ast.Constant) and isinstance(number.value, int | float)
        if number.value not in (0, 1, 2)
    ]


def _limits_of(node: ast.Call | ast.Slice) -> list[ast.expr]:
    """Return the expressions in which a number is a time, a size or a count."""
    if isinstance(node, ast.Slice):
        return [bound for bound in (node.lower, node.upper) if bound]
    called = ast.unparse(node.func).rsplit(".", 1)[-1]
    if called in WAITS:
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    lengths = node.args[1:] if called in CUTS else []  # the first one is the text
    return [*lengths, *(keyword.value for keyword in node.keywords if LIMITING.search(keyword.arg or ""))]


ONE_SERVICE = {"ConfigService": "config", "FilterService": "filters", "Admission": "access"}
"""Nouns that are one service each, built by its constructor; every other noun has a `build.py`."""


def built_elsewhere(module: Module) -> list[str]:
    """Name each class of a noun that composition constructs by itself, past the noun's `build`."""
    if not (within(module.name, "bot.composition") or module.name == "bot.app"):
        return []
    imports = [node for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom) and node.module]
    insides = {
        alias.asname or alias.name
        for node in imports
        for alias in node.names
        if noun_of(node.module or "") and not str(node.module).endswith(".build") and alias.name[:1].isupper()
    }
    return [f"{module.name} makes {name}" for name in sorted({*module.calls()} & (insides - ONE_SERVICE.keys()))]


Rule = Callable[[Module], list[str]]

EXAMPLES: list[tuple[Rule, str, str]] = [
    (wrong_arrows, "store.turns", "from oauth.ports import Credential"),
    (wrong_arrows, "simulator.slack.server", "from store.records import Member"),
    (wrong_arrows, "bot.domain.turns.commands", "from bot.slack.screen import SlackScreen"),
    (wrong_arrows, "bot.renderers.answer_frame", "from bot.domain import policy"),
    (wrong_arrows, "bot.agents.event_stream", "from store.database import Database"),
    (wrong_arrows, "oauth.connect.routes", "from bot.model.errors import DeputyError"),
    (wrong_arrows, "bot.novelty", "from store.records import Member"),
    (wrong_arrows, "bot.composition.nouns", "from bot.agents.api import ManagedAgents"),
    (wrong_arrows, "bot.composition.handlers", "from bot.listeners import register"),
    (wrong_arrows, "bot.composition.peers", "from bot.domain.turns.commands import Turns"),
    (wrong_arrows, "bot.composition.ingress", "from bot.composition.context import build_context"),
    (wrong_vendors, "bot.domain.turns.commands", "import anthropic"),
    (wrong_vendors, "bot.listeners.slash", "from slack_sdk.web.async_client import AsyncWebClient"),
    (wrong_vendors, "oauth.protocol.tokens", "import httpx"),
    (wrong_vendors, "bot.slack.screen", "from sqlalchemy import select"),
    (environment_readers, "bot.env", "import os\nvalue = os.environ['X']"),
    (members_made, "bot.domain.turns.commands", "Member('T1', 'U1', 'T1', 'ana')"),
    (commits, "store.turns", "async def f(tx):\n    await tx.commit()"),
    (tasks_started, "bot.agents.event_stream", "import asyncio\nasyncio.create_task(work())"),
    (broad_handlers, "bot.slack.screen", "try:\n    pass\nexcept Exception:\n    pass"),
    (clock_readers, "bot.domain.turns.commands", "from datetime import datetime\nnow = datetime.now()"),
    (without_docstring, "bot.novelty", "x = 1"),
    (wrong_order, "bot.domain.filters.engine", "from bot.domain.turns.reducer import step"),
    (words_in_the_domain, "bot.domain.turns.commands", 'raise Problem("Nobody decided in time.")'),
    (words_in_the_domain, "bot.domain.admin.commands", 'return Done(f"Disconnected {count} from {service}.")'),
    (wrong_order, "bot.domain.context", "from bot.domain.filters.apply import FilterService"),
    (wrong_order, "bot.domain.supervisor", "from bot.domain.access import policy"),
    (too_many_collaborators, "oauth.connect.novelty", "class X:\n    def __init__(self, a, b, c, d, e, f): ..."),
    (too_many_collaborators, "bot.domain.novelty", "class X:\n    def __init__(self, a, b, *, c, d, e, f): ..."),
    (inline_limits, "bot.slack.novelty", "async def f(clock):\n    await clock.sleep(3)"),
    (inline_limits, "bot.domain.novelty", "def f(now):\n    return now + timedelta(minutes=5)"),
    (inline_limits, "oauth.novelty", "def f(sender):\n    return sender.send(timeout=1.5)"),
    (inline_limits, "store.novelty", "async def f(rows):\n    return await rows.list(limit=100)"),
    (inline_limits, "bot.renderers.novelty", "def f(name):\n    return one_line(name, 60)"),
    (inline_limits, "bot.renderers.novelty", "def f(names):\n    return names[:5]"),
    (built_elsewhere, "bot.composition.nouns", "from bot.domain.turns.stop import TurnStopper\nTurnStopper(context)"),
    (module_too_long, "bot.slack.novelty", "x = 1\n" * 401),
]


@pytest.mark.parametrize("rule", sorted({rule for rule, _, _ in EXAMPLES}, key=lambda rule: rule.__name__))
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    broken = [where for module in load_modules() for where in rule(module)]

    assert broken == []


@pytest.mark.parametrize(("rule", "name", "source"), EXAMPLES)
def test_the_rule_finds_its_example(rule: Rule, name: str, source: str) -> None:
    assert rule(Module(name, ast.parse(source)))


def test_each_noun_has_its_build_beside_it() -> None:
    modules = {module.name for module in load_modules()}

    missing = {noun for noun in NOUNS if f"bot.domain.{noun}.build" not in modules}
    assert missing == set(ONE_SERVICE.values())


def test_nobody_imports_the_composition_root() -> None:
    importers = {m.name for m in load_modules() if any(within(name, "bot.app") for name in m.imports())}

    assert importers == {"bot.__main__"}


def test_only_the_composition_root_connects_the_parts() -> None:
    def ties(name: str) -> bool:
        return name.count(".") > 1 and within(name, "bot.composition") and not within(name, "bot.composition.peers")

    importers = {m.name for m in load_modules() if any(ties(name) for name in m.imports())}

    assert {name for name in importers if not within(name, "bot.composition")} == {"bot.app"}


def test_modules_do_not_import_each_other_in_circles() -> None:
    modules = {module.name: module for module in load_modules()}
    graph = {name: {i for i in module.imports() if i in modules and i != name} for name, module in modules.items()}

    while leaves := {name for name, targets in graph.items() if not targets & graph.keys()}:
        for leaf in leaves:
            del graph[leaf]

    assert graph == {}


def test_migrations_are_one_line():
    """Two that are written beside each other get the same number; whoever comes second takes the next one."""
    names = sorted(path.stem for path in (ROOT / "store/migrations/versions").glob("0*.py"))
    texts = [(ROOT / f"store/migrations/versions/{name}.py").read_text() for name in names]

    for number, (name, text) in enumerate(zip(names, texts, strict=True), 1):
        before = f'"{number - 1:04}"' if number > 1 else "None"
        assert name.startswith(f"{number:04}_")
        assert f'revision = "{number:04}"\ndown_revision = {before}\n' in text


def public_classes(modules: list[Module]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules:
        if module.name.split(".")[0] in {"bot", "oauth", "store"}:
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(module.name)
    return dict(found)


def test_a_class_has_its_name_for_itself() -> None:
    twice = {name: where for name, where in public_classes(load_modules()).items() if len(where) > 1}

    assert {name: where for name, where in twice.items() if name not in SAME_CLASS} == {}
    same = [Module("bot.a", ast.parse("class X: ...")), Module("oauth.b", ast.parse("class X: ..."))]
    assert public_classes(same) == {"X": ["bot.a", "oauth.b"]}


def test_a_module_has_its_name_for_itself_or_is_called_by_its_role() -> None:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module in load_modules():
        if module.name.split(".")[0] in {"bot", "oauth"} and module.tree.body:
            found[module.name.rsplit(".", 1)[-1]].append(module.name)

    assert {name: where for name, where in found.items() if len(where) > 1 and name not in ROLES} == {}


KEPT_FOR_TESTS = {"bot.domain.supervisor.Supervisor.idle"}
"""What only tests use and cannot do themselves: wait until no task is left."""
PLAIN = {"asynccontextmanager", "cache", "classmethod", "contextmanager", "dataclass", "property", "staticmethod"}
"""Decorators that give what they decorate to nobody; with any other one it may be called by whoever got it."""


def reads(tree: ast.AST) -> Counter[str]:
    """Count the names that are read in it, and as `.name` those behind a dot."""
    read: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and not isinstance(node.ctx, ast.Store):
            read[node.id if isinstance(node, ast.Name) else f".{node.attr}"] += 1
    return read


def is_plain(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(ast.unparse(one).partition("(")[0] in PLAIN for one in node.decorator_list)


def definitions(module: Module) -> Iterator[tuple[str, ast.stmt]]:
    """Name what a module defines, with its node; methods as `Class.name`."""
    for node in module.tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if is_plain(node):
                yield node.name, node
            case ast.ClassDef():
                yield node.name, node
                # The methods of a library's class are called by the library.
                if all(ast.unparse(base) in {"Protocol", "StrEnum"} for base in node.bases):
                    methods = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
                    yield from ((f"{node.name}.{one.name}", one) for one in methods if is_plain(one))
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node


def taken_from_others(modules: list[Module], read: dict[str, Counter[str]]) -> set[tuple[str, str]]:
    """Return each (module, name) that another module uses; a package that only passes a name on does not."""
    names = {module.name for module in modules}
    passed: dict[tuple[str, str], tuple[str, str]] = {}
    taken: set[tuple[str, str]] = set()
    for module in modules:
        imported: dict[str, str] = {}
        for node in (node for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom) and node.module):
            for alias in node.names:
                origin, name = (str(node.module), alias.name), alias.asname or alias.name
                if ".".join(origin) in names:
                    imported[name] = ".".join(origin)
                elif read[module.name][name]:
                    taken.add(origin)
                else:
                    passed[module.name, name] = origin
        taken |= taken_behind_a_dot(module, imported, read[module.name])
    while more := {passed[name] for name in taken & passed.keys()} - taken:
        taken |= more
    return taken


def taken_behind_a_dot(module: Module, imported: dict[str, str], read: Counter[str]) -> set[tuple[str, str]]:
    """Return what is read as `module.name`; of a module that is handed on as a value, anything that is read here."""
    taken, before_a_dot = set(), Counter[str]()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            taken.add((imported[node.value.id], node.attr))
            before_a_dot[node.value.id] += 1
    handed_on = {origin for name, origin in imported.items() if read[name] > before_a_dot[name]}
    return taken | {(origin, name[1:]) for origin in handed_on for name in read if name.startswith(".")}


def unused(modules: list[Module]) -> list[str]:
    """Name each function, class, method and constant that nothing shipped uses but itself."""
    shipped = [module for module in modules if module.name.split(".")[0] in SHIPPED]
    read = {module.name: reads(module.tree) for module in shipped}
    taken, everywhere = taken_from_others(shipped, read), sum(read.values(), Counter[str]())
    found = []
    for module in shipped:
        for qualified, node in definitions(module):
            of_class, _, name = qualified.rpartition(".")
            uses, key = (everywhere, f".{name}") if of_class else (read[module.name], name)
            is_taken = (module.name, qualified) in taken or name.startswith("__")
            if not is_taken and (not uses[key] or uses[key] == reads(node)[key]):
                found.append(f"{module.name}.{qualified}")
    return found


def test_nothing_is_there_for_its_tests_alone() -> None:
    assert set(unused(load_modules())) == KEPT_FOR_TESTS


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(): ...", ["f"]),
        ("def f(): return f()", ["f"]),
        ("class X:\n    def f(self): ...\nX()", ["X.f"]),
        ("class X:\n    def f(self): ...\nX()\nf()", ["X.f"]),
        ("ONE: int = 1", ["ONE"]),
        ("class X: ...", ["X"]),
        ("from bot.b import passed_on", []),
        ("def f(): ...\ndef g(): return f()\ng()", []),
        ("@app.command()\ndef f(): ...", []),
        ("class X(Library):\n    def f(self): ...\nX()", []),
    ],
)
def test_what_nobody_uses_is_found(source: str, found: list[str]) -> None:
    assert unused([Module("bot.a", ast.parse(source))]) == [f"bot.a.{name}" for name in found]


@pytest.mark.parametrize(
    "source",
    [
        "from bot.a import f\nf()",
        "from bot import a\na.f()",
        "from bot import a as other\nfor one in (other,):\n    one.f()",
        "from bot.package import f\nf()",
    ],
)
def test_what_another_module_uses_is_not_found(source: str) -> None:
    package = Module("bot.package", ast.parse("from bot.a import f"))
    own = Module("bot.a", ast.parse("def f(): ..."))

    assert unused([own, package, Module("bot.b", ast.parse(source))]) == []
    assert unused([own, package]) == ["bot.a.f"]
    assert unused([own, package, Module("tests.b", ast.parse(source))]) == ["bot.a.f"]
