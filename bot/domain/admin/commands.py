"""The settings in Slack: who may open them, and who may submit their forms.

Rights are checked at every click and submission, never only when the form is opened. Problems are returned in the
response to the submission, so that Slack shows them at their fields.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bot.config.model import Config
from bot.domain.admin.config_edits import ConfigEdits
from bot.domain.admin.config_panels import ConfigPanels
from bot.domain.admin.first_admin import FirstAdmin
from bot.domain.context import DomainContext
from bot.model import action_ids
from bot.model.commands import SubmitSettings, UseSettings
from bot.model.config_views import Panel, Wrong
from bot.model.errors import NotPermitted, Refusal, Refused
from store.records import Member

Submit = Callable[[SubmitSettings], Awaitable[Panel | Wrong | None]]


class AdminCommands:
    """What admins do in Slack."""

    def __init__(
        self, context: DomainContext, *, panels: ConfigPanels, edits: ConfigEdits, forms: Mapping[str, Submit]
    ) -> None:
        """`forms`: by callback id, those that other parts of the settings answer."""
        self._configuration = context.config
        self._panels = panels
        self._edits = edits
        self._first_admin = FirstAdmin(context)
        self._forms = {**forms, action_ids.SETTINGS_FORM: edits.save, action_ids.SETTINGS_ASK: edits.confirm}

    async def use(self, command: UseSettings) -> None:
        """Open the settings or go on in them. Raises `NotPermitted` for who is no admin."""
        if not await self._configuration.has_admin(command.member.workspace_id):
            return await self._first_admin.offer(command)
        config = await self._admitted(command.member)
        if command.verb in {"pause", "resume"}:
            config = await self._edits.switch(command.member, is_paused=command.verb == "pause")
            return await self._panels.show_overview(command, config)
        if command.verb == "page":
            return await self._panels.turn_page(command)
        return await self._panels.open(command, config)

    async def submit(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Carry a form out; None: it is done and may close."""
        if command.callback == action_ids.SETTINGS_CLAIM:
            return await self._first_admin.submit(command)
        await self._admitted(command.member)
        return await self._forms[command.callback](command)

    async def _admitted(self, member: Member) -> Config:
        config = await self._configuration.read(member.workspace_id)
        if not self._configuration.is_admin(config, member.user_id):
            raise NotPermitted(Refused(Refusal.NOT_AN_ADMIN))
        return config
