"""`docs/limits.md` held against the code: each time, size and number of tries there is the code's own."""

from __future__ import annotations

import ast
import importlib
import math
import re
from datetime import timedelta
from functools import reduce
from itertools import pairwise
from pathlib import Path

import pytest

from bot.model import retry_policy
from bot.model.retry_policy import RetryPolicy

ROOT = Path(__file__).parent.parent
LINE = re.compile(r"\| .+ \| (\d+) ([\w ]+) \| `([\w/]+)\.py` \(`([\w.]+)`\) \|")
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "KiB": 2**10, "MiB": 2**20}
"""What is counted in another unit than the code's own."""


def section(title: str) -> str:
    page = (ROOT / "docs/limits.md").read_text("utf-8")
    return page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def docstrings(path: str) -> dict[str, str]:
    """Return what stands below each constant of a module, as one line."""
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    pairs = pairwise(body)
    return {
        node.targets[0].id: " ".join(below.value.value.split())
        for node, below in pairs
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }


def number(value: float | None) -> str:
    return "" if value is None or value == math.inf else f"{value:g}"


def row(name: str, policy: RetryPolicy, when: str) -> str:
    pauses = "" if policy.tries == 1 else ", ".join(map(number, policy.pauses))
    asked = number(policy.longest_asked) + ", also 0" * policy.obeys_zero
    cells = (f"`{name}`", when, pauses, number(policy.tries), number(policy.patience), asked)
    return "|".join(f" {cell} " if cell else " " for cell in ("", *cells, "")).strip()


def test_every_retry_policy_is_in_the_table_as_it_is():
    policies = {name: value for name, value in vars(retry_policy).items() if isinstance(value, RetryPolicy)}
    said = docstrings("bot/model/retry_policy.py")
    listed = re.findall(r"^\| `.*$", section("What fails is tried again"), re.MULTILINE)

    assert listed == [row(name, policy, said[name]) for name, policy in policies.items()]


@pytest.mark.parametrize("title", ["How long", "How much"])
def test_every_limit_that_is_listed_is_the_codes_own(title: str):
    lines = [line for line in section(title).splitlines() if line.startswith("| ")][1:]

    assert len(lines) > 15
    for line in lines:
        found = LINE.fullmatch(line)
        assert found, line
        value, unit, path, name = found.groups()
        module = importlib.import_module(path.replace("/", "."))
        is_there = reduce(getattr, name.split("."), module)
        seconds = is_there.total_seconds() if isinstance(is_there, timedelta) else is_there
        assert seconds == int(value) * UNITS.get(unit.removesuffix("s"), 1), line
