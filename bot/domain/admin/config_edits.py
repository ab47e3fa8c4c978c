"""Stores what admins change in the settings' forms, and carries out what follows from it.

Problems are returned in the response to the submission, so that Slack shows them at their fields.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.config.fields import Form, filled, place_at_fields
from bot.config.forms import FORMS
from bot.config.items import Body, ItemChange, Key, applied
from bot.config.model import Config
from bot.config.validation_messages import NAME_TAKEN, describe_refused_agent
from bot.domain.admin.queries import AdminQueries
from bot.domain.config.service import SeenConfig
from bot.domain.context import DomainContext
from bot.domain.sessions.agent_profiles import AgentProfiles
from bot.domain.turns.stop import TurnStopper
from bot.model.commands import SubmitSettings
from bot.model.config_views import ConfigNotice, ConfigOutcome, MemberDisconnected, NotDone, Panel, Wrong
from bot.model.errors import (
    AgentsRejected,
    NotPermitted,
    Problem,
    Refusal,
    Refused,
    SettingsInvalid,
    Unavailable,
)
from store.records import Member

log = structlog.get_logger(__name__)

CHECK_SECONDS = 1.5
"""How long Claude may take to say that it takes an agent: Slack waits three seconds for the form's answer."""


class ConfigEdits:
    """Changes of settings, each by an admin who was let in."""

    def __init__(
        self, context: DomainContext, *, profiles: AgentProfiles, stopper: TurnStopper, queries: AdminQueries
    ) -> None:
        self._configuration, self._supervisor = context.config, context.supervisor
        self._profiles = profiles
        self._stopper = stopper
        self._queries = queries

    async def switch(self, member: Member, *, is_paused: bool) -> Config:
        """Pause everything, or let it go on; return the settings after that."""
        config = await self._switched(member, {"value": True} if is_paused else None)
        await self._stopper.stop_paused()
        return config

    async def _switched(self, member: Member, body: Body | None) -> Config:
        """A kill switch must not lose a race: it is thrown whatever somebody else just did."""
        while True:
            seen = await self._configuration.seen(member.workspace_id, Key("workspace", "is_paused"))
            try:
                return await self._configuration.change(member, seen, body)
            except NotPermitted as error:
                if error.refused.refusal is not Refusal.SETTING_CHANGED:
                    raise

    async def save(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Store a form of the settings. Raises `NotPermitted` if somebody else was faster."""
        form = FORMS.get(str(command.metadata.get("form")))
        if form is None:
            raise NotPermitted(Refused(Refusal.GONE))
        name = str(command.metadata.get("name") or "")
        if form.new is not None and not name:
            return await self._create(command, form)
        seen = await self._as_shown(command, Key(form.kind, name))
        return await self._changed(command, form, seen, filled(form, seen.body, command.values))

    async def _create(self, command: SubmitSettings, form: Form) -> Panel | Wrong | None:
        assert form.new is not None  # noqa: S101  # for the type checker; `save` has looked
        name = str(command.values.get(form.new.block) or "").strip()
        seen = await self._configuration.seen(command.member.workspace_id, Key(form.kind, name))
        if seen.body is not None:
            return Wrong({form.new.block: NAME_TAKEN})
        return await self._changed(command, form, seen, filled(form, None, command.values))

    async def _as_shown(self, command: SubmitSettings, key: Key) -> SeenConfig:
        """Return the item as it is, with the version that the admin saw: another one is refused when it is stored."""
        seen = await self._configuration.seen(command.member.workspace_id, key)
        version = command.metadata.get("version")
        return SeenConfig(key, seen.body, version if isinstance(version, int) else -1)

    async def _changed(self, command: SubmitSettings, form: Form, seen: SeenConfig, body: Body) -> Panel | Wrong | None:
        try:
            await self._tried(command.member, seen, body)
            await self._configuration.change(command.member, seen, body)
        except SettingsInvalid as error:
            placed = place_at_fields(form, seen.key.name, error.problems, command.values)
            return Wrong(placed) if placed else NotDone(error.problems[0].what)
        self._after(command, seen.key, ConfigNotice.SAVED)
        return None

    async def _tried(self, member: Member, seen: SeenConfig, body: Body) -> None:
        """Let Claude say whether it takes an agent, before it is saved. Raises `SettingsInvalid`."""
        if seen.key.kind != "profile":
            return
        config = applied(await self._configuration.read(member.workspace_id), [ItemChange(seen.key, seen.body, body)])
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._profiles.ensure(config, seen.key.name)
        except AgentsRejected as error:
            raise SettingsInvalid((Problem("", describe_refused_agent(error.code)),)) from error
        except (TimeoutError, Unavailable):
            log.info("agent_not_tried", profile=seen.key.name)  # it is saved at its next request

    async def confirm(self, command: SubmitSettings) -> Panel | None:
        """Carry out what an admin was asked about and confirmed."""
        verb, name = str(command.metadata.get("verb")), str(command.metadata.get("name"))
        key = Key(str(command.metadata.get("kind")), name)
        if verb == "disconnect":
            count = await self._queries.disconnect(command.member, name)
            self._after(command, key, MemberDisconnected(count))
            return None
        if verb == "register":
            await self._queries.forget_client(command.member, name)
            self._after(command, key, ConfigNotice.REGISTERS_AFRESH)
            return None
        if verb == "drop":
            await self._queries.drop(command.member, name)
        if verb == "reset" and key.kind == "service":
            await self._queries.forget(command.member, name)
        try:
            await self._configuration.change(command.member, await self._as_shown(command, key), None)
        except SettingsInvalid as error:
            return NotDone(str(error.problems[0]))
        self._after(command, key, ConfigNotice.DONE)
        return None

    def _after(self, command: SubmitSettings, key: Key, outcome: ConfigOutcome) -> None:
        """Carry out what follows beside the answer: kill switches, and the list under the form."""

        async def follow() -> None:
            await self._stopper.stop_paused()
            await self._queries.settle(command.member, key)
            section = self._queries.section_of(key.kind)
            if command.previous_view_id and section:
                await self._queries.refresh(command, section, outcome)

        self._supervisor.start(follow)
