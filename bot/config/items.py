"""Splits the settings into items, which are changed and recorded one by one, and compares two settings; pure.

Why items: docs/decisions/0017-settings-are-one-document-in-items.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.config.model import Config, dump
from bot.config.validation_messages import checked

Body = Mapping[str, Any]
ALONE = ("admins", "approvals", "audience", "budgets", "is_paused")
"""Sections that are one item each, of the kind `workspace`."""
MANY = {"services": "service", "profiles": "profile", "channels": "channel", "members": "member", "filters": "filter"}
"""Sections with an item per name: section of the document → kind of item."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Names one item: `profile/research`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One item before and after a change; None if there is none."""

    key: Key
    before: Body | None
    after: Body | None

    @property
    def verb(self) -> str:
        """Return `add`, `change` or `remove`."""
        if self.before is None:
            return "add"
        return "change" if self.after is not None else "remove"


def split(config: Config) -> dict[Key, Body]:
    """Return the items of a document. A section with nothing but defaults is no item; a name always is one."""
    document = dump(config)
    items: dict[Key, Body] = {Key("workspace", part): {"value": document[part]} for part in ALONE if part in document}
    for section, kind in MANY.items():
        items |= {Key(kind, name): body for name, body in document.get(section, {}).items()}
    # In a stable order, for plans and audit records.
    return dict(sorted(items.items()))


def join(items: Mapping[Key, Body]) -> Config:
    """Return the document that consists of these items. Raises `SettingsInvalid`."""
    sections = {kind: section for section, kind in MANY.items()}
    document: dict[str, Any] = {}
    for key, body in items.items():
        if key.kind in sections:
            document.setdefault(sections[key.kind], {})[key.name] = body
        elif key.name in ALONE:
            document[key.name] = body["value"]
    return checked(Config, document)


def diff(before: Config, after: Config) -> tuple[ItemChange, ...]:
    """Return the changes from one document to another, in the order of the items."""
    old, new = split(before), split(after)
    return tuple(
        ItemChange(key, old.get(key), new.get(key)) for key in sorted({*old, *new}) if old.get(key) != new.get(key)
    )


def applied(config: Config, changes: Iterable[ItemChange]) -> Config:
    """Return the settings with these changes. Raises `SettingsInvalid` if they contradict each other or the rest."""
    items = split(config)
    for change in changes:
        items.pop(change.key, None)
        if change.after is not None:
            items[change.key] = change.after
    return join(items)
