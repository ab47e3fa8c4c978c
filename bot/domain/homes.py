"""What a member can see of themselves: status, help, App Home."""

from __future__ import annotations

import difflib

from bot.commands import ShowHelp, ShowHome, ShowStatus
from bot.domain.connecting import Connecting
from bot.domain.ports import Screen
from bot.notices import HelpShown, Home, RunningTurn, StatusShown
from store import approvals, threads, turns
from store.database import Database
from store.records import Approval, Member, Thread

SUBCOMMANDS = ("ask", "connect", "disconnect", "status", "stop", "help", "admin")


class Homes:
    """The member's own page and its short forms."""

    def __init__(self, *, database: Database, screen: Screen, connecting: Connecting) -> None:
        self._database = database
        self._screen = screen
        self._connecting = connecting

    async def status(self, command: ShowStatus) -> None:
        """Tell connections, running turns and waiting approvals."""
        await self._screen.tell(command.member, command.place, StatusShown(await self.home(command.member)))

    async def help(self, command: ShowHelp) -> None:
        """Tell what can be done next; for an unknown subcommand, also the nearest ones."""
        near = tuple(difflib.get_close_matches(command.unknown or "", SUBCOMMANDS, n=2, cutoff=0.6))
        notice = HelpShown(await self.home(command.member), command.unknown, near)
        await self._screen.tell(command.member, command.place, notice)

    async def publish(self, command: ShowHome) -> None:
        """Publish the App Home."""
        await self._screen.publish_home(command.member, await self.home(command.member))

    async def home(self, member: Member) -> Home:
        """Return what belongs to this member, and nothing of anybody else."""
        choices = await self._connecting.choices(member)
        async with self._database.transaction() as tx:
            open_turns = await turns.list_open_for(tx, member)
            running = tuple([RunningTurn(await threads.get(tx, turn.thread_id), turn) for turn in open_turns])
            pending = await approvals.list_pending_for(tx, member)
            thread_of = {item.turn.id: item.thread for item in running}
        waiting: list[tuple[Thread, Approval]] = [
            (thread_of[approval.turn_id], approval) for approval in pending if approval.turn_id in thread_of
        ]
        return Home(choices, running, tuple(waiting))
