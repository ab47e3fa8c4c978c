"""How `oauth` is written: pure modules do nothing but decide, functions are short, rules cite their paragraph."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest

OAUTH = Path(__file__).parents[2] / "oauth"
PURE = (
    "protocol.authorization",
    "protocol.discovery",
    "protocol.http_messages",
    "protocol.registration",
    "protocol.tokens",
    "protocol.url_policy",
    "protocol.www_authenticate",
    "connect.ip_rate_limit",
    "connect.pages",
    "errors",
)
"""They decide, build and parse; who sends, stores and serves is said by the others' names."""
DOES = {"asyncio", "socket", "ssl", "httpx", "httpx2", "httpcore", "sqlalchemy", "starlette", "os", "pathlib", "time"}
PARAGRAPH = re.compile(
    r"^(RFC \d{4}( §[\d.]+| appendix [A-Z]| with MCP)?|MCP|OpenID Connect|docs/reference/oauth\.md#|COAT|"
    r"openid\.connect)"
)


def trees() -> dict[str, ast.Module]:
    paths = {".".join(path.relative_to(OAUTH).with_suffix("").parts): path for path in sorted(OAUTH.rglob("*.py"))}
    return {name: ast.parse(path.read_text("utf-8")) for name, path in paths.items()}


def lines_of(function: ast.AST) -> int:
    """Count the lines of a function's code: not its signature's, not its docstring's."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_does_nothing(name):
    tree = trees()[name]
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    named = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    imported = {alias.name.split(".")[0] for node in plain for alias in node.names}
    imported |= {node.module.split(".")[0] for node in named}
    waits = [node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}

    assert imported & DOES == set()
    assert waits == []
    assert calls & {"open", "print", "input", "datetime.now", "log.info", "log.warning"} == set()


def test_half_of_its_functions_have_ten_lines_or_fewer_and_none_has_forty():
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = [lines_of(node) for tree in trees().values() for node in ast.walk(tree) if isinstance(node, functions)]

    assert len(lengths) > 200
    assert statistics.median(lengths) <= 10
    assert max(lengths) <= 40


def test_every_rule_that_is_said_to_be_broken_cites_its_paragraph():
    said = [
        (name, ast.unparse(node.args[0]).strip("f'\""))
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "RuleBroken" and node.args
    ]
    uncited = [(name, rule) for name, rule in said if not PARAGRAPH.match(rule) and rule != "error.rule"]

    assert len(said) > 40
    assert uncited == []
