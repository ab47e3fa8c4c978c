"""Commands, clicks, shortcuts and modals: what people do with what the app shows them, and the app's responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.slack.delivery import Delivery
from simulator.slack.errors import NotPossible
from simulator.slack.messages import Message, elements_of
from simulator.slack.payloads import click_payload, command_payload, shortcut_payload, submission_payload, typed
from simulator.slack.people import Channel
from simulator.slack.sending import Sending
from simulator.slack.submitting import apply_answer
from simulator.slack.viewkit import choose, close_view, fill, initial_values
from simulator.slack.workspace import View


@dataclass(frozen=True)
class Control:
    """The control that a person uses, and what they choose in it."""

    action_id: str
    block_id: str | None
    value: Any

    def means(self, block: dict[str, Any], element: dict[str, Any]) -> bool:
        """Say whether this element is meant; the value distinguishes buttons with the same action."""
        if element["action_id"] != self.action_id or self.block_id not in {None, block["block_id"]}:
            return False
        return self.value is None or element["type"] != "button" or element.get("value") == self.value


class Using(Sending):
    """One method for each thing to use; each returns once the app has answered or failed to."""

    async def type_command(
        self, user: str, channel: str, line: str, *, should_escape: bool | None = None, forge: bool = False
    ) -> Delivery:
        """Type `/agent …`; return once it is answered or has failed. The answer's text shows ephemerally."""
        where = self.where(channel)
        person = self.actor(user, where, forge=forge)
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
        """Show one person an ephemeral message of Slackbot's."""
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
        return await self._use(user, where, Control(action_id, block_id, value))

    async def forge_click(
        self,
        user: str,
        where: Message | View,
        action_id: str,
        block_id: str | None = None,
        value: Any = None,
        **lie: Any,
    ) -> Delivery:
        """Send the click of a control that `user` cannot see, or that does not exist, changed by `lie`."""
        return await self._use(user, where, Control(action_id, block_id, value), lie)

    async def _use(
        self, user: str, where: Message | View, control: Control, lie: dict[str, Any] | None = None
    ) -> Delivery:
        is_forged = lie is not None
        channel = self.workspace.channels[where.channel] if isinstance(where, Message) else None
        person = self.actor(user, channel, forge=is_forged)
        if not is_forged:
            self._check_seen(user, where)
        action = self._action(where, control, None if is_forged else user) | (lie or {})
        action["action_ts"] = self.workspace.next_ts()
        response_url, values = "", {}
        if isinstance(where, Message):
            response_url = self.hooks.issue(user, where.channel, where, "actions")
            values = self._values(where)
        payload = click_payload(self.workspace, person, where, action=action, response_url=response_url, values=values)
        return await self._sent(payload)

    async def _sent(self, payload: dict[str, Any]) -> Delivery:
        """Send an interaction; return once it is answered or has failed."""
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

    def _action(self, where: Message | View, control: Control, seen_by: str | None) -> dict[str, Any]:
        """Return the payload's action. `seen_by` None: a forged one, which need not exist."""
        blocks = where.payload["blocks"] if isinstance(where, View) else where.blocks
        for block, element in elements_of(blocks, seen_by):
            if control.means(block, element):
                action = {"type": element["type"], "action_id": control.action_id, "block_id": block["block_id"]}
                return action | self._chosen(where, block["block_id"], element, control.value)
        if seen_by is None:
            block_id = control.block_id or "forged"
            return {"type": "button", "action_id": control.action_id, "block_id": block_id, "value": control.value}
        raise NotPossible(f"there is no {control.action_id!r} for {seen_by}")

    def _chosen(self, where: Message | View, block_id: str, element: dict[str, Any], value: Any) -> dict[str, Any]:
        kind = element["type"]
        if kind in {"button", "icon_button"}:
            return {name: element[name] for name in ("text", "value", "style") if name in element}
        if kind == "feedback_buttons":
            return _feedback(element, value)
        state = choose(element, value)
        if kind != "overflow":
            values = where.values if isinstance(where, View) else self._values(where)
            values.setdefault(block_id, {})[element["action_id"]] = state
        return {name: content for name, content in state.items() if name != "type"}

    def _values(self, message: Message) -> dict[str, Any]:
        """Return the state of a message's menus: what was chosen, else their initial values."""
        chosen = self.typed_values.setdefault((message.channel, message.ts), {})
        for block_id, actions in initial_values(message.blocks).items():
            for action_id, state in actions.items():
                chosen.setdefault(block_id, {}).setdefault(action_id, state)
        return chosen

    async def use_shortcut(self, user: str, message: Message, callback_id: str) -> Delivery:
        """Use a message shortcut."""
        channel = self.workspace.channels[message.channel]
        person = self.actor(user, channel)
        url = self.hooks.issue(user, channel.id, message, "actions")
        payload = shortcut_payload(self.workspace, person, message, callback_id, url)
        delivery = self.deliveries.send("interactive", payload)
        await delivery.settled.wait()
        return delivery

    async def submit_view(self, user: str, view: View, values: dict[str, Any] | None = None) -> Delivery:
        """Fill in a modal and send it; the app's response (`errors`, `update`, `push`, `clear`) is carried out."""
        self._check_seen(user, view)
        fill(view, values or {})
        payload = submission_payload(self.workspace, self.actor(user, None), view)
        delivery = self.deliveries.send("interactive", payload)
        await delivery.settled.wait()
        if delivery.is_acked:
            apply_answer(self.workspace, view, delivery.body)
        return delivery

    async def close_modal(self, user: str, view: View) -> None:
        """Close a modal; the app is told if the view has `notify_on_close`."""
        self._check_seen(user, view)
        close_view(self.workspace, view)
        if view.payload.get("notify_on_close"):
            payload = submission_payload(self.workspace, self.actor(user, None), view, closed=True)
            await self.deliveries.send("interactive", payload).settled.wait()


def _feedback(element: dict[str, Any], value: Any) -> dict[str, Any]:
    for name in ("positive", "negative"):
        button = element[f"{name}_button"]
        if value in {name, button["value"]}:
            return {"text": button["text"], "value": button["value"]}
    raise NotPossible("feedback is `positive` or `negative`")
