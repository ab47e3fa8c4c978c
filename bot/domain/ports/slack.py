"""The Slack ports: people and channels, thread history, files, and the screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
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
    WorkspaceId,
)

SEARCHED_BACK = timedelta(days=1)
"""How far back an earlier copy of a direct message is searched for before it is sent."""


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """What Slack says about a user right now (`users.info`); `eligibility` decides whether they are a member."""

    user_id: UserId
    team_id: str
    enterprise_id: str | None
    name: str
    is_bot: bool
    is_guest: bool
    is_stranger: bool
    is_deleted: bool
    owns: frozenset[str] = frozenset()
    """Ids of the workspace and the organisation that they own, according to Slack."""
    teams: frozenset[str] = frozenset()
    """The workspaces of their organisation that they are in; empty if Slack does not say."""


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What Slack says right now about a channel that Deputy can see (`conversations.info`)."""

    is_shared: bool = False
    """Another organisation reads it, or has been invited to."""
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class ChannelAudience:
    """Whom admins let in apart from full members, and whether Deputy answers in shared channels."""

    guests: bool = False
    shared_channels: bool = False


@dataclass(frozen=True, slots=True)
class HomeWorkspace:
    """The workspace that Deputy is installed in, and the organisation that it belongs to."""

    team_id: str
    enterprise_id: str | None = None
    is_org_wide: bool = False

    @property
    def id(self) -> WorkspaceId:
        """Return the key of everything a member owns (docs/reference/slack.md#people)."""
        return WorkspaceId(self.enterprise_id if self.is_org_wide and self.enterprise_id else self.team_id)


class People(Protocol):
    """Looks up people, cached for minutes, and channels, as they are at this moment.

    Raises `SlackUnavailable`; a person or channel that Slack does not know is None.
    """

    async def person(self, user_id: UserId, *, is_fresh: bool = False) -> PersonInfo | None:
        """Return the person; `is_fresh` asks Slack, for decisions that must not rest on an answer minutes old."""

    def forget(self, user_id: UserId) -> None:
        """Drop what is cached about this person, since something changed."""

    async def conversation(self, channel: ChannelId) -> ChannelInfo | None:
        """Return the channel as it is at this moment, None if Deputy cannot see it. Raises `SlackRejected`."""

    async def is_in(self, channel: ChannelId, user_id: UserId) -> bool:
        """Tell whether somebody is in a channel at this moment; False if Deputy cannot see it."""

    async def channel_name(self, channel: ChannelId) -> str | None:
        """Return the name of a public channel; None for private ones, whose name only members may know."""


class ThreadHistory(Protocol):
    """Reads what others wrote, where Deputy can. Raises `SlackUnavailable`."""

    async def name(self, user_id: UserId) -> str:
        """Return somebody's name, or their id if Slack has no name."""

    async def named(self, text: str) -> str:
        """Return a text with a name beside each id of a person or channel."""

    async def message(self, ref: MessageRef) -> MessageText | None:
        """Return a message as it is now; None if it is gone or cannot be read."""

    async def thread(self, root: MessageRef, before: MessageTs | None) -> Conversation:
        """Return a thread's newest messages before a given one; none if the thread cannot be read."""


class SlackFiles(Protocol):
    """Files in Slack. Methods raise `SlackUnavailable` or `SlackRejected`."""

    async def describe(self, file: Attachment) -> Attachment:
        """Return a file with what an event left out: for some files it has only the id."""

    async def read(self, slack_id: str, most: int) -> bytes:
        """Return a file's content. Raises `SlackRejected` if it has more than `most` bytes."""

    async def upload(self, name: str, content: bytes) -> str:
        """Upload a file that nobody sees yet; return its id."""

    async def share(self, slack_id: str, name: str, thread: Thread) -> None:
        """Show an uploaded file in a thread. After an unknown outcome ask `is_shared` before trying again."""

    async def is_shared(self, slack_id: str, thread: Thread) -> bool:
        """Tell whether a file is shared in the thread's channel already."""


# A port of its own, since filters and the audience check wrap it (`FilteredAnswer`, `GuardedAnswer`).
class Answer(Protocol):
    """The one writer of one turn's answer in Slack. Not to be used concurrently."""

    async def show(self, progress: Progress) -> float | None:
        """Show `progress` in the thread; return in how many seconds to call this again.

        A number means that something must still be sent (it is paced) or done (a stream is getting old), even without
        a new event. None means that everything is shown and nothing is due.
        """

    async def pause(self, progress: Progress) -> None:
        """Show `progress` and close the open message, since the turn waits for people."""

    async def close(self, progress: Progress) -> None:
        """Close the open message like `pause`, but for good: nothing follows, not even the turn's outcome."""

    async def finish(self, progress: Progress) -> None:
        """Show all of `progress` with its outcome, and close everything. Idempotent across restarts."""


