"""Problems in the settings, as sentences with their place; pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.model.errors import Problem, SettingsInvalid
from oauth.errors import (
    ConnectError,
    DraftInvalid,
    NotAnMcpServer,
    ProbeChanged,
    ServerTaken,
    ServiceChanged,
    ServiceMisbehaved,
    UrlRefused,
)

NAME_TAKEN = "There is one already: open it in the list."
CLIENT_ID_MISSING = "write the client's id; Back to Defaults takes a client away"

Part = TypeVar("Part", bound=BaseModel)
Loc = tuple[int | str, ...]

_WORDS = {
    "extra_forbidden": "there is no such setting",
    "missing": "is missing",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "dict_type": "must be a table of names",
    "mapping_type": "must be a table of names",
    "model_type": "must be a table of settings",
    "tuple_type": "must be a list",
    "decimal_parsing": "must be an amount such as 2.50",
    "decimal_type": "must be an amount such as 2.50",
    "decimal_max_places": "must be an amount with at most two decimals",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must not be empty",
}
# What a text must look like, by the beginning of its pattern: admins do not read regular expressions.
_NAMES = {
    r"^[UW]": "must be a Slack user id such as U0123ABCD",
    r"^[CG]": "must be a Slack channel id such as C0123ABCD",
    r"^[a-z0-9]": "must be a name of a-z, 0-9, - and _",
    r"^(\*\.)?": "must be a host such as api.example.com or *.example.com",
    r"^\S": "must not begin or end with a space",
    r"^https": "must be an address such as https://mcp.example.com/mcp",
    r"^CLIENT_SECRET": "must be the name of a variable such as CLIENT_SECRET_WIKI",
    r"^[\x21": "must be written without blanks",
    r"^[!-~]": "must be a host such as auth.example.com",
}


def checked(part: type[Part], given: Mapping[str, Any]) -> Part:
    """Return the part of the settings that a table describes. Raises `SettingsInvalid` with every problem."""
    try:
        return part.model_validate(given)
    except ValidationError as error:
        raise SettingsInvalid(problems_of(error)) from error


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    """Return each problem once, in the order of the document."""
    # Without the values that were given: these words reach logs, and somebody may have pasted a secret.
    found = error.errors(include_url=False, include_input=False)
    # Where a problem is inside a list, the admin meant a list, and only that branch is worth reporting.
    lists = {_place(details) for details in found if _is_of_a_list(details)}
    told = {
        ".".join(str(part) for part in details["loc"] if not _is_branch(part)): _sentence(details)
        # Reversed twice, so that of several problems at one place the first one stays.
        for details in reversed(found)
        if not _is_noise(details, lists)
    }
    return tuple(Problem(place, what) for place, what in reversed(told.items()))


def _is_branch(part: int | str) -> bool:
    """Tell whether a part of a place is Pydantic's name for a branch of a union, which is not in the document."""
    return isinstance(part, str) and "[" in part


def _place(details: ErrorDetails) -> Loc:
    """Return the place of the union whose branch reports the problem, or else the problem's own place."""
    loc = details["loc"]
    return loc[: next((number for number, part in enumerate(loc) if _is_branch(part)), len(loc))]


def _is_of_a_list(details: ErrorDetails) -> bool:
    return _place(details) != details["loc"] and isinstance(details["loc"][-1], int)


def _is_noise(details: ErrorDetails, lists: set[Loc]) -> bool:
    """Tell whether another branch of the union describes the problem better.

    Pydantic reports every branch. If a list was given, the one for a single word says nothing useful, and vice versa.
    """
    is_of_union = _place(details) != details["loc"]
    is_last_a_branch = _is_branch(details["loc"][-1]) if details["loc"] else False
    return is_of_union and is_last_a_branch and (_place(details) in lists or details["type"] == "tuple_type")


def _sentence(details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return next((words for begin, words in _NAMES.items() if pattern.startswith(begin)), "is not well formed")
    words = _WORDS.get(kind, "cannot be used").format(**context)
    return f"{words} or a list" if kind == "literal_error" and _is_branch(details["loc"][-1]) else words


def describe_refused_agent(code: str) -> str:
    """Return the problem for an agent that the API refuses with `code`."""
    return f"Claude doesn't take this agent ({code}). Look at its model and skills."


def describe_spent(spent: Decimal) -> str:
    """Return the problem for a budget below what is spent; in US dollars."""
    return f"{spent:.2f} USD are spent or set aside already. Set more than that."


def describe_unusable_service(error: ConnectError) -> str:
    """Return why an address cannot be probed, or a service cannot be saved."""
    match error:
        case DraftInvalid(problems=problems):
            words = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        case NotAnMcpServer(status=status, moved_to=moved_to):
            more = f" It redirects to {moved_to}: try that." if moved_to else ""
            words = f"This doesn't answer like an MCP server ({status}).{more}"
        case UrlRefused(rule=rule):
            words = f"This address can't be used: {rule}"
        case ServiceMisbehaved(rule=rule):
            words = f"This server breaks a rule that I can't ignore: {rule}"
        case ServerTaken(service=service):
            words = f"That is the service {service} already."
        case ProbeChanged():
            words = "It has changed since I showed it to you. Look at it again before you save it."
        case ServiceChanged():
            words = "There is a service with this short name already."
        case _:
            words = "Nothing answers there. Check the address, and whether the server is up."
    return words
