"""What a service calls its tools for people, where that says which tool it is.

A title is the service's claim. It is shown as long as the tool is what was trusted, in quotation marks, and only where
it is plain words that nobody could take for another tool, for our words, or for Slack's markup; else the tool stands
under its name (docs/decisions/0048-titles-beside-names.md).
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
"""Characters of a title that is shown; a longer one is a description."""
_SIGNS = frozenset(" -\u2013\u2014.,:;/&+'\u2019()!?%")
"""What may stand between letters and digits: no quotation mark that ends ours, nothing that formats or names."""
_MARKUP = re.compile(r":.*:|\w\.\w|//")
"""What Slack makes a picture or a link of."""
_HEAP = 4
"""Marks upon one letter, from which they are no spelling."""


async def read_titles(tx: Tx, workspace_id: WorkspaceId, service: str) -> dict[str, str]:
    """Return tool → title, for those tools of a service whose title is shown."""
    name = ServiceName(service)
    claims = await service_tools.list_titles(tx, workspace_id, name)
    trusted = await tool_pins.list_hashes(tx, workspace_id, name)
    claimed = {tool: title or "" for tool, (title, _) in claims.items()}
    shown = shown_titles(claimed)
    return {tool: title for tool, title in shown.items() if trusted.get(tool) == claims[tool][1]}


def shown_titles(claimed: Mapping[str, str]) -> dict[str, str]:
    """Return those titles that are shown, of all tools of one service (tool → title, empty where it has none)."""
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
    """Tell whether a title is a few words in one script and nothing else."""
    if not 0 < len(title) <= TITLE_MAX or title != title.strip() or not is_one_line(title):
        return False
    kinds = [unicodedata.category(char)[0] for char in title]
    if "L" not in kinds or any(
        kind not in "LMN" and char not in _SIGNS for kind, char in zip(kinds, title, strict=True)
    ):
        return False
    return not (_MARKUP.search(title) or "M" * _HEAP in "".join(kinds) or has_mixed_scripts(title))
