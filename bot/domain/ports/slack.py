"""The Slack ports: people and channels, thread history, files, and the screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.model.commands import Conversation, OpenAskForm, Place, ShowApproval
from bot.model.config_views import Panel, Wrong
from bot.model.errors import Refused
from bot.model.notices import Held, Home, Notice, Offered, SecondAsked, ServiceChoice
from bot.model.progress import Progress
from bot.model.slack_message import MessageText
from store.records import (
    Approval,
    Attachment,
    ChannelId,
    Member,
    MessageRef,
    MessageTs,
    Thread,
    TicketId,
    Turn,
    UserId,
)


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """What Slack says of a user right now (`users.info`); a claim to be judged, not yet a member."""

    user_id: UserId
    team_id: str
    enterprise_id: str | None
    name: str
    is_bot: bool
    is_guest: bool
    is_stranger: bool
    is_deleted: bool
    owns: frozenset[str] = frozenset()
    """Ids of the workspace and the organisation that are theirs by Slack's word."""
    teams: frozenset[str] = frozenset()
    """Workspaces of their organisation that they are in, where Slack says so."""


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What Slack says of a channel right now (`conversations.info`), where Deputy can see it."""

    is_shared: bool = False
    """Another organisation reads it, or is about to."""
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class ChannelAudience:
    """Who besides full members is served, and where, as admins allow."""

    guests: bool = False
    shared_channels: bool = False


class People(Protocol):
    """Who somebody is, remembered for minutes unless asked afresh, and what a channel is at this moment.

    Raises `SlackUnavailable`; a person or channel that Slack does not know is None.
    """

    async def person(self, user_id: UserId, *, is_fresh: bool = False) -> PersonInfo | None:
        """Return the person; `is_fresh` asks again, for what must not rest on a minutes-old answer."""

    def forget(self, user_id: UserId) -> None:
        """Ask afresh next time: something about this person changed."""

    async def conversation(self, channel: ChannelId) -> ChannelInfo | None:
        """Return the channel as it is at this moment, None if Deputy cannot see it. Raises `SlackRejected`."""

    async def is_in(self, channel: ChannelId, user_id: UserId) -> bool:
        """Tell whether somebody is in a channel at this moment; False where Deputy cannot see it."""

    async def channel_name(self, channel: ChannelId) -> str | None:
        """Return the name of a public channel; None for one that not everybody here may know of."""


class ThreadHistory(Protocol):
    """What others wrote where Deputy can read it. Raises `SlackUnavailable`."""

    async def name(self, user_id: UserId) -> str:
        """Return somebody's name."""

    async def named(self, text: str) -> str:
        """Return a text with the names of the people and channels that it mentions by id."""

    async def message(self, ref: MessageRef) -> MessageText | None:
        """Return a message as it is now; None where it cannot be read or is gone."""

    async def thread(self, root: MessageRef, before: MessageTs | None) -> Conversation:
        """Return the newest that was written in a thread before a message; nothing where it cannot be read."""


class SlackFiles(Protocol):
    """Files in Slack. All raise `SlackUnavailable` or `SlackRejected`."""

    async def describe(self, file: Attachment) -> Attachment:
        """Return what Slack says of a file that it had only named."""

    async def read(self, slack_id: str, most: int) -> bytes:
        """Return a file's bytes, at most `most`."""

    async def upload(self, name: str, content: bytes) -> str:
        """Return the id of a new file that nobody sees yet."""

    async def share(self, slack_id: str, name: str, thread: Thread) -> None:
        """Show an uploaded file in a thread. After a doubt ask `is_shared` before trying again."""

    async def is_shared(self, slack_id: str, thread: Thread) -> bool:
        """Tell whether a file is in the thread's channel already."""


class Answer(Protocol):
    """The one writer of one turn's answer in Slack. Not to be used concurrently."""

    async def show(self, progress: Progress) -> float | None:
        """Bring the thread up to `progress`; return in how many seconds to be called again.

        A number means something is still to be sent (pacing) or to be done (a segment's age),
        even without a new event; None means all is shown and nothing is due.
        """

    async def pause(self, progress: Progress) -> None:
        """Show `progress` and close the open segment: people are waited for."""

    async def close(self, progress: Progress) -> None:
        """Close the open message as `pause` does, for good: nothing comes after it, not even the turn's end."""

    async def finish(self, progress: Progress) -> None:
        """Show the whole of `progress` and its outcome, close everything. Idempotent across restarts."""


