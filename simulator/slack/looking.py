"""What each person can see of the workspace: threads, direct messages, modals, buttons."""

from __future__ import annotations

from typing import Any

from simulator.slack.acting import Acting
from simulator.slack.messages import Message, elements_of, text_of, visible_blocks
from simulator.slack.workspace import View


class Looking(Acting):
    """The part of the simulator that tests read."""

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a root and its replies."""
        return self.workspace.thread(channel, ts)

    def messages(self, channel: str) -> list[Message]:
        """Return all messages of a channel."""
        return self.workspace.in_channel(channel)

    def ephemerals(self, user: str) -> list[Message]:
        """Return what only `user` sees."""
        return [message for message in self.workspace.ephemerals if message.ephemeral_to == user]

    def dms(self, user: str) -> list[Message]:
        """Return the direct messages of `user` with the bot."""
        return self.messages(self.workspace.dm_of(user).id)

    def modal_of(self, user: str) -> View | None:
        """Return the modal on top of `user`'s screen."""
        return self.workspace.top_modal(user)

    def home_of(self, user: str) -> View | None:
        """Return the published App Home of `user`."""
        return self.workspace.homes.get(user)

    def visible_blocks(self, message: Message, user: str) -> list[dict[str, Any]]:
        """Return a message's blocks without the buttons that are for others."""
        return visible_blocks(message.blocks, user)

    def text_of(self, message: Message) -> str:
        """Return what people read in a message."""
        return text_of(message)

    def buttons_of(self, where: Message | View, user: str | None = None) -> dict[str, dict[str, Any]]:
        """Return what `user` could use: action id → element."""
        blocks = where.payload["blocks"] if isinstance(where, View) else where.blocks
        return {element["action_id"]: element for _, element in elements_of(blocks, user)}
