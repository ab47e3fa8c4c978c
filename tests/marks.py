"""Which tests carry a mark with arguments, read from their source: for the tables of docs that are made of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def read_marks(path: Path, mark: str) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield each marked test's name and its mark's literal arguments; a mark of the whole file is the file's name's."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marks, name = node.decorator_list, node.name
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            marks, name = node.value.elts if isinstance(node.value, ast.List) else [node.value], path.stem
        else:
            continue
        for one in marks:
            if isinstance(one, ast.Call) and ast.unparse(one.func) == f"pytest.mark.{mark}":
                yield name, tuple(argument.value for argument in one.args if isinstance(argument, ast.Constant))


def link(test: str) -> str:
    """Return `path::name` as a link from a page in docs/."""
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"
