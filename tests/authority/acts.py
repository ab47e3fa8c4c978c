"""What members and outsiders do with Slack as Slack shows it: ask, reply, click, fill in, stop, talk.

Every function takes the stage and small numbers that choose; what is forged is in `attacks`, links are in `browsers`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, TypeVar

from bot.model import action_ids
from simulator.slack import people
from simulator.slack.messages import Message
from simulator.slack.workspace import View
from tests.authority.stage import Stage
from tests.authority.watch import Watch
from tests.authority.words import EVERYBODY, MARK, MEMBERS

T = TypeVar("T")
WRITING = {1, 4}
"""Kinds of tasks that write a note."""
LATEST = 40
"""From how many of the newest things people choose: old ones are settled and dull."""


def pick(among: Sequence[T], number: int) -> T | None:
    """Return one of the newest, None of nothing."""
    newest = among[-LATEST:]
    return newest[number % len(newest)] if newest else None


class Acts:
    """Acts of one stage."""

    def __init__(self, stage: Stage, watch: Watch) -> None:
        self.stage, self.watch, self.words = stage, watch, stage.words
        self.slack = stage.slack
        self.written: list[Message] = []
        """What people wrote themselves, newest last."""

    # Words.

    def task(self, user: str, kind: int, *, channel: str | None, audience: str | None = None) -> str:
        """Return a request with its author's mark in it."""
        if audience and kind % 14 in WRITING:
            # What is written into a note is seen wherever its owner asks for it again.
            one, two = (self.words.mark(user, channel=channel, secret=True) for _ in range(2))
        else:
            one, two = (self.words.mark(user, channel=channel, audience=audience) for _ in range(2))
        return (
            f"say exactly: {one}",
            f"write a note called {one}: {two}",
            f"say exactly: {one} {two}",
            f"read the note Diary {one}",
            f"write a note called {one}: {two}",
            f"say exactly: {two}",
            f"think for 0.03 seconds {one}",
            f"list my notes {one}",
            f"{one}: read the note Diary",
            f"delete the note {one}",
            f"say exactly: {two}",
            f"run `echo {one}`",
            f"who am i {one}",
            f"call 2 tools at once {two}",
        )[kind % 14]

    async def ask(self, user: str, kind: int, *, is_private: bool) -> None:
        """Type `/agent ask`."""
        direct = self.slack.workspace.dm_of(user).id
        if is_private:
            line = "/agent ask --private " + self.task(user, kind, channel=direct, audience=user)
        else:
            line = "/agent ask " + self.task(user, kind, channel=people.GENERAL)
        await self.slack.type_command(user, people.GENERAL, line)

    async def write(self, user: str, kind: int, root: Message | None, *, is_mention: bool) -> None:
        """Write in a thread, or begin one with a mention."""
        channel = root.channel if root else people.GENERAL
        if channel.startswith("D"):
            # Only the two of them are there.
            user = str(self.slack.workspace.channels[channel].user)
        audience = user if channel.startswith("D") else None
        text = self.task(user, kind, channel=channel, audience=audience)
        said = f"<@{people.BOT}> {text}" if is_mention else text
        if root and is_mention:
            self.words.threads.add((user, channel, root.root_ts))
        message = await self.slack.post_message(user, channel, said, root.root_ts if root else None)
        self.watch.owners.setdefault((channel, message.root_ts), user if root is None else self._owner_of(root))
        self.written.append(message)

    def _owner_of(self, message: Message) -> str:
        root = self.slack.workspace.find(message.channel, message.root_ts)
        first = next(iter(self.words.marks(self.slack.text_of(root))), None) if root else None
        return self.words.typed[first].author if first else message.user

    async def write_direct(self, user: str, kind: int) -> None:
        """Write a direct message: a thread of its own."""
        channel = self.slack.workspace.dm_of(user).id
        text = self.task(user, kind, channel=channel, audience=user)
        self.written.append(await self.slack.post_message(user, channel, text))

    async def say(self, user: str, text: str, root: Message) -> None:
        """Write bare words such as `stop` in a thread."""
        await self.slack.post_message(user, root.channel, text, root.root_ts)

    async def delete(self, message: Message) -> None:
        """Delete one's own words."""
        if self.slack.workspace.find(message.channel, message.ts) is message:
            await self.slack.delete_message(message.user, message)

    async def edit(self, message: Message) -> None:
        """Rewrite one's own words: a request that still waits is asked in the new ones."""
        audience = message.user if message.channel.startswith("D") else None
        words = self.words.mark(message.user, audience=audience, channel=message.channel)
        await self.slack.edit_message(message.user, message, words)

    # Buttons and forms.

    async def click_something(self, number: int, chosen: int) -> None:
        """Use any button that somebody really sees."""
        message = pick(self.watch.spoken, number)
        if message is None:
            return await self.status(MEMBERS[chosen % 3])
        user = self.reader(message, chosen)
        seen = sorted(self.slack.buttons_of(message, user).items())
        if not seen:
            return await self.status(MEMBERS[chosen % 3])
        action_id, element = seen[(chosen // 3) % len(seen)]
        return await self.click(user, message, action_id, element)

    async def decide(self, number: int, chosen: int) -> None:
        """Decide what waits, as its owner."""
        card = pick(self.watch.cards, number)
        for user in MEMBERS:
            seen = self.slack.buttons_of(card, user) if card else {}
            if card and action_ids.APPROVE in seen:
                wanted = (
                    action_ids.APPROVE,
                    action_ids.APPROVE,
                    action_ids.DENY,
                    action_ids.DENY_WITH_REASON,
                    action_ids.SHOW_DETAILS,
                    action_ids.ALWAYS_ALLOW,
                )
                action_id = wanted[chosen % len(wanted)]
                if action_id not in seen:
                    action_id = action_ids.APPROVE
                return await self.click(user, card, action_id, seen[action_id])
        return await self.click_something(number, chosen)

    def reader(self, message: Message, chosen: int) -> str:
        """Return somebody who sees the message."""
        only = message.ephemeral_to or self.slack.workspace.channels[message.channel].user
        return only or MEMBERS[chosen % 3]

    async def click(self, user: str, message: Message, action_id: str, element: dict[str, Any]) -> None:
        """Click, having noted what that means."""
        value = element.get("value")
        self.note_click(user, action_id, value)
        wanted = "positive" if element["type"] == "feedback_buttons" else value
        await self.slack.click(user, message, action_id, value=wanted)

    def note_click(self, user: str, action_id: str, value: object) -> None:
        """Write down what a click, forged or not, permits whom."""
        action_id = action_id.partition("/")[0]
        if action_id in {action_ids.APPROVE, action_ids.APPROVE_ALL, action_ids.ALWAYS_ALLOW}:
            self.words.approved.update((user, one) for one in str(value).split(","))
        if action_id == action_ids.ALWAYS_ALLOW:
            self.words.remembered.add((user, str(value)))
        reader, text = self.watch.asides.get(str(value), ("", ""))
        if action_id == action_ids.PASS_ASIDE and reader == user:
            self.words.pass_on(user, text)

    async def submit(self, number: int, kind: int) -> None:
        """Fill in and send the form that somebody has open, or open one."""
        open_forms = [view for user in MEMBERS if (view := self.slack.modal_of(user))]
        view = pick(open_forms, number)
        if view is None:
            return await self.shortcut(number, kind)
        callback = view.payload.get("callback_id")
        if callback == action_ids.ASK_FORM:
            values = {action_ids.ASK_FIELD_BLOCK: self.form_task(view, kind)}
        elif callback == action_ids.DENY_FORM:
            values = {action_ids.DENY_FIELD_BLOCK: self.words.mark(view.user)}
        elif callback == action_ids.DETAILS_VIEW and "submit" in view.payload:
            self.note_click(view.user, action_ids.APPROVE, view.payload.get("private_metadata"))
            values = {}
        else:
            return await self.slack.close_modal(view.user, view)
        sent = copy.copy(view)
        self.words.pass_on(view.user, str(sent.payload.get("private_metadata", "")))
        await self.slack.submit_view(view.user, view, values)
        return None

    def form_task(self, view: View, kind: int) -> str:
        """Return a request typed into a form, private if the form is of the direct messages."""
        direct = self.slack.workspace.dm_of(view.user).id
        is_public = people.GENERAL in str(view.payload.get("private_metadata"))
        if is_public:
            return self.task(view.user, kind, channel=people.GENERAL)
        return self.task(view.user, kind, channel=direct, audience=view.user)

    async def shortcut(self, number: int, chosen: int) -> None:
        """Ask about a message that one sees, whoever wrote it."""
        user = MEMBERS[chosen % 3]
        channel = (people.GENERAL, self.slack.workspace.dm_of(user).id)[chosen // 3 % 2]
        message = pick(self.slack.messages(channel), number)
        if message is None:
            return await self.status(user)
        self.words.pass_on(user, self.slack.text_of(message))
        self.words.threads.add((user, message.channel, message.root_ts))
        await self.slack.use_shortcut(user, message, "ask_about_message")
        return None

    # Everything else.

    async def status(self, user: str) -> None:
        """Look at what one has."""
        await self.slack.type_command(user, people.GENERAL, "/agent status")

    async def home(self, user: str) -> None:
        """Open the App Home."""
        await self.slack.open_home(user)

    async def connect(self, user: str) -> None:
        """Ask for a link."""
        await self.slack.type_command(user, people.GENERAL, "/agent connect notes")

    async def disconnect(self, user: str) -> None:
        """Disconnect."""
        await self.slack.type_command(user, people.GENERAL, "/agent disconnect notes")

    async def stop_by_command(self, user: str) -> None:
        """Stop one's own."""
        await self.slack.type_command(user, people.GENERAL, "/agent stop")

    async def stop_natively(self, user: str, number: int) -> None:
        """Press Slack's own Stop in a thread, whoever's it is."""
        streams = self.slack.workspace.open_streams()
        stream = pick(streams, number) or pick(self.watch.spoken, number)
        if stream is not None:
            await self.slack.press_native_stop(self.reader(stream, EVERYBODY.index(user)), stream)

    def roots(self) -> list[Message]:
        """Return messages of threads, Deputy's and people's."""
        return [message for message in self.watch.spoken + self.written if message.ephemeral_to is None]

    def own_root(self, user: str, number: int) -> Message | None:
        """Return a message in one of somebody's own threads."""
        spoken = self.watch.spoken[-LATEST * 3 :]
        return pick([message for message in spoken if self.is_of(message, user)], number)

    def is_of(self, message: Message, user: str) -> bool:
        """Tell whose thread a message is in, by the words at its beginning."""
        if message.ephemeral_to is not None:
            return False
        root = self.slack.workspace.find(message.channel, message.root_ts)
        text = self.slack.text_of(root) if root else ""
        return next((self.words.typed[mark].author == user for mark in MARK.findall(text)), False)
