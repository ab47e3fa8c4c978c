"""A service's tools, and what changed in them since they were last listed; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from store.records import ServiceName, ServiceTool

HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
LONGEST_DESCRIPTION = 4096
LONGEST_SCHEMA = 16_384
_LONGEST_NAME = 128
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as a service lists it now; everything in it is the service's word."""

    name: str
    title: str | None
    description: str
    schema_hash: str
    definition_hash: str
    annotations: Mapping[str, bool] = field(default_factory=dict)
    schema: str | None = None
    """Its input schema as indented JSON, cut."""


NEVER_LISTED = hashlib.sha256(b"").hexdigest()
"""The definition of a tool that was called though its service never listed it: no listed one has it."""


@dataclass(frozen=True, slots=True)
class ChangedTool:
    """One tool before and after."""

    before: ServiceTool
    after: ListedTool


@dataclass(frozen=True, slots=True)
class ToolDifference:
    """What a listing says against what is known; a tool that is away may only be hidden from this member."""

    new: tuple[ListedTool, ...] = ()
    changed: tuple[ChangedTool, ...] = ()
    removed: tuple[ServiceTool, ...] = ()
    is_first: bool = False
    """Nothing was listed before: every tool is new because the service is."""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


def parse_tool(raw: Mapping[str, Any]) -> ListedTool | None:
    """Return a tool of a valid `tools/list` result (MCP server/tools), None for one that no rule could name."""
    name = raw.get("name")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
        return None
    hints = raw.get("annotations") or {}
    title = raw.get("title") or hints.get("title")
    title = title[:_LONGEST_TITLE] if title else None
    description = raw.get("description") or ""
    annotations = {hint: hints[hint] for hint in HINTS if isinstance(hints.get(hint), bool)}
    schema = raw.get("inputSchema") or {}
    return ListedTool(
        name=name,
        title=title,
        description=description[:LONGEST_DESCRIPTION],
        schema_hash=_hash(schema),
        definition_hash=_hash([name, title, description, schema, annotations]),
        annotations=annotations,
        schema=json.dumps(schema, sort_keys=True, indent=2, ensure_ascii=False)[:LONGEST_SCHEMA],
    )


def _hash(value: object) -> str:
    """Return the SHA-256 of the value as JSON whose keys are sorted, hex: their order says nothing."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def compare_tools(known: Iterable[ServiceTool], listed: Iterable[ListedTool]) -> ToolDifference:
    """Return which tools are new, changed (by definition) and removed, each by name."""
    before = {tool.name: tool for tool in known}
    after = {tool.name: tool for tool in listed}
    changed = [
        ChangedTool(before[name], tool)
        for name, tool in after.items()
        if name in before and before[name].definition_hash != tool.definition_hash
    ]
    return ToolDifference(
        new=tuple(after[name] for name in sorted(after.keys() - before.keys())),
        changed=tuple(sorted(changed, key=lambda pair: pair.after.name)),
        removed=tuple(before[name] for name in sorted(before.keys() - after.keys())),
        is_first=all(tool.definition_hash == NEVER_LISTED for tool in before.values()),
    )


def build_records(
    service: ServiceName, known: Iterable[ServiceTool], listed: Iterable[ListedTool], now: datetime
) -> tuple[ServiceTool, ...]:
    """Return what to remember of the tools that were listed; what is away stays remembered as it was.

    A tool that comes back as another one is thereby found out.
    """
    before = {tool.name: tool for tool in known}
    return tuple(_record(service, before.get(tool.name), tool, now) for tool in listed)


def _record(service: ServiceName, before: ServiceTool | None, tool: ListedTool, now: datetime) -> ServiceTool:
    is_another = before is not None and before.definition_hash != tool.definition_hash
    return ServiceTool(
        service=service,
        name=tool.name,
        title=tool.title,
        description=tool.description,
        schema_hash=tool.schema_hash,
        annotations=dict(tool.annotations),
        definition_hash=tool.definition_hash,
        first_seen_at=before.first_seen_at if before else now,
        changed_at=now if is_another else before.changed_at if before else None,
        seen_at=now,
        schema=tool.schema,
    )
