"""The way of a turn stays readable: a pure heart, short and simple functions. Each rule with what breaks it."""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from bot.domain.turns.reducer_state import Action

ROOT = Path(__file__).parent.parent.parent
WAY = ("listeners", "domain", "agents", "renderers", "slack", "model")
"""From a request to what is shown of its turn."""
LONGEST = 40
OURS = ("bot", "oauth", "store")
HEART = ("bot.domain.turns.reducer", "bot.domain.turns.reducer_state", "bot.agents.translate")
WORDS = {"bot.model.events", "bot.model.progress", "bot.model.visible_text", "bot.domain.turns.reducer_state"}
RECORDS = "store.records"
"""Data of the store, a module a noun."""
LIBRARY = {"__future__", "collections.abc", "dataclasses", "datetime", "enum", "math", "re", "typing"}
"""Of the standard library, what neither reads nor writes anything."""
IMPURE = {"open", "print", "input", "exec", "eval", "setattr", "delattr", "globals", "vars", "__import__", "id", "hash"}
CLOCKS = {"now", "utcnow", "today"}
HIDES = "Secret"
"""The one record that keeps something from being printed; no turn holds one."""
MUTATING = {"append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "sort", "reverse", "add"}


def impurities(source: str) -> Iterator[str]:
    """Name what a module does besides computing values from values."""
    tree = ast.parse(source)
    body = [node for node in tree.body if not (isinstance(node, ast.ClassDef) and node.name == HIDES)]
    for node in (inner for outer in body for inner in ast.walk(outer)):
        match node:
            case ast.Import(names=names) if any(alias.name not in LIBRARY for alias in names):
                yield f"{node.lineno}: imports {names[0].name}"
            case ast.ImportFrom(module=module, names=names) if module not in LIBRARY | WORDS:
                if not str(module).startswith(RECORDS) and {f"{module}.{alias.name}" for alias in names} - WORDS:
                    yield f"{node.lineno}: imports {module}"
            case ast.AsyncFunctionDef() | ast.Await() | ast.Global() | ast.Nonlocal() | ast.Yield():
                yield f"{node.lineno}: {type(node).__name__}"
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE and hasattr(builtins, name):
                yield f"{node.lineno}: calls {name}"
            case ast.Call(func=ast.Attribute(attr=name)) if name in MUTATING | CLOCKS:
                yield f"{node.lineno}: calls .{name}"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Delete():
                yield f"{node.lineno}: changes a value"
            case ast.AugAssign(target=ast.Attribute() | ast.Subscript()):
                yield f"{node.lineno}: changes a value"


def source_of(module: str) -> str | None:
    """Return a module's source, None for what is none of ours."""
    path = ROOT / f"{module.replace('.', '/')}.py"
    return path.read_text("utf-8") if module.partition(".")[0] in OURS and path.exists() else None


def reached(*modules: str) -> set[str]:
    """Return the modules of ours that these can call anything of, themselves included."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        source = source_of(module)
        if module in found or source is None:
            continue
        found.add(module)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
    return found


def test_the_heart_of_a_turn_reaches_nothing_but_words() -> None:
    assert {name for name in reached(*HEART) if not name.startswith(RECORDS)} == {*HEART, *WORDS}


@pytest.mark.parametrize("module", sorted(reached(*HEART)))
def test_the_heart_of_a_turn_is_pure(module: str) -> None:
    assert list(impurities(source_of(module) or "")) == []


def test_what_the_heart_would_call_elsewhere_is_found() -> None:
    assert "store.database" in reached("bot.domain.turns.send_request")
    assert list(impurities(source_of("store.database") or ""))


@pytest.mark.parametrize("words", sorted(WORDS - {"bot.model.visible_text", "store.records"}))
def test_what_the_heart_is_made_of_is_frozen_data(words: str) -> None:
    tree = ast.parse((ROOT / f"{words.replace('.', '/')}.py").read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    kinds = [ast.unparse(mark) for one in classes for mark in (*one.decorator_list, *one.bases)]

    assert classes
    assert set(kinds) <= {"dataclass(frozen=True, slots=True)", "StrEnum"}


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio",
        "import logging",
        "import httpx",
        "from store.database import Database",
        "from datetime import datetime\nnow = datetime.now()",
        "from bot.domain.ports import Clock",
        "async def step(): pass",
        "def step():\n    global x",
        "def step(state):\n    state.text = ''",
        "def step(state):\n    state.tasks[0] = 1",
        "def step(state):\n    state.count += 1",
        "def step(state):\n    state.tasks.append(1)",
        "def step(state):\n    print(state)",
    ],
)
def test_an_impure_heart_is_found(source: str) -> None:
    assert list(impurities(source))


def made(source: str, names: set[str]) -> set[str]:
    """Return which of these classes a module makes objects of."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {ast.unparse(call.func) for call in calls} & names


def performed(source: str) -> set[str]:
    """Return the classes that a module's `_perform` has a case for that does something."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AsyncFunctionDef))
    [perform] = [node for node in functions if node.name == "_perform"]
    return {
        ast.unparse(case.pattern.cls)
        for case in (node for node in ast.walk(perform) if isinstance(node, ast.match_case))
        if isinstance(case.pattern, ast.MatchClass) and not isinstance(case.body[0], ast.Pass)
    }


def test_every_action_is_one_that_the_heart_asks_for_and_the_loop_performs() -> None:
    actions = {action.__name__ for action in get_args(Action)}

    assert made(source_of("bot.domain.turns.reducer") or "", actions) == actions
    assert performed(source_of("bot.domain.turns.loop") or "") == actions


def test_an_action_that_nobody_performs_is_found() -> None:
    source = "async def _perform(action):\n    match action:\n        case Hold(): hold()\n        case Wait(): pass"

    assert performed(source) == {"Hold"}
    assert made("Hold(call)", {"Hold", "Wait"}) == {"Hold"}


def paths() -> list[Path]:
    found = [path for name in WAY for path in sorted((ROOT / "bot" / name).rglob("*.py"))]
    return found + [ROOT / "bot" / name for name in WAY if name.endswith(".py")]


def is_table(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a function is nothing but a list of data."""
    return len(node.body) == 1 and isinstance(node.body[0], ast.Return) and isinstance(node.body[0].value, ast.Tuple)


def too_long(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST and not is_table(node):
                yield f"{path.name}:{node.lineno} {node.name} has {length} lines"


def test_no_function_is_longer_than_a_screen() -> None:
    shipped = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]

    assert set(paths()) < set(shipped)
    assert [line for path in shipped if "migrations" not in path.parts for line in too_long(path)] == []


def test_a_long_function_is_found(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("def f():\n" + "    pass\n" * LONGEST)

    assert list(too_long(path))


def complex_ones(*paths: Path) -> str:
    rule = ["--select", "C901", "--config", "lint.mccabe.max-complexity = 10"]
    command = [Path(sys.executable).with_name("ruff"), "check", "--isolated", "--no-cache", "--quiet", *rule, *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_no_function_on_the_way_is_over_complexity_ten() -> None:
    assert complex_ones(*paths()) == ""


def test_a_complex_function_is_found(tmp_path: Path) -> None:
    path = tmp_path / "tangled.py"
    path.write_text("def f(x):\n" + "".join(f"    if x == {n}:\n        return {n}\n" for n in range(10)))

    assert "C901" in complex_ones(path)
