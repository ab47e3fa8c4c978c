"""Collects what is wrong with a block or view, with JSON pointers, in Slack's words.

What is to be checked is in `elements.py`, `blockkit.py` and `viewkit.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PLAIN = ("plain_text",)
BOTH = ("plain_text", "mrkdwn")


def fields_of(cls: type[Any]) -> set[str]:
    """Return the JSON fields that slack_sdk's model of a block, element or object has."""
    attributes = cls.attributes
    if isinstance(attributes, property) and attributes.fget:
        attributes = attributes.fget(object.__new__(cls))
    return set(attributes) | {"type"}


class Checker:
    """The errors found so far. No check raises, so that all errors are reported at once, as Slack does."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def fail(self, message: str, path: str) -> None:
        """Record one error at a JSON pointer."""
        self.errors.append(f"{message} [json-pointer:{path}]")

    def known(self, node: dict[str, Any], allowed: Iterable[str], path: str) -> None:
        """Record an error for each field that Slack does not know."""
        for name in node.keys() - set(allowed):
            self.fail(f"invalid additional property: {name}", path)

    def string(
        self, node: dict[str, Any], name: str, path: str, limit: int, *, required: bool = False, least: int = 0
    ) -> None:
        """Check a string field."""
        value = node.get(name)
        if value is None:
            if required:
                self.fail(f"missing required field: {name}", path)
        elif not isinstance(value, str):
            self.fail("must be a string", f"{path}/{name}")
        elif len(value) > limit:
            self.fail(f"must be less than {limit + 1} characters", f"{path}/{name}")
        elif len(value) < least:
            self.fail(f"must be more than {least - 1} characters", f"{path}/{name}")

    def text(
        self,
        node: dict[str, Any],
        name: str,
        path: str,
        limit: int,
        *,
        kinds: tuple[str, ...] = BOTH,
        required: bool = False,
    ) -> None:
        """Check a text object field."""
        value = node.get(name)
        if value is None:
            if required:
                self.fail(f"missing required field: {name}", path)
        else:
            self.text_object(value, f"{path}/{name}", limit, kinds)

    def text_object(self, value: Any, path: str, limit: int, kinds: tuple[str, ...] = BOTH) -> None:
        """Check a text object."""
        if not isinstance(value, dict):
            self.fail("must be an object", path)
            return
        if value.get("type") not in kinds:
            self.fail(f"unsupported type: {value.get('type')}", f"{path}/type")
        extra = {"emoji"} if value.get("type") == "plain_text" else {"verbatim"}
        self.known(value, {"type", "text"} | extra, path)
        self.string(value, "text", path, limit, required=True, least=1)

    def items(
        self, node: dict[str, Any], name: str, path: str, most: int, *, least: int = 1, required: bool = True
    ) -> list[Any]:
        """Check a list's length and return it, or an empty one if it is no list."""
        value = node.get(name)
        if value is None:
            if required:
                self.fail(f"missing required field: {name}", path)
            return []
        if not isinstance(value, list):
            self.fail("must be an array", f"{path}/{name}")
            return []
        if len(value) > most:
            self.fail(f"no more than {most} items allowed", f"{path}/{name}")
        if len(value) < least:
            self.fail(f"no fewer than {least} items allowed", f"{path}/{name}")
        return value

    def choice(
        self, node: dict[str, Any], name: str, path: str, allowed: Iterable[str], *, required: bool = False
    ) -> None:
        """Check a field that may have one of a few values."""
        value = node.get(name)
        if value is None:
            if required:
                self.fail(f"missing required field: {name}", path)
        elif value not in set(allowed):
            self.fail(f"value must be one of {sorted(allowed)}", f"{path}/{name}")
