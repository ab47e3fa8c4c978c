"""Sends the app what happens in Slack, and checks who may do something where.

What people do is in `using.py` (commands, clicks, modals) and `acting.py` (messages, people).
"""

from __future__ import annotations

import asyncio
from typing import Any

from simulator.slack.delivery import Deliveries, Delivery, Kind
from simulator.slack.errors import NotPossible
from simulator.slack.hooks import Hooks
from simulator.slack.payloads import event_envelope
from simulator.slack.people import BOT, Channel, Person
from simulator.slack.rough import roughened_event
from simulator.slack.workspace import Workspace

HELD_BACK_FOR = 0.1
"""Seconds of real time."""
SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


class Sending:
    """The way from a workspace to the app, with its knobs."""

    def __init__(self, workspace: Workspace, deliveries: Deliveries, hooks: Hooks) -> None:
        self.workspace = workspace
        self.deliveries = deliveries
        self.hooks = hooks
        self.deliver_twice = False
        """Whether every event comes twice, with the same event id."""
        self.echo_own_messages = True
        """Whether the app is told of its own messages, as Slack does."""
        self._held_back: list[Delivery] = []
        self.should_escape = True
        self.typed_values: dict[tuple[str, str], dict[str, Any]] = {}
        """(channel, ts) → the chosen values of a message's menus."""
        workspace.on_event = self._emit_own

    def send_event(self, event: dict[str, Any], *, event_id: str | None = None) -> Delivery:
        """Send any event, wrapped in its envelope."""
        rough = self.workspace.rough
        envelope = event_envelope(self.workspace, roughened_event(rough, event), event_id=event_id)
        copies = 1 + (self.deliver_twice or rough.strikes("slack:event_twice"))
        deliveries = [Delivery("events_api", envelope) for _ in range(copies)]
        if rough.strikes("slack:events_reordered"):
            self._hold_back(deliveries)
        else:
            for delivery in deliveries:
                self.deliveries.queue(delivery)
            self._let_go()
        return deliveries[0]

    def _hold_back(self, deliveries: list[Delivery]) -> None:
        """Send these after the next event, or after `HELD_BACK_FOR` if none follows; the last one first."""
        if not self._held_back:
            asyncio.get_running_loop().call_later(HELD_BACK_FOR, self._let_go)
        self._held_back += deliveries

    def _let_go(self) -> None:
        held_back, self._held_back = self._held_back, []
        for delivery in reversed(held_back):
            self.deliveries.queue(delivery)

    def deliver(self, kind: Kind, payload: dict[str, Any]) -> Delivery:
        """Send any payload unchanged, forged ones too."""
        return self.deliveries.send(kind, payload)

    def emit(self, event: dict[str, Any]) -> Delivery | None:
        """Send an event if the app subscribes to it."""
        name = event["type"]
        if name == "message":
            name = SUBSCRIPTION[event["channel_type"]]
        subscribed = self.workspace.subscriptions
        if subscribed is not None and name not in subscribed:
            return None
        return self.send_event(event)

    def _emit_own(self, event: dict[str, Any]) -> None:
        channel = self.workspace.channels.get(event.get("channel", ""))
        if self.echo_own_messages and channel and BOT in channel.members:
            self.emit(event)

    def actor(self, user: str, channel: Channel | None, *, forge: bool = False) -> Person:
        """Return who acts. Raises NotPossible if they are deactivated or not in the channel."""
        person = self.workspace.people.get(user)
        if person is None:
            raise NotPossible(f"there is no {user}")
        if not forge and person.deleted:
            raise NotPossible(f"{person.name} is deactivated")
        if not forge and channel and user not in channel.members:
            raise NotPossible(f"{person.name} is not in {channel.name}")
        return person

    def where(self, channel: str) -> Channel:
        """Return a channel by id; a user id means their direct messages with the bot."""
        if channel in self.workspace.people:
            return self.workspace.dm_of(channel)
        return self.workspace.channels[channel]
