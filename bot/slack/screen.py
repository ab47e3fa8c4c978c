"""What people see in one workspace: implements the `Screen` port with messages, modals and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog

from bot.domain.ports import SEARCHED_BACK
from bot.model.commands import OpenAskForm, Place, ShowApproval
from bot.model.config_views import Panel, Wrong
from bot.model.errors import Refused, SlackRejected, SlackUnavailable
from bot.model.notices import (
    ApprovalWaiting,
    AsideSettled,
    Held,
    Home,
    Notice,
    Offered,
    RaiseAnswered,
    SecondAsked,
    ServiceChoice,
)
from bot.renderers.answer_frame import render_control, render_root
from bot.renderers.approval_card import render_card, render_details, render_reason_form, render_second
from bot.renderers.block_kit import Message
from bot.renderers.config_modals import render_panel, render_wrong
from bot.renderers.home import render_home
from bot.renderers.member_forms import render_ask_form, render_code_form, render_token_form
from bot.renderers.notices import render_notice
from bot.slack.answer.message import AnswerContext
from bot.slack.answer.unposted import UnpostedMessages
from bot.slack.answer.writer import StreamedAnswer
from bot.slack.context import SlackContext
from bot.slack.conversations import Conversations
from bot.slack.messages import Messages
from bot.slack.readers import ChannelAudiences
from bot.worker_thread import run_in_thread
from store.ids import new_id
from store.records import Approval, ChannelId, Member, MessageRef, MessageTs, Thread, TicketId, Turn, UserId

_log = structlog.get_logger(__name__)

# From so many waiting posts on, a channel counts as busy; one person who writes quickly stays below.
_CROWD = 3
# Notices that replace the private message whose button was pressed.
_IN_PLACE = (AsideSettled, RaiseAnswered)


class SlackScreen:
    """The `Screen` port for one workspace's token."""

    def __init__(
        self,
        context: SlackContext,
        *,
        titles: Mapping[str, str],
        unposted: UnpostedMessages,
        conversations: Conversations,
    ) -> None:
        self._context = context
        self._api, self._clock = context.api, context.clock
        self._messages = Messages(context.api)
        self._readers = ChannelAudiences(context.api, conversations)
        self._titles = titles
        self._direct: dict[UserId, ChannelId] = {}
        self._unposted = unposted

    async def post_root(self, thread: Thread, task: str, offered: Offered) -> MessageTs:
        """Post the message that starts a thread, or find the one that was posted before a crash."""
        # Known by what this process has tried to post, not by ages: clocks differ
        # (docs/decisions/0034-no-decision-compares-two-clocks.md).
        if self._unposted.may_exist(thread.id):
            found = await self._messages.find(thread.channel, None, thread.id, thread.created_at)
            if found is not None:
                return found
        readers = None if thread.is_private else await self._readers.of(thread.channel)
        message = render_root(thread, task, offered, self._titles, readers)
        # Before the call: once it is under way, the message may exist.
        self._unposted.try_to_post(thread.id)
        return (await self._messages.post(thread.channel, message, marker=thread.id, since=thread.created_at)).ts

    async def open_answer(self, thread: Thread, turn: Turn) -> StreamedAnswer:
        """Return the writer of a turn's answer; it takes up what an earlier process left."""
        context = AnswerContext(slack=self._context, messages=self._messages, thread=thread, turn=turn)
        answer = StreamedAnswer(context, self._titles)
        await answer.recover()
        return answer

    async def post_control(self, thread: Thread, turn: Turn, is_queued: bool) -> MessageRef | None:
        """Post the line with the Stop button, or update it once the turn is no longer queued."""
        ref = turn.notice or await self._lost_control(thread, turn)
        # In direct messages Slack shows a Stop button of its own while a turn runs.
        if thread.is_private and not is_queued:
            await self._delete(ref)
            return None
        readers = await self._readers.of(thread.channel) if _is_begun_by(thread, turn) else None
        is_among_people = turn.source is not None and turn.source.ts != thread.thread_ts
        message = render_control(turn, is_queued=is_queued, readers=readers, is_among_people=is_among_people)
        if ref is None and not is_queued and self._api.waiting("chat.postMessage", channel=thread.channel) >= _CROWD:
            # Few posts are left here and the answer needs them more. The word `stop`, the command and Slack's own
            # button still stop the turn.
            return None
        if ref is not None:
            await self._messages.update(ref, message, marker=_control_of(turn))
            return ref
        self._unposted.try_to_post(_control_of(turn))
        return await self._messages.post(
            thread.channel, message, marker=_control_of(turn), since=turn.created_at, thread_ts=thread.thread_ts
        )

    async def remove_control(self, thread: Thread, turn: Turn) -> None:
        """Delete the line with the Stop button. Idempotent."""
        await self._delete(turn.notice or await self._lost_control(thread, turn))

    async def post_card(self, thread: Thread, held: tuple[Held, ...]) -> MessageRef:
        """Post the card for held calls, or find the one that was posted before a crash and update it."""
        marker = held[0].approval.id
        if ref := await self._find(thread, marker, thread.created_at):
            await self.update_card(thread, ref, held)
            return ref
        # In a worker thread: drawing large arguments takes long, and would hold up everybody's events.
        card = await run_in_thread(lambda: render_card(thread, held, self._titles))
        return await self._messages.post(
            thread.channel, card, marker=marker, since=self._clock.now(), thread_ts=thread.thread_ts
        )

    async def find_card(self, thread: Thread, approval: Approval) -> MessageRef | None:
        """Return the card that was posted for this call before a crash, None if there is none."""
        return await self._find(thread, approval.id, thread.created_at)

    async def update_card(self, thread: Thread, ref: MessageRef, held: tuple[Held, ...]) -> None:
        """Replace a card: decided calls become a record without buttons."""
        card = await run_in_thread(lambda: render_card(thread, held, self._titles))
        await self._messages.update(ref, card, marker=held[0].approval.id)

    async def show_call(self, command: ShowApproval, thread: Thread, held: Held) -> None:
        """Open one page of a call's arguments in a modal, or turn an open modal to it."""
        reader = command.member.user_id
        view = await run_in_thread(lambda: render_details(thread, held, self._titles, command.page, reader))
        if command.view_id:
            await self._messages.update_modal(command.view_id, view)
        else:
            await self._messages.open_modal(command.trigger_id, view)

    async def ask_second(
        self, user_id: UserId, notice: SecondAsked, replacing: MessageRef | None = None
    ) -> MessageRef | None:
        """Ask a second approver by direct message, or replace the one they got; None if Slack cannot reach them."""
        words = render_second(notice, self._titles)
        marker = f"{notice.held.approval.id}:{user_id}"
        if replacing is not None:
            await self._messages.update(replacing, words, marker=marker)
            return replacing
        channel = await self._messages.open_direct(user_id)
        if found := await self._messages.find(channel, None, marker, self._clock.now() - SEARCHED_BACK):
            return MessageRef(channel, found)
        return await self._messages.post(channel, words, marker=marker, since=self._clock.now())

    async def alert(
        self, user_id: UserId, notice: Notice, replacing: MessageRef | None = None, marker: str | None = None
    ) -> MessageRef:
        """Send a direct message to somebody named in the settings, or replace an earlier one.

        With `marker`, a message that was sent with it before a crash is found and replaced.
        """
        words, mark = await self._words(notice), marker or new_id("msg")
        if replacing is None:
            channel, since = await self._messages.open_direct(user_id), self._clock.now()
            found = await self._messages.find(channel, None, mark, since - SEARCHED_BACK) if marker else None
            if found is None:
                return await self._messages.post(channel, words, marker=mark, since=since)
            replacing = MessageRef(channel, found)
        await self._messages.update(replacing, words, marker=mark)
        return replacing

    async def ask_reason(self, trigger_id: str, approval: Approval) -> None:
        """Open the form for denying with a reason."""
        await self._messages.open_modal(trigger_id, render_reason_form(approval, self._titles))

    async def ask_task(self, command: OpenAskForm, quote_id: str | None = None) -> None:
        """Open the form for a task; `quote_id` is the id of the stored message that it is about."""
        where = asdict(command.place)
        if command.quoted:
            about = asdict(command.about) if command.about else None
            where |= {"quote": quote_id, "about": about}
        if command.is_private or command.profile:
            where |= {"is_private": command.is_private, "profile": command.profile}
        await self._messages.open_modal(command.trigger_id, render_ask_form(where, command.quoted))

    async def ask_token(self, trigger_id: str, service: ServiceChoice, mcp_url: str, page: str | None) -> None:
        """Open the form for a personal token."""
        host = urlsplit(mcp_url).hostname or ""
        await self._messages.open_modal(trigger_id, render_token_form(service, host, page))

    async def ask_code(self, trigger_id: str, ticket_id: TicketId, service: str) -> None:
        """Open the form for the code that a member's browser shows."""
        await self._messages.open_modal(trigger_id, render_code_form(ticket_id, service))

    async def open_panel(self, trigger_id: str, panel: Panel) -> None:
        """Open the settings, or a part of them, as a modal."""
        await self._messages.open_modal(trigger_id, render_panel(panel))

    async def push_panel(self, trigger_id: str, panel: Panel) -> None:
        """Show a panel in a modal on top of the one that was pressed."""
        await self._messages.push_modal(trigger_id, render_panel(panel))

    async def update_panel(self, view_id: str, panel: Panel) -> None:
        """Replace what an open modal shows by a panel."""
        await self._messages.update_modal(view_id, render_panel(panel))

    def drawn(self, panel: Panel) -> dict[str, Any]:
        """Return a panel as a view, for the answer to a form."""
        return render_panel(panel)

    def faults(self, wrong: Wrong) -> dict[str, str]:
        """Return the errors at a form's fields, for the answer to it."""
        return render_wrong(wrong)

    async def tell(self, member: Member, place: Place, notice: Notice) -> None:
        """Tell one person something privately at a place, or by direct message if that is impossible there."""
        message = await self._words(notice)
        if isinstance(notice, _IN_PLACE) and await self._rewrote(place, message):
            return
        try:
            await self._messages.whisper(member.user_id, place.channel, place.thread_ts, message)
        except SlackRejected:
            await self._answer_or_message(member, place, message)

    async def refuse(self, user_id: UserId, place: Place, refused: Refused) -> None:
        """Tell somebody who is not a member why they are refused; only they see it, or nobody."""
        message = render_notice(refused, self._titles)
        try:
            if place.response_url and self._is_slack(place.response_url):
                await self._messages.respond(place.response_url, message)
            else:
                await self._messages.whisper(user_id, place.channel, place.thread_ts, message)
        except SlackRejected as error:
            _log.info("slack.refusal_not_shown", code=error.code)

    async def direct_channel(self, member: Member) -> ChannelId:
        """Return the channel of the direct messages with this member."""
        if member.user_id not in self._direct:
            self._direct[member.user_id] = await self._messages.open_direct(member.user_id)
        return self._direct[member.user_id]

    async def message(self, member: Member, notice: Notice, replacing: MessageRef | None = None) -> MessageRef:
        """Send a direct message, or replace an earlier one if it is still there."""
        words = await self._words(notice)
        if replacing is not None and await self._is_rewritten(replacing, words):
            return replacing
        return await self._send(member, words)

    async def message_once(
        self, member: Member, notice: Notice, marker: str, since: datetime, replacing: MessageRef | None = None
    ) -> None:
        """Replace an earlier direct message, or send one with the id `marker` unless it was sent since `since`."""
        words = await self._words(notice)
        if replacing is not None and await self._is_rewritten(replacing, words):
            return
        channel = await self.direct_channel(member)
        if not await self._messages.find(channel, None, marker, since):
            await self._messages.post(channel, words, marker=marker, since=since)

    async def _is_rewritten(self, ref: MessageRef, words: Message) -> bool:
        """Replace a direct message; return False if it is gone."""
        try:
            await self._messages.update(ref, words, marker=new_id("msg"))
        except SlackRejected:
            return False
        return True

    async def publish_home(self, member: Member, home: Home) -> None:
        """Publish the member's App Home."""
        view = render_home(home, self._titles, await self._messages.team_url())
        await self._messages.publish(member.user_id, view)

    async def _rewrote(self, place: Place, message: Message) -> bool:
        """Replace the private message whose button was pressed, so that its buttons go; return False if that failed."""
        if not place.response_url or not self._is_slack(place.response_url):
            return False
        try:
            await self._messages.respond(place.response_url, message, is_replacing=True)
        except (SlackRejected, SlackUnavailable):
            return False
        return True

    async def _answer_or_message(self, member: Member, place: Place, message: Message) -> None:
        if place.response_url and self._is_slack(place.response_url):
            try:
                await self._messages.respond(place.response_url, message)
            except (SlackRejected, SlackUnavailable):
                await self._send(member, message)
        else:
            await self._send(member, message)

    async def _send(self, member: Member, message: Message) -> MessageRef:
        channel = await self.direct_channel(member)
        return await self._messages.post(channel, message, marker=new_id("msg"), since=self._clock.now())

    async def _words(self, notice: Notice) -> Message:
        link = await self._link_of(notice) if isinstance(notice, ApprovalWaiting) else None
        return render_notice(notice, self._titles, link=link)

    async def _link_of(self, notice: ApprovalWaiting) -> str | None:
        if notice.approval.card is None:
            return None
        try:
            return await self._messages.permalink(notice.approval.card)
        except SlackRejected:
            return None

    async def _lost_control(self, thread: Thread, turn: Turn) -> MessageRef | None:
        marker = _control_of(turn)
        return await self._find(thread, marker, turn.created_at) if self._unposted.may_exist(marker) else None

    async def _find(self, thread: Thread, marker: str, since: datetime) -> MessageRef | None:
        found = await self._messages.find(thread.channel, thread.thread_ts, marker, since)
        return MessageRef(thread.channel, found) if found else None

    async def _delete(self, ref: MessageRef | None) -> None:
        if ref is not None:
            await self._messages.delete(ref)

    def _is_slack(self, url: str) -> bool:
        """Tell whether an address that came with a request is Slack's own (docs/reference/slack.md#interactions)."""
        given, own = urlsplit(url), urlsplit(self._api.base_url)
        # The SDK would call any address that a payload names, and with it send a member's words there.
        if given.scheme == "https" and given.hostname == "hooks.slack.com":
            return True
        return own.hostname != "slack.com" and (given.scheme, given.netloc) == (own.scheme, own.netloc)


def _is_begun_by(thread: Thread, turn: Turn) -> bool:
    """Tell whether a turn began its thread with the owner's own message: no root of ours says there who reads along."""
    is_first = turn.id.partition("_")[2] == thread.id.partition("_")[2]  # both are named after one delivery
    return turn.source is not None and is_first


def _control_of(turn: Turn) -> str:
    return f"control:{turn.id}"
