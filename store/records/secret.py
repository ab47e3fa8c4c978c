"""A value that does not print."""

from __future__ import annotations


class Secret:
    """A value that cannot print: repr, str, format, logging and JSON show `•••`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; each caller is a place to audit."""
        return self._value

    # Each of these would otherwise be a way into a log: a dataclass's repr, an f-string, `%s`.
    def __repr__(self) -> str:
        return "Secret(•••)"

    def __str__(self) -> str:
        return "•••"

    def __format__(self, spec: str) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)
