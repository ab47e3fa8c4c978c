"""Messages, tabs, the native Stop, accounts: what people do besides using the app's own controls.

Commands, clicks and modals are in `using.py`; the shapes of what is sent are in `payloads.py`.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.slack.delivery import Delivery
from simulator.slack.errors import NotPossible
from simulator.slack.messages import STOPPED, Message, mentions_in
from simulator.slack.methods.chat import changed_event, deleted_event
from simulator.slack.methods.files import described
from simulator.slack.payloads import mention_event, message_event, typed
from simulator.slack.people import BOT, TEAM, Person
from simulator.slack.using import Using


class Acting(Using):
    """One method for each thing a person can do. Each raises NotPossible where Slack offers no such thing."""

    async def post_message(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        *,
        files: Sequence[Mapping[str, Any]] = (),
        forge: bool = False,
        **extra: Any,
    ) -> Message:
        """Write a message; `<@U…>` and `@name` mention. `extra` is laid over the events (subtype, bot_id, …)."""
        where = self.where(channel)
        person = self.actor(user, where, forge=forge)
        raw = text if "<@" in text else typed(self.workspace, text, names_too=False)
        message = Message(where.id, self.workspace.next_ts(), user, raw, thread_ts=thread_ts, bot_id=person.bot_id)
        message.blocks = _rich_text(raw)
        root = self.workspace.find(where.id, thread_ts) if thread_ts else None
        if thread_ts and (root is None or root.is_tombstone) and not forge:
            raise NotPossible("there is no such thread")
        if root and root.thread_ts is None:
            root.thread_ts = root.ts
        message.files = [described(self.workspace, file) for file in self._attached(where.id, files)]
        if message.files:
            extra = {"subtype": "file_share"} | extra
        self.workspace.place(message)
        if BOT in where.members:
            self.emit(message_event(self.workspace, message) | extra)
            if not where.is_im and BOT in mentions_in([raw]):
                self.emit(mention_event(self.workspace, message) | extra)
        return message

    def _attached(self, channel: str, files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Store the files of a message; each has `name`, `content` and Slack's other fields."""
        kept = []
        for given in files:
            content = given.get("content", b"")
            file = {"id": "F" + secrets.token_hex(5).upper(), "length": len(content), "content": content}
            file |= {"shares": {"public": {channel: [{}]}}} | {k: v for k, v in given.items() if k != "content"}
            if "size" in given:
                file["length"] = given["size"]
            self.workspace.files[file["id"]] = file
            kept.append(file)
        return kept

    async def edit_message(self, user: str, message: Message, text: str) -> None:
        """Rewrite an own message; a mention in it fires `app_mention` again, marked as edited."""
        self._own(user, message)
        previous = message.as_json()
        message.text = text if "<@" in text else typed(self.workspace, text, names_too=False)
        message.blocks = _rich_text(message.text)
        message.edited = {"user": user, "ts": self.workspace.next_ts()}
        self.workspace.changed(message)
        channel = self.workspace.channels[message.channel]
        if BOT in channel.members:
            self.emit(changed_event(self.workspace, message, previous))
            if not channel.is_im and BOT in mentions_in([message.text]):
                self.emit(mention_event(self.workspace, message))

    async def delete_message(self, user: str, message: Message) -> None:
        """Delete an own message (an admin: anyone's)."""
        if not self.workspace.people[user].is_admin:
            self._own(user, message)
        self.workspace.remove(message)
        if BOT in self.workspace.channels[message.channel].members:
            self.emit(deleted_event(self.workspace, message))

    def _own(self, user: str, message: Message) -> None:
        if message.user != user or self.workspace.find(message.channel, message.ts) is not message:
            raise NotPossible("not your message, or gone")

    async def open_home(self, user: str, tab: str = "home") -> None:
        """Open the app's Home (or `messages`) tab."""
        self.actor(user, None)
        event = {"type": "app_home_opened", "user": user, "channel": self.workspace.dm_of(user).id, "tab": tab}
        self.emit(event | {"event_ts": self.workspace.next_ts()})

    async def press_native_stop(self, user: str, stream: Message) -> None:
        """Press Slack's own Stop button in the thread of `stream`, which ends its open streams."""
        channel = self.workspace.channels[stream.channel]
        self.actor(user, channel)
        key = (channel.id, stream.root_ts)
        session = self.workspace.sessions.get(key)
        if session is None or session.status != "processing":
            raise NotPossible("nothing is running there")
        stopped = [one for one in self.workspace.thread(*key) if one.is_open_stream]
        for message in stopped:
            message.streaming_state, message.stopped_by = STOPPED, user
        self.workspace.changed(*stopped)
        self.emit(
            {
                "type": "agent_session_stopped",
                "channel": channel.id,
                "thread_ts": stream.root_ts,
                "user": user,
                "streaming_message_ts": [message.ts for message in stopped],
                "event_ts": self.workspace.next_ts(),
            }
        )

    def add_person(self, name: str, *, channels: tuple[str, ...] = (), **fields: Any) -> Person:
        """Add somebody to the workspace; `fields` as in Person."""
        person = Person("U" + secrets.token_hex(4).upper(), name.lower(), name, **{"team_id": TEAM} | fields)
        self.workspace.people[person.id] = person
        for channel in channels:
            self.workspace.channels[channel].members.add(person.id)
        self.workspace.changed()
        return person

    def change_person(self, user: str, **fields: Any) -> Delivery | None:
        """Change an account; the app is sent `user_change`."""
        person = self.workspace.people[user]
        for name, value in fields.items():
            setattr(person, name, value)
        self.workspace.changed()
        ts = self.workspace.next_ts()
        return self.emit({"type": "user_change", "user": person.as_json(), "cache_ts": int(float(ts)), "event_ts": ts})

    def share(self, channel: str, team: str = "T0OTHER00") -> Delivery | None:
        """Share a channel with another organisation; the app is sent `channel_shared`."""
        self.workspace.channels[channel].is_ext_shared = True
        self.workspace.changed()
        ts = self.workspace.next_ts()
        return self.emit({"type": "channel_shared", "connected_team_id": team, "channel": channel, "event_ts": ts})

    def deactivate(self, user: str) -> Delivery | None:
        """Deactivate an account."""
        return self.change_person(user, deleted=True)

    def uninstall(self) -> None:
        """Uninstall the app: it is sent `tokens_revoked` and `app_uninstalled`, and its tokens become invalid."""
        self.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT]}})
        self.emit({"type": "app_uninstalled"})


def _rich_text(text: str) -> list[dict[str, Any]]:
    """Return the rich text block that Slack's client makes of typed text."""
    runs: list[dict[str, Any]] = []
    end = 0
    for match in re.finditer(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>", text):
        runs += [{"type": "text", "text": text[end : match.start()]}, _rich_run(*match.groups())]
        end = match.end()
    runs.append({"type": "text", "text": text[end:]})
    runs = [run | {"text": html.unescape(run["text"])} if run.get("text") else run for run in runs]
    section = {"type": "rich_text_section", "elements": [run for run in runs if run.get("text") != ""]}
    return [{"type": "rich_text", "block_id": secrets.token_urlsafe(4), "elements": [section]}]


def _rich_run(sign: str, target: str, label: str | None) -> dict[str, Any]:
    """Return the run of one token: a person, a channel, a broadcast, a link."""
    if sign == "@":
        return {"type": "user", "user_id": target}
    if sign == "#":
        return {"type": "channel", "channel_id": target}
    if sign == "!":
        return {"type": "broadcast", "range": target}
    return {"type": "link", "url": html.unescape(target)} | ({"text": label} if label else {})
