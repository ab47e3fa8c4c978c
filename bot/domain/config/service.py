"""Reads what admins set, and changes it: by an admin only, against the version that they saw, with an audit record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from bot.config.items import Body, ItemChange, Key, applied, diff, join, split
from bot.config.model import Config
from bot.domain.ports import Clock, People
from bot.model.errors import NotPermitted, Problem, Refusal, Refused, SettingsInvalid
from store import audit, members, settings
from store.database import Database, Tx
from store.records import AuditEntry, Member, Setting, UserId, WorkspaceId

NOBODY_LEFT = Problem("admins", "somebody who is still here must remain an admin")
CLAIMED = "admin.claimed"
"""Audit action: an owner of the workspace made themselves the first admin."""
CHANGED = "setting.changed"
"""Audit action: a setting changed. Subject: the item; details: `before` and `after` as JSON."""


@dataclass(frozen=True, slots=True)
class SeenConfig:
    """One item as an admin saw it, with its version, which must still be current when they change it."""

    key: Key
    body: Body | None
    version: int


class ConfigService:
    """The settings of all workspaces."""

    def __init__(
        self, *, database: Database, clock: Clock, first_admins: frozenset[UserId], people: People | None = None
    ) -> None:
        """`people` looks up whether an admin would be left; None on the command line, which has no Slack."""
        self._people = people
        self._database = database
        self._clock = clock
        self._first_admins = first_admins
        self._known: dict[WorkspaceId, tuple[int, Config]] = {}

    async def read(self, workspace_id: WorkspaceId) -> Config:
        """Return the current settings. Raises `SettingsInvalid` if this version cannot read them."""
        async with self._database.transaction() as tx:
            return await self.read_in(tx, workspace_id)

    async def read_in(self, tx: Tx, workspace_id: WorkspaceId) -> Config:
        """Return the settings as this transaction sees them."""
        revision = await settings.revision(tx, workspace_id)
        known = self._known.get(workspace_id)
        # The revision changes with every change, in any process, so the cache needs no expiry.
        if known is None or known[0] != revision:
            known = (revision, _joined(await settings.list_all(tx, workspace_id)))
            self._known[workspace_id] = known
        return known[1]

    def last_read(self, workspace_id: WorkspaceId) -> Config | None:
        """Return the settings that were read last, seconds ago at most; after a change it is another object."""
        known = self._known.get(workspace_id)
        return None if known is None else known[1]

    async def seen(self, workspace_id: WorkspaceId, key: Key) -> SeenConfig:
        """Return one item with its version, to be shown in a form and sent back with it."""
        async with self._database.transaction() as tx:
            versions = await _versions(tx, workspace_id)
            body = split(await self.read_in(tx, workspace_id)).get(key)
        return SeenConfig(key, body, versions.get(key, 0))

    def is_admin(self, config: Config, user_id: UserId) -> bool:
        """Tell whether somebody is an admin, by the environment (which no setting overrides) or by the settings."""
        return user_id in self._first_admins or user_id in config.admins

    def admins(self, config: Config) -> frozenset[UserId]:
        """Return all admins."""
        return self._first_admins | {UserId(user_id) for user_id in config.admins}

    async def has_admin(self, workspace_id: WorkspaceId) -> bool:
        """Tell whether there is an admin who has not left."""
        async with self._database.transaction() as tx:
            return bool(await self.admins_in(tx, workspace_id) - await members.list_left(tx, workspace_id))

    async def admins_in(self, tx: Tx, workspace_id: WorkspaceId) -> frozenset[UserId]:
        """Return all admins, by the settings that this transaction sees."""
        return self.admins(await self.read_in(tx, workspace_id))

    async def change(self, by: Member, seen: SeenConfig, after: Body | None) -> Config:
        """Change one item, or reset it to defaults (None); return the settings after that.

        Raises:
            NotPermitted: `by` is no admin (any more), or somebody changed the item since they saw it.
            SettingsInvalid: the item is not valid, by itself or together with the rest.
        """
        wanted = [ItemChange(seen.key, seen.body, after)]
        await self._require_somebody(by, wanted)
        async with self._database.transaction() as tx:
            config = await self.read_in(tx, by.workspace_id)
            if not self.is_admin(config, by.user_id):
                raise NotPermitted(Refused(Refusal.NOT_AN_ADMIN))
            after_all = await self._checked(tx, by.workspace_id, wanted)
            # What equals the defaults is no change and gets no audit record.
            changes = [change for change in diff(config, after_all) if change.key == seen.key]
            await self._store(tx, by.workspace_id, by.user_id, changes, {seen.key: seen.version})
        return await self.read(by.workspace_id)

    async def claim(self, by: Member) -> Config:
        """Make somebody the first admin, once; the caller has checked that they may be.

        Raises `NotPermitted` if there is an admin by now.
        """
        key = Key("workspace", "admins")
        async with self._database.transaction() as tx:
            config = await self.read_in(tx, by.workspace_id)
            if self.admins(config) - await members.list_left(tx, by.workspace_id):
                raise NotPermitted(Refused(Refusal.NOT_AN_ADMIN))
            changes = [ItemChange(key, split(config).get(key), {"value": [by.user_id]})]
            versions = await _versions(tx, by.workspace_id)
            await self._store(tx, by.workspace_id, by.user_id, changes, versions)
            await audit.record(
                tx, AuditEntry(self._clock.now(), by.workspace_id, by.user_id, CLAIMED, by.user_id, {"as": "owner"})
            )
        return await self.read(by.workspace_id)

    async def put_in(self, tx: Tx, workspace_id: WorkspaceId, actor: str, changes: Iterable[ItemChange]) -> None:
        """Store and record changes of the settings that this transaction sees. Raises `SettingsInvalid`.

        The caller has checked that `actor` may, and that the settings are still those that were shown.
        """
        changes = tuple(changes)
        await self._checked(tx, workspace_id, changes)
        await self._store(tx, workspace_id, actor, changes, await _versions(tx, workspace_id))

    async def _require_somebody(self, by: Member, changes: Iterable[ItemChange]) -> None:
        """If an admin removes themselves, ask Slack whether one of those who remain is active.

        Raises `SettingsInvalid` if none is. `_checked` covers the rest, without Slack.
        """
        # Outside the transaction that stores the change, which must not wait for Slack.
        if self._people is None:
            return
        config = await self.read(by.workspace_id)
        left = self.admins(applied(config, changes))
        if by.user_id in left or by.user_id not in self.admins(config):
            return
        for user_id in sorted(left):
            person = await self._people.person(user_id, is_fresh=True)
            if person is not None and not person.is_deleted:
                return
        raise SettingsInvalid((NOBODY_LEFT,))

    async def _checked(self, tx: Tx, workspace_id: WorkspaceId, changes: Iterable[ItemChange]) -> Config:
        """Return the settings after changes. Raises `SettingsInvalid`, also if no active admin would be left."""
        config = await self.read_in(tx, workspace_id)
        after = applied(config, changes)
        gone = await members.list_left(tx, workspace_id)
        if self.admins(config) - gone and not self.admins(after) - gone:
            raise SettingsInvalid((NOBODY_LEFT,))
        return after

    async def _store(
        self, tx: Tx, workspace_id: WorkspaceId, actor: str, changes: Iterable[ItemChange], versions: dict[Key, int]
    ) -> None:
        by = settings.By(workspace_id, actor, self._clock.now())
        for change in changes:
            body = None if change.after is None else dict(change.after)
            setting = Setting(change.key.kind, change.key.name, body, versions.get(change.key, 0))
            # Another admin changed the item since it was shown; theirs stays.
            if not await settings.put(tx, setting, by):
                raise NotPermitted(Refused(Refusal.SETTING_CHANGED))
            details = {"before": _as_json(change.before), "after": _as_json(change.after)}
            await audit.record(tx, AuditEntry(by.at, workspace_id, actor, CHANGED, str(change.key), details))


def _joined(stored: tuple[Setting, ...]) -> Config:
    # Raises for settings that a later version stored, or that somebody edited by hand: refusing to serve is better than
    # guessing what an admin has forbidden.
    return join({Key(one.kind, one.name): one.body for one in stored if one.body is not None})


async def _versions(tx: Tx, workspace_id: WorkspaceId) -> dict[Key, int]:
    return {Key(one.kind, one.name): one.version for one in await settings.list_all(tx, workspace_id)}


def _as_json(body: Body | None) -> str:
    return "" if body is None else json.dumps(body, sort_keys=True, ensure_ascii=False)