class Screen(Protocol):
    """What people see in Slack. Methods raise `SlackUnavailable` or `SlackRejected`."""

    async def post_root(self, thread: Thread, task: str, offered: Offered) -> MessageTs:
        """Post the message that starts a thread, or find the one that was posted before a crash."""

    async def open_answer(self, thread: Thread, turn: Turn) -> Answer:
        """Return the writer of a turn's answer; it takes up what an earlier process left."""

    async def post_control(self, thread: Thread, turn: Turn, is_queued: bool) -> MessageRef | None:
        """Post or update the line with the Stop button (“working” or “queued”); found again after a crash."""

    async def remove_control(self, thread: Thread, turn: Turn) -> None:
        """Delete the line with the Stop button. Idempotent."""

    async def post_card(self, thread: Thread, held: tuple[Held, ...]) -> MessageRef:
        """Post the card for held calls, or find the one that was posted before a crash."""

    async def find_card(self, thread: Thread, approval: Approval) -> MessageRef | None:
        """Return the card that was posted for this call before a crash, None if there is none."""

    async def update_card(self, thread: Thread, ref: MessageRef, held: tuple[Held, ...]) -> None:
        """Replace a card: decided calls become a record without buttons."""

    async def show_call(self, command: ShowApproval, thread: Thread, held: Held) -> None:
        """Open one page of a call's arguments in a modal, or turn an open modal to it."""

    async def ask_second(
        self, user_id: UserId, notice: SecondAsked, replacing: MessageRef | None = None
    ) -> MessageRef | None:
        """Ask a second approver by direct message, or replace the one they got; None if Slack cannot reach them."""

    async def alert(
        self, user_id: UserId, notice: Notice, replacing: MessageRef | None = None, marker: str | None = None
    ) -> MessageRef:
        """Send a direct message to somebody named in the settings, or replace an earlier one.

        With `marker`, a message that was sent with it before a crash is found and replaced.
        """

    async def ask_reason(self, trigger_id: str, approval: Approval) -> None:
        """Open the form for denying with a reason."""

    async def ask_task(self, command: OpenAskForm, quote_id: str | None = None) -> None:
        """Open the form for a task; `quote_id` is the id of the stored message that it is about."""

    async def ask_token(self, trigger_id: str, service: ServiceChoice, mcp_url: str, page: str | None) -> None:
        """Open the form for a personal token."""

    async def ask_code(self, trigger_id: str, ticket_id: TicketId, service: str) -> None:
        """Open the form for the code that a member's browser shows."""

    async def tell(self, member: Member, place: Place, notice: Notice) -> None:
        """Tell one person something privately at a place, or by direct message if that is impossible there."""

    async def refuse(self, user_id: UserId, place: Place, refused: Refused) -> None:
        """Tell somebody who is not a member why they are refused; only they see it."""

    async def direct_channel(self, member: Member) -> ChannelId:
        """Return the channel of the direct messages with this member."""

    async def message(self, member: Member, notice: Notice, replacing: MessageRef | None = None) -> MessageRef:
        """Send a direct message, or replace an earlier one if it is still there."""

    async def message_once(
        self, member: Member, notice: Notice, marker: str, since: datetime, replacing: MessageRef | None = None
    ) -> None:
        """Send a direct message with the id `marker` unless it was sent since `since`, so that it comes once.

        `replacing` is an earlier message to be replaced instead, if it is still there.
        """

    async def publish_home(self, member: Member, home: Home) -> None:
        """Publish the member's App Home."""

    async def open_panel(self, trigger_id: str, panel: Panel) -> None:
        """Open the settings, or a part of them, as a modal."""

    async def push_panel(self, trigger_id: str, panel: Panel) -> None:
        """Show a panel in a modal on top of the one that was pressed."""

    async def update_panel(self, view_id: str, panel: Panel) -> None:
        """Replace what an open modal shows by a panel."""

    def drawn(self, panel: Panel) -> dict[str, Any]:
        """Return a panel as a view, for the answer to a form."""

    def faults(self, wrong: Wrong) -> dict[str, str]:
        """Return the errors at a form's fields, for the answer to it."""
