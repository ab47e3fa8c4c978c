"""The built-in tools, as far as the demo needs them: nothing is executed."""

from __future__ import annotations

from typing import Any

FILES = {"report.csv": "name,amount\nalpha,3\nbeta,5\n", "README.md": "# Sandbox\n"}


def run_built_in(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    """Return the text of a built-in tool's result, and whether it is an error."""
    if name == "bash":
        return _bash(str(arguments.get("command", "")))
    if name == "web_search":
        query = arguments.get("query", "")
        return (
            f"1. {query} explained — https://example.org/explained\n2. {query}, a history — https://example.org/history",
            False,
        )
    if name == "web_fetch":
        return f"Contents of {arguments.get('url', '')}", False
    if name in ("read", "write", "edit"):
        path = str(arguments.get("file_path", arguments.get("path", "")))
        return (
            (FILES.get(path, f"{path}: no such file"), path not in FILES)
            if name == "read"
            else (f"{name} {path}", False)
        )
    return "\n".join(FILES), False


def _bash(command: str) -> tuple[str, bool]:
    words = command.split()
    if not words:
        return "", False
    if words[0] == "echo":
        return " ".join(words[1:]), False
    if words[0] == "ls":
        return "\n".join(sorted(FILES)), False
    if words[0] == "cat" and len(words) == 2:
        return (FILES[words[1]], False) if words[1] in FILES else (f"cat: {words[1]}: No such file or directory", True)
    if words[0] in ("false", "exit"):
        return "exit status 1", True
    return f"$ {command}\n(simulated: done)", False