class Screen(Protocol):
    """What people see in Slack. All raise `SlackUnavailable` or `SlackRejected`."""

    async def post_root(self, thread: Thread, task: str, offered: Offered) -> MessageTs:
        """Post the message that starts a thread, or find it if it was posted before a crash."""

    async def open_answer(self, thread: Thread, turn: Turn) -> Answer:
        """Return the writer of a turn's answer, taking up what an earlier process left."""

    async def post_control(self, thread: Thread, turn: Turn, is_queued: bool) -> MessageRef | None:
        """Post or turn the “working” / “queued” line with the Stop button; found again after a crash."""

    async def remove_control(self, thread: Thread, turn: Turn) -> None:
        """Take the control line away. Idempotent."""

    async def post_card(self, thread: Thread, held: tuple[Held, ...]) -> MessageRef:
        """Post the card for held calls, or find it if it was posted before a crash."""

    async def find_card(self, thread: Thread, approval: Approval) -> MessageRef | None:
        """Return the card that was posted for this call before a crash, None if there is none."""

    async def update_card(self, thread: Thread, ref: MessageRef, held: tuple[Held, ...]) -> None:
        """Rewrite a card: what is decided becomes a record, without buttons."""

    async def show_call(self, command: ShowApproval, thread: Thread, held: Held) -> None:
        """Open one page of the full arguments in a modal, or turn the open one to it."""

    async def ask_second(
        self, user_id: UserId, notice: SecondAsked, replacing: MessageRef | None = None
    ) -> MessageRef | None:
        """Ask a second approver by direct message, or rewrite what they were sent; None if Slack cannot reach them."""

    async def alert(
        self, user_id: UserId, notice: Notice, replacing: MessageRef | None = None, marker: str | None = None
    ) -> MessageRef:
        """Tell somebody who is named in the settings by direct message, or rewrite what they were told.

        `marker`: what was sent with it before a crash is found, and brought up to date.
        """

    async def ask_reason(self, trigger_id: str, approval: Approval) -> None:
        """Open the form for denying with a reason."""

    async def ask_task(self, command: OpenAskForm, quote_id: str | None = None) -> None:
        """Open the form for a task; `quote_id`: where the message is kept that it is about."""

    async def ask_token(self, trigger_id: str, service: ServiceChoice, mcp_url: str, page: str | None) -> None:
        """Open the form for a personal token."""

    async def ask_code(self, trigger_id: str, ticket_id: TicketId, service: str) -> None:
        """Open the form for the code that a member's browser shows."""

    async def tell(self, member: Member, place: Place, notice: Notice) -> None:
        """Tell one person privately at a place; by direct message where that is impossible."""

    async def refuse(self, user_id: UserId, place: Place, refused: Refused) -> None:
        """Tell somebody who is not a member why they cannot be served; only they see it."""

    async def direct_channel(self, member: Member) -> ChannelId:
        """Return the channel of the direct messages with this member."""

    async def message(self, member: Member, notice: Notice, replacing: MessageRef | None = None) -> MessageRef:
        """Send a direct message, or rewrite an earlier one."""

    async def message_once(
        self, member: Member, notice: Notice, marker: str, since: datetime, replacing: MessageRef | None = None
    ) -> None:
        """Send a direct message that carries `marker`, unless it is there since `since`: for what may be told twice.

        `replacing`: an earlier one that is rewritten instead, where it is still there.
        """

    async def publish_home(self, member: Member, home: Home) -> None:
        """Publish the member's App Home."""

    async def open_panel(self, trigger_id: str, panel: Panel) -> None:
        """Open the settings, or a part of them, as a modal."""

    async def push_panel(self, trigger_id: str, panel: Panel) -> None:
        """Put a panel onto the modal that was pressed in."""

    async def update_panel(self, view_id: str, panel: Panel) -> None:
        """Show a panel in place of what is in an open modal."""

    def drawn(self, panel: Panel) -> dict[str, Any]:
        """Return a panel as a view, to be the answer to a form."""

    def faults(self, wrong: Wrong) -> dict[str, str]:
        """Return what stands at each field of a form, to be the answer to it."""
