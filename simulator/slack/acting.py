"""What people do in Slack, and what the app is then sent: the hands of tests and of the page.

The shapes of what is sent are in `payloads.py`; answers to it are applied here.
"""

from __future__ import annotations

import secrets
from typing import Any

from simulator.slack.delivery import Deliveries, Delivery, Kind
from simulator.slack.errors import NotPossible
from simulator.slack.hooks import Hooks
from simulator.slack.messages import STOPPED, Message, elements_of, mentions_in
from simulator.slack.methods.chat import changed_event, deleted_event
from simulator.slack.payloads import (
    click_payload,
    command_payload,
    event_envelope,
    mention_event,
    message_event,
    shortcut_payload,
    submission_payload,
    typed,
)
from simulator.slack.people import BOT, TEAM, Channel, Person
from simulator.slack.submitting import apply_answer
from simulator.slack.viewkit import choose, close_view, fill, initial_values
from simulator.slack.workspace import View, Workspace

SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


class Acting:
    """One method for each thing a person can do. Each raises NotPossible where Slack offers no such thing."""

    def __init__(self, workspace: Workspace, deliveries: Deliveries, hooks: Hooks) -> None:
        self.workspace = workspace
        self.deliveries = deliveries
        self.hooks = hooks
        self.deliver_twice = False
        """Whether every event comes twice, with the same event id."""
        self.echo_own_messages = True
        """Whether the app is told of its own messages, as Slack does."""
        self.should_escape = True
        self.subscriptions: set[str] | None = None
        """Subscribed events as in a manifest (`message.im`, `app_mention`, …); None: all."""
        self._typed: dict[tuple[str, str], dict[str, Any]] = {}
        workspace.on_event = self._emit_own

    # what is sent

    def send_event(self, event: dict[str, Any], *, event_id: str | None = None) -> Delivery:
        """Send any event, wrapped in its envelope."""
        envelope = event_envelope(self.workspace, event, event_id=event_id)
        delivery = self.deliveries.send("events_api", envelope)
        if self.deliver_twice:
            self.deliveries.send("events_api", envelope)
        return delivery

    def deliver(self, kind: Kind, payload: dict[str, Any]) -> Delivery:
        """Send a payload as it is, forged or not."""
        return self.deliveries.send(kind, payload)

    def _emit(self, event: dict[str, Any]) -> Delivery | None:
        name = event["type"]
        if name == "message":
            name = SUBSCRIPTION[event["channel_type"]]
        if self.subscriptions is not None and name not in self.subscriptions:
            return None
        return self.send_event(event)

    def _emit_own(self, event: dict[str, Any]) -> None:
        channel = self.workspace.channels.get(event.get("channel", ""))
        if self.echo_own_messages and channel and BOT in channel.members:
            self._emit(event)

    # who does it

    def _actor(self, user: str, channel: Channel | None, *, forge: bool = False) -> Person:
        person = self.workspace.people.get(user)
        if person is None:
            raise NotPossible(f"there is no {user}")
        if not forge and person.deleted:
            raise NotPossible(f"{person.name} is deactivated")
        if not forge and channel and user not in channel.members:
            raise NotPossible(f"{person.name} is not in {channel.name}")
        return person

    def _channel(self, channel: str) -> Channel:
        """Return a channel by id; a user id means their direct messages with the bot."""
        if channel in self.workspace.people:
            return self.workspace.dm_of(channel)
        return self.workspace.channels[channel]

    # messages

    async def post_message(
        self, user: str, channel: str, text: str, thread_ts: str | None = None, *, forge: bool = False, **extra: Any
    ) -> Message:
        """Write a message; `<@U…>` and `@name` mention. `extra` is laid over the events (subtype, bot_id, …)."""
        where = self._channel(channel)
        person = self._actor(user, where, forge=forge)
        raw = text if "<@" in text else typed(self.workspace, text)
        message = Message(where.id, self.workspace.next_ts(), user, raw, thread_ts=thread_ts, bot_id=person.bot_id)
        message.blocks = _rich_text(raw)
        root = self.workspace.find(where.id, thread_ts) if thread_ts else None
        if thread_ts and (root is None or root.is_tombstone) and not forge:
            raise NotPossible("there is no such thread")
        if root and root.thread_ts is None:
            root.thread_ts = root.ts
        self.workspace.place(message)
        if BOT in where.members:
            self._emit(message_event(self.workspace, message) | extra)
            if not where.is_im and BOT in mentions_in([raw]):
                self._emit(mention_event(self.workspace, message) | extra)
        return message

    async def edit_message(self, user: str, message: Message, text: str) -> None:
        """Rewrite an own message; a mention in it fires `app_mention` again, marked as edited."""
        self._own(user, message)
        previous = message.as_json()
        message.text = text if "<@" in text else typed(self.workspace, text)
        message.blocks = _rich_text(message.text)
        message.edited = {"user": user, "ts": self.workspace.next_ts()}
        self.workspace.changed(message)
        channel = self.workspace.channels[message.channel]
        if BOT in channel.members:
            self._emit(changed_event(self.workspace, message, previous))
            if not channel.is_im and BOT in mentions_in([message.text]):
                self._emit(mention_event(self.workspace, message))

    async def delete_message(self, user: str, message: Message) -> None:
        """Delete an own message (an admin: anyone's)."""
        if not self.workspace.people[user].is_admin:
            self._own(user, message)
        self.workspace.remove(message)
        if BOT in self.workspace.channels[message.channel].members:
            self._emit(deleted_event(self.workspace, message))

    def _own(self, user: str, message: Message) -> None:
        if message.user != user or self.workspace.find(message.channel, message.ts) is not message:
            raise NotPossible("not your message, or gone")

    # commands, clicks, shortcuts

    async def type_command(
        self, user: str, channel: str, line: str, *, should_escape: bool | None = None, forge: bool = False
    ) -> Delivery:
        """Type `/agent …`; return once it is answered or has failed. The answer's text shows ephemerally."""
        where = self._channel(channel)
        person = self._actor(user, where, forge=forge)
        command, _, text = line.partition(" ")
        escapes = self.should_escape if should_escape is None else should_escape
        payload = command_payload(self.workspace, person, where, command, typed(self.workspace, text, escapes=escapes))
        payload["response_url"] = self.hooks.issue(user, where.id)
        delivery = self.deliveries.send("slash_commands", payload)
        await delivery.settled.wait()
        if not delivery.is_acked:
            self._tell(user, where, f'{command} failed with the error "operation_timeout"')
        elif isinstance(delivery.body, dict) and (delivery.body.get("text") or delivery.body.get("blocks")):
            hook = self.workspace.response_urls[payload["response_url"].rpartition("/")[2]]
            self.hooks.apply(hook, delivery.body)
        return delivery

    def _tell(self, user: str, channel: Channel, text: str) -> None:
        """Let Slackbot say something to one person."""
        message = Message(channel.id, self.workspace.next_ts(), "USLACKBOT", text)
        message.ephemeral_to = user
        self.workspace.place(message)

    async def click(
        self, user: str, where: Message | View, action_id: str, block_id: str | None = None, value: Any = None
    ) -> Delivery:
        """Use a button, menu or input that `user` sees; return once it is answered or has failed.

        `value` tells which: an option's value or text (a list for many), `positive` or `negative`
        for feedback, or which of several buttons with this `action_id`.
        """
        return await self._use(user, where, action_id, block_id, value, None)

    async def forge_click(
        self,
        user: str,
        where: Message | View,
        action_id: str,
        block_id: str | None = None,
        value: Any = None,
        **lie: Any,
    ) -> Delivery:
        """Use what is hidden from `user`, or was never there: `lie` is laid over the action."""
        return await self._use(user, where, action_id, block_id, value, lie)

    async def _use(
        self,
        user: str,
        where: Message | View,
        action_id: str,
        block_id: str | None,
        value: Any,
        lie: dict[str, Any] | None,
    ) -> Delivery:
        is_forged = lie is not None
        channel = self.workspace.channels[where.channel] if isinstance(where, Message) else None
        person = self._actor(user, channel, forge=is_forged)
        if not is_forged:
            self._check_seen(user, where)
        action = self._action(user, where, action_id, block_id, value, is_forged=is_forged) | (lie or {})
        action["action_ts"] = self.workspace.next_ts()
        response_url, values = "", {}
        if isinstance(where, Message):
            response_url = self.hooks.issue(user, where.channel, where, "actions")
            values = self._values(where)
        payload = click_payload(self.workspace, person, where, action, response_url, values)
        delivery = self.deliveries.send("interactive", payload)
        await delivery.settled.wait()
        return delivery

    def _check_seen(self, user: str, where: Message | View) -> None:
        ws = self.workspace
        if isinstance(where, View):
            if where is not ws.homes.get(user) and where is not ws.top_modal(user):
                raise NotPossible("this view is not on your screen")
        elif where.ephemeral_to not in {None, user}:
            raise NotPossible("this message is only visible to somebody else")
        elif where not in ws.ephemerals and ws.find(where.channel, where.ts) is not where:
            raise NotPossible("this message is gone")

    def _action(
        self, user: str, where: Message | View, action_id: str, block_id: str | None, value: Any, *, is_forged: bool
    ) -> dict[str, Any]:
        blocks = where.payload["blocks"] if isinstance(where, View) else where.blocks
        for block, element in elements_of(blocks, None if is_forged else user):
            if element["action_id"] == action_id and block_id in {None, block["block_id"]}:
                if value is not None and element["type"] == "button" and element.get("value") != value:
                    continue
                action = {"type": element["type"], "action_id": action_id, "block_id": block["block_id"]}
                return action | self._chosen(where, block["block_id"], element, value)
        if is_forged:
            return {"type": "button", "action_id": action_id, "block_id": block_id or "forged", "value": value}
        raise NotPossible(f"there is no {action_id!r} for {user}")

    def _chosen(self, where: Message | View, block_id: str, element: dict[str, Any], value: Any) -> dict[str, Any]:
        kind = element["type"]
        if kind in {"button", "icon_button"}:
            return {name: element[name] for name in ("text", "value", "style") if name in element}
        if kind == "feedback_buttons":
            for name in ("positive", "negative"):
                button = element[f"{name}_button"]
                if value in {name, button["value"]}:
                    return {"text": button["text"], "value": button["value"]}
            raise NotPossible("feedback is `positive` or `negative`")
        state = choose(element, value)
        if kind != "overflow":
            values = where.values if isinstance(where, View) else self._values(where)
            values.setdefault(block_id, {})[element["action_id"]] = state
        return {name: content for name, content in state.items() if name != "type"}

    def _values(self, message: Message) -> dict[str, Any]:
        return self._typed.setdefault((message.channel, message.ts), initial_values(message.blocks))

    async def use_shortcut(self, user: str, message: Message, callback_id: str) -> Delivery:
        """Use a message shortcut."""
        channel = self.workspace.channels[message.channel]
        person = self._actor(user, channel)
        url = self.hooks.issue(user, channel.id, message, "actions")
        payload = shortcut_payload(self.workspace, person, message, callback_id, url)
        delivery = self.deliveries.send("interactive", payload)
        await delivery.settled.wait()
        return delivery

    # views

    async def submit_view(self, user: str, view: View, values: dict[str, Any] | None = None) -> Delivery:
        """Fill in a modal and send it; what the app answers (`errors`, `update`, `push`, `clear`) happens."""
        self._check_seen(user, view)
        fill(view, values or {})
        payload = submission_payload(self.workspace, self._actor(user, None), view)
        delivery = self.deliveries.send("interactive", payload)
        await delivery.settled.wait()
        if delivery.is_acked:
            apply_answer(self.workspace, view, delivery.body)
        return delivery

    async def close_modal(self, user: str, view: View) -> None:
        """Close a modal; the app hears of it if it wanted to."""
        self._check_seen(user, view)
        close_view(self.workspace, view)
        if view.payload.get("notify_on_close"):
            payload = submission_payload(self.workspace, self._actor(user, None), view, closed=True)
            await self.deliveries.send("interactive", payload).settled.wait()

    async def open_home(self, user: str, tab: str = "home") -> None:
        """Look at the app's Home (or `messages`) tab."""
        self._actor(user, None)
        event = {"type": "app_home_opened", "user": user, "channel": self.workspace.dm_of(user).id, "tab": tab}
        self._emit(event | {"event_ts": self.workspace.next_ts()})

    # sessions and people

    async def press_native_stop(self, user: str, stream: Message) -> None:
        """Press Slack's own Stop in the thread of `stream`: open streams take no more."""
        channel = self.workspace.channels[stream.channel]
        self._actor(user, channel)
        key = (channel.id, stream.root_ts)
        session = self.workspace.sessions.get(key)
        if session is None or session.status != "processing":
            raise NotPossible("nothing is running there")
        stopped = [one for one in self.workspace.thread(*key) if one.is_open_stream]
        for message in stopped:
            message.streaming_state, message.stopped_by = STOPPED, user
        self.workspace.changed(*stopped)
        self._emit(
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
        """Let somebody join the workspace; `fields` as in Person."""
        person = Person("U" + secrets.token_hex(4).upper(), name.lower(), name, **{"team_id": TEAM} | fields)
        self.workspace.people[person.id] = person
        for channel in channels:
            self.workspace.channels[channel].members.add(person.id)
        self.workspace.changed()
        return person

    def change_person(self, user: str, **fields: Any) -> Delivery | None:
        """Change an account; the app hears `user_change`."""
        person = self.workspace.people[user]
        for name, value in fields.items():
            setattr(person, name, value)
        self.workspace.changed()
        ts = self.workspace.next_ts()
        return self._emit({"type": "user_change", "user": person.as_json(), "cache_ts": int(float(ts)), "event_ts": ts})

    def deactivate(self, user: str) -> Delivery | None:
        """Deactivate an account."""
        return self.change_person(user, deleted=True)


def _rich_text(text: str) -> list[dict[str, Any]]:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text or " "}]}
    return [{"type": "rich_text", "block_id": secrets.token_urlsafe(4), "elements": [section]}]
