"""Splits the settings into items that are changed and recorded one by one, and compares two settings; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.config.model import Config, dump
from bot.config.validation_messages import checked

Body = Mapping[str, Any]
ALONE = ("admins", "approvals", "audience", "budgets", "is_paused")
"""Parts that there is one of: items of the kind `workspace`."""
MANY = {"services": "service", "profiles": "profile", "channels": "channel", "members": "member", "filters": "filter"}
"""Parts by name: section of the document → kind of item."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Names one item: `profile/research`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What one item was and is to be; None where there is none."""

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
    """Return the items of a document; what only says defaults is none, but for a name that is there."""
    document = dump(config)
    items: dict[Key, Body] = {Key("workspace", part): {"value": document[part]} for part in ALONE if part in document}
    for section, kind in MANY.items():
        items |= {Key(kind, name): body for name, body in document.get(section, {}).items()}
    return dict(sorted(items.items()))


def join(items: Mapping[Key, Body]) -> Config:
    """Return the document of these items. Raises `SettingsInvalid`."""
    sections = {kind: section for section, kind in MANY.items()}
    document: dict[str, Any] = {}
    for key, body in items.items():
        if key.kind in sections:
            document.setdefault(sections[key.kind], {})[key.name] = body
        elif key.name in ALONE:
            document[key.name] = body["value"]
    return checked(Config, document)


def diff(before: Config, after: Config) -> tuple[ItemChange, ...]:
    """Return what has to change, in the order of the items."""
    old, new = split(before), split(after)
    return tuple(
        ItemChange(key, old.get(key), new.get(key)) for key in sorted({*old, *new}) if old.get(key) != new.get(key)
    )


def applied(config: Config, changes: Iterable[ItemChange]) -> Config:
    """Return the settings with these changes. Raises `SettingsInvalid` where they do not go together."""
    items = split(config)
    for change in changes:
        items.pop(change.key, None)
        if change.after is not None:
            items[change.key] = change.after
    return join(items)
