"""The state of one Slack workspace: people, channels, messages, views, streams, sessions.

Pure state with its invariants: the rules of the Web API are in `methods/`, people's actions in
`acting.py`, delivery in `delivery.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.clock import SimulatorClock
from simulator.roughness import Roughness
from simulator.slack.errors import SlackError
from simulator.slack.messages import (
    ERRORED,
    LINK,
    OPEN,
    Message,
    Ping,
    Unfurl,
    interpreted_texts,
    mentions_in,
)
from simulator.slack.organisation import Organisation
from simulator.slack.people import BOT, Channel, Person, seed_channels, seed_people

STREAM_LIFETIME = 300.0
SESSION_LIFETIME = 3600.0
STATUS_LIFETIME = 120.0


@dataclass
class Trigger:
    """A `trigger_id`: three seconds, one use."""

    id: str
    user: str
    expires_at: float
    view_id: str | None = None
    is_used: bool = False


@dataclass
class View:
    """A modal or an App Home of one person."""

    id: str
    user: str
    payload: dict[str, Any]
    hash: str
    root_id: str
    previous_id: str | None = None
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    """Block id → text, after `response_action: errors`."""


@dataclass
class AgentSession:
    """An agent session: the status of a thread."""

    channel: str
    thread_ts: str | None
    status: str
    initiator: str
    title: str | None = None
    changed_at: float = 0.0


@dataclass
class ResponseUrl:
    """Where a command or click may be answered: five times, thirty minutes."""

    id: str
    user: str
    channel: str
    expires_at: float
    uses_left: int = 5
    message: Message | None = None
    """The message whose button was clicked."""


class Workspace:
    """The workspace's state. `version` grows with each change, and `on_change` is called then."""

    def __init__(self, clock: SimulatorClock) -> None:
        self.clock = clock
        self.rough = Roughness()
        self.organisation: Organisation | None = None
        self.people: dict[str, Person] = seed_people()
        self.channels: dict[str, Channel] = seed_channels()
        self.messages: dict[str, dict[str, Message]] = {}
        self.ephemerals: list[Message] = []
        self.triggers: dict[str, Trigger] = {}
        self.views: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        """User → stack of open modals, the top last."""
        self.homes: dict[str, View] = {}
        self.late_homes: dict[str, dict[str, Any]] = {}
        """Published Homes that take effect only after the next one (`slack:late_view`)."""
        self.sessions: dict[tuple[str, str | None], AgentSession] = {}
        self.statuses: dict[tuple[str, str], tuple[str, float]] = {}
        """(channel, thread) → text of `assistant.threads.setStatus` and when it was set."""
        self.prompts: dict[tuple[str, str | None], dict[str, Any]] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.downloads: list[tuple[str, bool]] = []
        """Host that was asked for a file's bytes, and whether with a token."""
        self.pings: list[Ping] = []
        self.unfurls: list[Unfurl] = []
        self.deleted: list[Message] = []
        self.version = 0
        self.on_change: Callable[[], None] = lambda: None
        self.on_event: Callable[[dict[str, Any]], None] = lambda _event: None
        self.issue_socket_url: Callable[[], str] = lambda: ""
        self.url = ""
        self.subscriptions: set[str] | None = None
        """Subscribed events as in a manifest (`message.im`, `app_mention`, …); None: all."""
        self.manifest: dict[str, Any] = {}
        """The app's manifest, as `apps.manifest.export` returns it."""
        self._last_ts = 0
        self._streaming: set[tuple[str, str]] = set()
        self._pinged: set[tuple[str, str, str]] = set()

    def changed(self, *messages: Message) -> None:
        """Count a change and call `on_change`."""
        self.version += 1
        for message in messages:
            message.version = self.version
        self.on_change()

    def now(self) -> float:
        """Return the time in seconds."""
        return self.clock.now()

    def next_ts(self) -> str:
        """Return a new message timestamp, later than all before."""
        self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def person(self, user_id: str) -> Person:
        """Return a person. Raises `user_not_found`."""
        if user_id not in self.people:
            raise SlackError("user_not_found")
        return self.people[user_id]

    def dm_of(self, user_id: str) -> Channel:
        """Return the direct messages of a person with the bot, making them at first use."""
        channel_id = "D" + user_id[1:]
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(channel_id, user_id, {user_id, BOT}, is_im=True, user=user_id)
            self.changed()
        return self.channels[channel_id]

    def place(self, message: Message) -> Message:
        """Put a message into its channel, or show an ephemeral one to its reader."""
        if message.ephemeral_to:
            self.ephemerals.append(message)
        else:
            self.messages.setdefault(message.channel, {})[message.ts] = message
            self.note_pings(message)
            if message.is_open_stream:
                self._streaming.add((message.channel, message.ts))
        self.statuses.pop((message.channel, message.root_ts), None)
        self.changed(message)
        return message

    def note_pings(self, message: Message) -> None:
        """Record whom the message notifies, in the texts where Slack interprets tokens."""
        texts = [message.text, message.markdown, *interpreted_texts(message.blocks)]
        texts += interpreted_texts([part.get("blocks") for part in message.parts])
        for target in mentions_in(texts):
            if (target, message.channel, message.ts) not in self._pinged:
                self._pinged.add((target, message.channel, message.ts))
                self.pings.append(Ping(target, message.user, message.channel, message.ts))

    def note_unfurls(self, message: Message) -> None:
        """Record the links of a message that Slack would now fetch."""
        for text in [message.text, *interpreted_texts(message.blocks)]:
            for url in LINK.findall(text):
                self.unfurls.append(Unfurl(url, message.channel, message.ts))

    def find(self, channel: str, ts: str) -> Message | None:
        """Return a message, None if there is none (deleted, ephemeral)."""
        return self.messages.get(channel, {}).get(ts)

    def in_channel(self, channel: str) -> list[Message]:
        """Return all messages of a channel, replies too, oldest first."""
        return list(self.messages.get(channel, {}).values())

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a root and its replies, oldest first."""
        return [message for message in self.in_channel(channel) if message.root_ts == ts]

    def remove(self, message: Message) -> None:
        """Delete a message; a root with replies stays as a tombstone."""
        self.deleted.append(message)
        has_replies = any(other.thread_ts == message.ts for other in self.in_channel(message.channel))
        if message.thread_ts in {None, message.ts} and has_replies:
            grave = Message(message.channel, message.ts, "USLACKBOT", text="This message was deleted.")
            grave.subtype, grave.is_tombstone, grave.thread_ts = "tombstone", True, message.ts
            self.messages[message.channel][message.ts] = grave
        else:
            del self.messages[message.channel][message.ts]
        self.changed(message)

    def top_modal(self, user: str) -> View | None:
        """Return the modal on top of a person's stack."""
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def new_trigger(self, user: str, view_id: str | None = None) -> Trigger:
        """Issue a `trigger_id` for what a person just did."""
        trigger = Trigger(f"{int(self.now() * 1000)}.{secrets.token_hex(8)}", user, self.clock.felt() + 3.0, view_id)
        self.triggers[trigger.id] = trigger
        return trigger

    def open_session(self, channel: str, thread_ts: str | None, status: str, initiator: str) -> AgentSession:
        """Return the session of a thread with a new status, making it if there is none."""
        session = self.sessions.get((channel, thread_ts))
        if session is None:
            session = self.sessions[(channel, thread_ts)] = AgentSession(channel, thread_ts, status, initiator)
        session.status, session.changed_at = status, self.now()
        return session

    def open_streams(self) -> list[Message]:
        """Return every stream that is still open."""
        found = [self.find(*key) for key in self._streaming]
        still = [message for message in found if message is not None and message.is_open_stream]
        self._streaming = {(message.channel, message.ts) for message in still}
        return sorted(still, key=lambda message: message.ts)

    def sweep(self) -> None:
        """End what has lasted too long: streams after five minutes, then sessions and statuses."""
        now = self.now()
        for message in self.open_streams():
            if now - message.stream_started_at >= STREAM_LIFETIME:
                message.streaming_state, message.stream_broken = ERRORED, True
                self.open_session(message.channel, message.root_ts, "active", message.user)
                self.changed(message)
        for session in self.sessions.values():
            if session.status == "processing" and now - session.changed_at >= SESSION_LIFETIME:
                session.status = "active"
                self.changed()
        for key, (_, set_at) in list(self.statuses.items()):
            if now - set_at >= STATUS_LIFETIME:
                del self.statuses[key]
                self.changed()

    def broken_streams(self) -> list[Message]:
        """Return the messages that show the "broken" pill."""
        return [message for found in self.messages.values() for message in found.values() if message.stream_broken]

    def is_streaming(self, channel: str, thread_ts: str) -> bool:
        """Return whether a stream of the thread is open."""
        return any(message.streaming_state == OPEN for message in self.thread(channel, thread_ts))
