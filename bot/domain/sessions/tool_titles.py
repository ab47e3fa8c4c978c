"""Decides which of the titles that services give their tools are shown to people.

A title is the service's own claim. It is shown in quotation marks, while the tool is as it was trusted, and only if it
is plain words that nobody could take for another tool, for our words or for Slack's markup. Otherwise people see the
tool's name (docs/decisions/0048-titles-beside-names.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from bot.model.visible_text import is_one_line
from oauth.catalog.titles import build_skeleton, has_mixed_scripts
from store import service_tools, tool_pins
from store.database import Tx
from store.records import ServiceName, WorkspaceId

TITLE_MAX = 60
"""Characters of a title; a longer one is a description and not shown."""
# Allowed between letters and digits: no quotation mark that would end ours, nothing that formats or mentions.
_SIGNS = frozenset(" -\u2013\u2014.,:;/&+'\u2019()!?%")
# Slack makes emoji and links of these.
_MARKUP = re.compile(r":.*:|\w\.\w|//")
# From so many combining marks on one letter on, they are no spelling of any language.
_HEAP = 4


async def read_titles(tx: Tx, workspace_id: WorkspaceId, service: str) -> dict[str, str]:
    """Return tool → title for the tools of a service whose title is shown."""
    name = ServiceName(service)
    claims = await service_tools.list_titles(tx, workspace_id, name)
    trusted = await tool_pins.list_hashes(tx, workspace_id, name)
    claimed = {tool: title or "" for tool, (title, _) in claims.items()}
    shown = shown_titles(claimed)
    return {tool: title for tool, title in shown.items() if trusted.get(tool) == claims[tool][1]}


def shown_titles(claimed: Mapping[str, str]) -> dict[str, str]:
    """Return the titles that may be shown, given all tools of a service (tool → title, empty without one)."""
    # By skeleton, so that no title looks like the name or title of another tool in look-alike letters.
    names: dict[str, set[str]] = {}
    for tool, title in claimed.items():
        for said in (tool, title):
            names.setdefault(build_skeleton(said), set()).add(tool)
    return {
        tool: title
        for tool, title in claimed.items()
        if title != tool and is_plain(title) and names[build_skeleton(title)] == {tool}
    }


def is_plain(title: str) -> bool:
    """Tell whether a title is a few plain words in one script."""
    if not 0 < len(title) <= TITLE_MAX or title != title.strip() or not is_one_line(title):
        return False
    kinds = [unicodedata.category(char)[0] for char in title]
    if "L" not in kinds or any(
        kind not in "LMN" and char not in _SIGNS for kind, char in zip(kinds, title, strict=True)
    ):
        return False
    return not (_MARKUP.search(title) or "M" * _HEAP in "".join(kinds) or has_mixed_scripts(title))
