"""Shows the settings in Slack: the way in, lists, forms, and the question before something is undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bot.config.fields import Form
from bot.config.forms import FORMS
from bot.config.items import Key
from bot.config.model import Config
from bot.domain.admin.queries import AdminQueries
from bot.domain.context import DomainContext
from bot.model.commands import UseSettings
from bot.model.config_views import CONFIRMED, ConfirmChange, EditItem, Panel
from store.records import Member

Show = Callable[[str], Awaitable[Panel]]
"""What is opened for a name."""


class ConfigPanels:
    """What each button of the settings opens."""

    def __init__(self, context: DomainContext, *, queries: AdminQueries, others: Mapping[str, Show]) -> None:
        """`others`: by verb, what other parts of the settings open."""
        self._configuration, self._screen = context.config, context.screen
        self._queries = queries
        self._others = others

    async def open(self, command: UseSettings, config: Config) -> None:
        """Open a panel, on top of the one that the button was in."""
        panel = await self._panel(command, config)
        if command.view_id:
            return await self._screen.push_panel(command.trigger_id, panel)
        return await self._screen.open_panel(command.trigger_id, panel)

    async def turn_page(self, command: UseSettings) -> None:
        """Show another page of the list that is open."""
        section, _, page = command.argument.rpartition(" ")
        listing = await self._queries.listing(command.member, section, int(page) if page.isdecimal() else 0)
        await self._screen.update_panel(command.view_id, listing)

    async def show_overview(self, command: UseSettings, config: Config) -> None:
        """Show the way in as it is now."""
        await self._screen.update_panel(command.view_id, await self._queries.overview(command.member, config))

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
        if verb in self._others:
            return await self._others[verb](name)
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


def _split(name: str) -> tuple[str, str]:
    kind, _, rest = name.partition(" ")
    return kind, rest
