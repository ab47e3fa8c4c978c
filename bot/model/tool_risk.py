"""How risky a tool is, from its name, its hints and admins' rules; pure.

It fails closed (docs/decisions/0032-a-tool-is-safe-only-when-it-is-known-to-read.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum


class Hazard(StrEnum):
    """Why a call needs a confirmation on top of the approval."""

    NONE = "none"
    DESTRUCTIVE = "destructive"
    """It may delete or overwrite something."""
    OUTWARD = "outward"
    """It may reach other people or cost money."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_DESTROYING = _words(
    "archive cancel clear delete destroy discard drop erase overwrite prune purge remove replace reset revoke rm trash "
    "truncate uninstall unpublish unshare wipe"
)
_OUTWARD = _words(
    "book buy charge checkout comment deploy donate email forward grant invite mail merge message notify order pay "
    "post publish purchase push refund release reply schedule send share sms submit transfer tweet wire"
)
_READING = _words("count describe fetch find get list lookup read retrieve search show view whoami")
# Words that may come before a reading word: services and things, none of which is an action there.
_BEFORE_READING = _words(
    "api asana atlassian calendar confluence contact contacts crm docs document documents drive event events file "
    "files github gitlab gmail google hubspot issue issues jira linear mail mcp messages note notes notion page pages "
    "project projects pull repo repository request sentry settings slack stripe team user users"
)
# A name that joins several actions (`list_and_delete`) is not judged by one of them.
_JOINING = _words("and or then with after before via")
_WRITING = (
    _DESTROYING
    | (_OUTWARD - {"mail", "message"})
    | _words(
        "accept ack acknowledge add append apply approve assign attach bash block call cancel change click close "
        "commit configure copy create disable duplicate edit enable exec execute fork http import increment insert "
        "install invoke join kill leave link lock manage mark modify move open patch put query react rebuild register "
        "rename reopen resolve restart restore rotate run save set shell shutdown sql start stop subscribe sync tag "
        "terminate toggle transition trigger unarchive unlink unlock update upload upsert uri url vote web write"
    )
)
# Reading these changes nothing but hands the agent a credential; `key` too, as in `get_api_key`.
_REVEALING = _words(
    "credential credentials key keys passcode passphrase password passwords secret secrets token tokens"
)
# Writing words of at least this many letters are also found at the beginning of longer words, as in `deletenote`;
# shorter ones (`add`, `set`) begin too many harmless words.
_GLUED_MIN = 5
_INFLECTED = _words("s es d ed r er rs ers")
_BUILT_IN_READING = _words("glob grep read web_search")


def words_of(name: str) -> list[str]:
    """Return the words of a tool's name in lower case: `notes_sendMail` → notes, send, mail."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def is_reading_name(tool: str) -> bool:
    """Tell whether a name says that the tool looks something up, and nothing else.

    A reading word must come first, or after names of services and things only. There may be no writing word, no word
    that joins another action, and no name of a credential.
    """
    # Characters that only look like ASCII letters could hide a writing word, so such a name is unknown.
    plain = unicodedata.normalize("NFKC", tool)
    if not plain.isascii() or plain != tool:
        return False
    words = _split(plain)
    # The first reading word must come before anything that is not a name of a service or thing.
    deed = next((at for at, word in enumerate(words) if word in _READING), None)
    if deed is None or not _BEFORE_READING.issuperset(words[:deed]):
        return False
    # A name in capitals can be split into words in several ways, and in none of them may there be a writing word.
    others = {*words[:deed], *words[deed + 1 :], *re.findall(r"[a-z]+", plain.lower()), *words_of(plain)}
    return not any(word in _JOINING or _says_more(word) for word in others - _BEFORE_READING)


def only_reads(service: str | None, tool: str, annotations: Mapping[str, object] | None = None) -> bool:
    """Tell whether a tool is known to change nothing and to reach nobody; `service` is None for a built-in tool.

    A service's hints can turn a yes into a no, never a no into a yes: they are not to be trusted
    (https://modelcontextprotocol.io/specification/2025-06-18/server/tools#tool).
    """
    # The built-in tools are few and known by name.
    if service is None:
        return tool in _BUILT_IN_READING
    hints = annotations or {}
    # Hints may make a tool riskier, never safer: they come from the service that the rule is about.
    is_denied = hints.get("readOnlyHint") is False or (
        hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True
    )
    return not is_denied and is_reading_name(tool)


def hazard_of(tool: str, annotations: Mapping[str, object] | None = None) -> Hazard:
    """Return the worst of what the name and the annotations say.

    A tool that its service calls destructive is destructive whatever its name; one that its service calls read-only is
    still judged by its name, since annotations are only hints.
    """
    # Both ways of splitting, so that `sendMail`, `SENDMail` and `send2mail` all show their words.
    words = {*words_of(unicodedata.normalize("NFKC", tool)), *_split(unicodedata.normalize("NFKC", tool))}
    hints = annotations or {}
    if _has(words, _DESTROYING) or (hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True):
        return Hazard.DESTRUCTIVE
    # Whole words only: `posts` and `orders` are things more often than actions.
    return Hazard.OUTWARD if words & _OUTWARD else Hazard.NONE


def _split(name: str) -> list[str]:
    """Return the words of a name, split at camel case, runs of capitals, digits and punctuation."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.findall(r"[A-Za-z]+", spaced)]


def _says_more(word: str) -> bool:
    return _has({word}, _WRITING) or word in _REVEALING


def _has(words: set[str], deeds: frozenset[str]) -> bool:
    return any(
        word == deed or (len(deed) >= _GLUED_MIN and word.startswith(deed) and word[len(deed) :] not in _INFLECTED)
        for word in words
        for deed in deeds
    )
