"""How risky a tool is, from its name, its hints and admins' rules; pure.

It fails closed (docs/decisions/0032-a-tool-is-safe-only-when-it-is-known-to-read.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum


class Hazard(StrEnum):
    """Why a call is asked about twice."""

    NONE = "none"
    DESTRUCTIVE = "destructive"
    """It may destroy something."""
    OUTWARD = "outward"
    """It may reach other people, or cost money."""


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
_BEFORE_READING = _words(
    "api asana atlassian calendar confluence contact contacts crm docs document documents drive event events file "
    "files github gitlab gmail google hubspot issue issues jira linear mail mcp messages note notes notion page pages "
    "project projects pull repo repository request sentry settings slack stripe team user users"
)
"""What may stand before a reading word: services and things, none of which is a deed by itself there."""
_JOINING = _words("and or then with after before via")
"""A name that joins deeds is judged by none of them."""
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
_REVEALING = _words(
    "credential credentials key keys passcode passphrase password passwords secret secrets token tokens"
)
"""What reads these changes nothing, but hands the agent what opens other doors; `key` too, as in `get_api_key`."""
_GLUED_MIN = 5
"""Letters of a writing word that is looked for at the beginning of longer ones, as in `deletenote`."""
_INFLECTED = _words("s es d ed r er rs ers")
_BUILT_IN_READING = _words("glob grep read web_search")


def words_of(name: str) -> list[str]:
    """Return a tool's name in words, all in lower case: `notes_sendMail` → notes, send, mail."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def is_reading_name(tool: str) -> bool:
    """Tell whether a name says that the tool looks something up and says nothing else.

    A reading word comes first, or after names of services and things only; no writing word, nothing that joins
    another deed and no name of a credential is in it.
    Letters that only look like those of the alphabet make any name unknown.
    """
    plain = unicodedata.normalize("NFKC", tool)
    if not plain.isascii() or plain != tool:
        return False
    words = _split(plain)
    deed = next((at for at, word in enumerate(words) if word in _READING), None)
    if deed is None or not _BEFORE_READING.issuperset(words[:deed]):
        return False
    # A name in capitals can be split in more than one way: no way may show a writing word.
    others = {*words[:deed], *words[deed + 1 :], *re.findall(r"[a-z]+", plain.lower()), *words_of(plain)}
    return not any(word in _JOINING or _says_more(word) for word in others - _BEFORE_READING)


def only_reads(service: str | None, tool: str, annotations: Mapping[str, object] | None = None) -> bool:
    """Tell whether a tool is known to change nothing and to reach nobody; `service` None: one of the sandbox.

    What its service says can take that away and never give it: hints of a service are not to be trusted
    (https://modelcontextprotocol.io/specification/2025-06-18/server/tools#tool).
    """
    if service is None:
        return tool in _BUILT_IN_READING
    hints = annotations or {}
    is_denied = hints.get("readOnlyHint") is False or (
        hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True
    )
    return not is_denied and is_reading_name(tool)


def hazard_of(tool: str, annotations: Mapping[str, object] | None = None) -> Hazard:
    """Return the worst that the name or the annotations say; what claims to be harmless is not believed.

    A tool that its service calls destructive is so whatever its name; one that it calls read-only still
    is what its name says (MCP: annotations are hints, not to be trusted).
    """
    words = {*words_of(unicodedata.normalize("NFKC", tool)), *_split(unicodedata.normalize("NFKC", tool))}
    hints = annotations or {}
    if _has(words, _DESTROYING) or (hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True):
        return Hazard.DESTRUCTIVE
    return Hazard.OUTWARD if words & _OUTWARD else Hazard.NONE


def _split(name: str) -> list[str]:
    """Return a name in words: camels, capitals, digits and anything else apart."""
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
