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
# Characters to store, for admins to read. The hashes are of the whole text: what is cut off cannot change unseen.
LONGEST_DESCRIPTION = 4096
LONGEST_SCHEMA = 16_384
_LONGEST_NAME = 128
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as a service lists it now; everything in it is the service's own claim."""

    name: str
    title: str | None
    description: str
    schema_hash: str
    definition_hash: str
    annotations: Mapping[str, bool] = field(default_factory=dict)
    schema: str | None = None
    """Its input schema as indented JSON, cut to `LONGEST_SCHEMA` characters."""


NEVER_LISTED = hashlib.sha256(b"").hexdigest()
"""The `definition_hash` of a tool that was called though its service never listed it; no listed tool has it."""


@dataclass(frozen=True, slots=True)
class ChangedTool:
    """A tool as it is remembered, and as it is listed now."""

    before: ServiceTool
    after: ListedTool


@dataclass(frozen=True, slots=True)
class ToolDifference:
    """What differs between a listing and what is remembered of the service."""

    new: tuple[ListedTool, ...] = ()
    changed: tuple[ChangedTool, ...] = ()
    removed: tuple[ServiceTool, ...] = ()
    """No longer listed; a service may also just hide them from this member."""
    is_first: bool = False
    """Nothing was listed before: every tool is new because the service is new."""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


def parse_tool(raw: Mapping[str, Any]) -> ListedTool | None:
    """Return a tool of a valid `tools/list` result (MCP server/tools); None where its name cannot be used."""
    name = raw.get("name")
    # Rules name it, and people must be able to tell it from others: nothing invisible and nothing endless.
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
    # Keys are sorted: their order has no meaning, and servers change it from one listing to the next.
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def compare_tools(known: Iterable[ServiceTool], listed: Iterable[ListedTool]) -> ToolDifference:
    """Return which tools are new, changed (by `definition_hash`) and removed, each sorted by name."""
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
    """Return the records of the listed tools, aware of when each was first seen and last changed."""
    # Tools that are not listed now keep their records, so that one that comes back changed is noticed.
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
