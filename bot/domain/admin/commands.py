"""The settings in Slack: who may open them, what they show, and what a submitted form changes.

Rights are checked at every click and submission, never only when the form is opened. Problems are returned in the
response to the submission, so that Slack shows them at their fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from bot.config.fields import Form, filled, place_at_fields
from bot.config.forms import FORMS
from bot.config.items import Body, ItemChange, Key, applied
from bot.config.model import Config
from bot.config.validation_messages import NAME_TAKEN, describe_refused_agent
from bot.domain.admin.first_admin import FirstAdmin
from bot.domain.admin.queries import AdminQueries
from bot.domain.config.service import SeenConfig
from bot.domain.context import DomainContext
from bot.domain.sessions.agent_profiles import AgentProfiles
from bot.domain.turns.stop import TurnStopper
from bot.model import action_ids
from bot.model.commands import SubmitSettings, UseSettings
from bot.model.config_views import (
    CONFIRMED,
    ConfigNotice,
    ConfigOutcome,
    ConfirmChange,
    EditItem,
    MemberDisconnected,
    NotDone,
    Overview,
    Panel,
    Wrong,
)
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
Submit = Callable[[SubmitSettings], Awaitable[Panel | Wrong | None]]
Show = Callable[[str], Awaitable[Panel]]
"""What is opened for a name."""


@dataclass(frozen=True, slots=True)
class AdminForms:
    """The forms that other parts of the settings answer, by callback id, and the panels that they open, by verb."""

    submits: Mapping[str, Submit]
    panels: Mapping[str, Show]


class AdminCommands:
    """What admins do in Slack."""

    def __init__(
        self,
        context: DomainContext,
        *,
        profiles: AgentProfiles,
        stopper: TurnStopper,
        queries: AdminQueries,
        forms: AdminForms,
    ) -> None:
        self._configuration = context.config
        self._screen, self._supervisor = context.screen, context.supervisor
        self._profiles = profiles
        self._stopper = stopper
        self._queries = queries
        self._first_admin = FirstAdmin(context)
        self._panels = forms.panels
        self._submits: Mapping[str, Submit] = {
            **forms.submits,
            action_ids.SETTINGS_FORM: self._save,
            action_ids.SETTINGS_ASK: self._confirmed,
        }

    async def use(self, command: UseSettings) -> None:
        """Open the settings or go on in them. Raises `NotPermitted` for who is no admin."""
        config = await self._configuration.read(command.member.workspace_id)
        if not await self._configuration.has_admin(command.member.workspace_id):
            return await self._first_admin.offer(command)
        config = await self._admitted(command.member)
        if command.verb in {"pause", "resume"}:
            return await self._pause_all(command)
        if command.verb == "page":
            section, _, page = command.argument.rpartition(" ")
            listing = await self._queries.listing(command.member, section, int(page) if page.isdecimal() else 0)
            return await self._screen.update_panel(command.view_id, listing)
        panel = await self._panel(command, config)
        if command.view_id:
            return await self._screen.push_panel(command.trigger_id, panel)
        return await self._screen.open_panel(command.trigger_id, panel)

    async def submit(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Carry a form out; None: it is done and may close."""
        if command.callback == action_ids.SETTINGS_CLAIM:
            return await self._first_admin.submit(command)
        await self._admitted(command.member)
        return await self._submits[command.callback](command)

    async def _admitted(self, member: Member) -> Config:
        config = await self._configuration.read(member.workspace_id)
        if not self._configuration.is_admin(config, member.user_id):
            raise NotPermitted(Refused(Refusal.NOT_AN_ADMIN))
        return config

    async def _panel(self, command: UseSettings, config: Config) -> Panel:
        verb, name = command.verb, command.argument
        if verb == "list":
            form = FORMS.get(name)
            listed = (
                self._editing(command.member, form, form.only)
                if form
                else self._queries.listing(command.member, name, 0)
            )
            return await listed
        if verb == "new":
            return await self._queries.new(name, config)
        if verb in self._panels:
            return await self._panels[verb](name)
        if verb in CONFIRMED:
            return await self._asking(command.member, verb, *_split(name))
        if verb in FORMS:
            return await self._editing(command.member, FORMS[verb], name)
        return await self._queries.overview(command.member, config)

    async def _editing(self, member: Member, form: Form, name: str) -> EditItem:
        seen = await self._configuration.seen(member.workspace_id, Key(form.kind, name))
        config = await self._configuration.read(member.workspace_id)
        return await self._queries.editing(member, config, form, seen)

    async def _asking(self, member: Member, verb: str, kind: str, name: str) -> ConfirmChange:
        seen = await self._configuration.seen(member.workspace_id, Key(kind, name))
        return ConfirmChange(verb, kind, name, seen.version)

    async def _pause_all(self, command: UseSettings) -> None:
        is_paused = command.verb == "pause"
        config = await self._switched(command.member, {"value": True} if is_paused else None)
        await self._stopper.stop_paused()
        overview: Overview = await self._queries.overview(command.member, config)
        await self._screen.update_panel(command.view_id, overview)

    async def _switched(self, member: Member, body: Body | None) -> Config:
        """A kill switch must not lose a race: it is thrown whatever somebody else just did."""
        while True:
            seen = await self._configuration.seen(member.workspace_id, Key("workspace", "is_paused"))
            try:
                return await self._configuration.change(member, seen, body)
            except NotPermitted as error:
                if error.refused.refusal is not Refusal.SETTING_CHANGED:
                    raise

    async def _save(self, command: SubmitSettings) -> Panel | Wrong | None:
        form = FORMS.get(str(command.metadata.get("form")))
        if form is None:
            raise NotPermitted(Refused(Refusal.GONE))
        name = str(command.metadata.get("name") or "")
        if form.new is not None and not name:
            return await self._create(command, form)
        seen = await self._as_shown(command, Key(form.kind, name))
        return await self._changed(command, form, seen, filled(form, seen.body, command.values))

    async def _create(self, command: SubmitSettings, form: Form) -> Panel | Wrong | None:
        assert form.new is not None  # noqa: S101  # for the type checker; `_save` has looked
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

    async def _confirmed(self, command: SubmitSettings) -> Panel | None:
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


def _split(name: str) -> tuple[str, str]:
    kind, _, rest = name.partition(" ")
    return kind, rest
