"""Decides whether a member may ask this agent here and now, and whether the answer may be shown here.

It is asked when a request comes in and again before its answer is shown, which may be hours later. The rules are in
`eligibility`, `policy` and `budgets`; this module fetches the facts that they need
(docs/decisions/0037-admission-is-judged-at-the-act.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import structlog
from cachetools import FIFOCache

from bot.config.model import DEFAULT_PROFILE, Config, Profile
from bot.domain.access import policy
from bot.domain.access.eligibility import CLOSED, judge, judge_channel, judge_sign_in, openness_of
from bot.domain.access.post_failures import refusal_of
from bot.domain.budgets import limits
from bot.domain.context import DomainContext
from bot.domain.filters.engine import may_be_sent
from bot.domain.ports import ChannelAudience, ChannelInfo, HomeWorkspace, PersonInfo
from bot.model.commands import Place
from bot.model.errors import (
    GIVEN_MAX,
    NAMED_MAX,
    Allowed,
    Judgement,
    Misunderstood,
    NotPermitted,
    Refusal,
    Refused,
    SettingsInvalid,
    SlackRejected,
    SlackUnavailable,
)
from store import spending
from store.database import Tx
from store.records import ChannelId, Member, ServiceName, Thread, Turn

log = structlog.get_logger(__name__)


DOUBTED_MAX = 1_000
"""Channels for which we remember that their readers have changed."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A turn that may start: the settings that it starts with, and the US cents that it may cost."""

    config: Config
    cents: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What Slack says at this moment about a thread's owner and its channel (None in direct messages)."""

    person: PersonInfo | None
    conversation: ChannelInfo | None


def judge_audience(config: Config, thread: Thread, facts: Facts, home: HomeWorkspace) -> Judgement:
    """Decide whether an answer to a thread's owner may be shown in the thread; asked before anything is posted."""
    openness = openness_of(config)
    refused = judge(facts.person, home, openness)
    if refused is None and not thread.is_private:
        refused = judge_channel(facts.conversation, openness)
    return policy.may_answer_in(config, thread) if refused is None else refused


class Admission:
    """The check before a turn starts, and before anything of it is shown."""

    def __init__(self, context: DomainContext) -> None:
        self._database, self._clock = context.database, context.clock
        self._people, self._home = context.people, context.workspace
        self._supervisor = context.supervisor
        self._configuration = context.config
        self._doubts = 0
        self._doubted = FIFOCache[ChannelId, int](DOUBTED_MAX)  # answers check again within a minute anyway

    def doubt(self, channel: ChannelId) -> None:
        """Make every answer in a channel check its readers again before it shows more: Slack says they have changed."""
        self._doubts += 1
        self._doubted[channel] = self._doubts
        self._supervisor.wake_all()

    async def read_openness(self) -> ChannelAudience:
        """Return whom admins let in; where their settings cannot be read, nobody but full members."""
        try:
            return openness_of(await self._configuration.read(self._home.id))
        except SettingsInvalid:
            return CLOSED

    def signs(self, thread: Thread) -> tuple[int, Config | None]:
        """Return a value that changes whenever a thread's readers may have changed; it makes no call."""
        return self._doubted.get(thread.channel, 0), self._configuration.last_read(thread.owner.workspace_id)

    async def choose(self, member: Member, asked_in: Place, wanted: str | None) -> str:
        """Return the name of the agent for a new thread: the one asked for, else the channel's, else the default.

        Raises `Misunderstood` if there is no agent of this name.
        """
        config = await self._configuration.read(member.workspace_id)
        # A channel's agent holds also for answers in private: what counts is where it was asked.
        bound = None if asked_in.is_direct else config.channel(asked_in.channel).profile
        name = wanted or bound or DEFAULT_PROFILE
        if config.profile(name) is None:
            near = get_close_matches(name.lower(), config.profile_names, n=2, cutoff=0.5)
            raise Misunderstood("profile", name[:GIVEN_MAX], tuple(near) or config.profile_names[:NAMED_MAX])
        return name

    async def require(self, thread: Thread) -> None:
        """Raise `NotPermitted` if the owner may not ask in this thread now, or if a budget is used up."""
        facts = await self._facts(thread)
        async with self._database.transaction() as tx:
            await self._judge(tx, thread, facts)

    async def require_audience(self, thread: Thread) -> None:
        """Raise `NotPermitted` if nothing of the thread may be shown now. To be called right before showing."""
        facts = await self._facts(thread, is_fresh=True)
        config = await self._configuration.read(thread.owner.workspace_id)
        policy.require(judge_audience(config, thread, facts, self._home))

    async def is_seen(self, channel: ChannelId) -> bool:
        """Tell whether Deputy can see a channel, and so could answer there."""
        try:
            return await self._people.conversation(channel) is not None
        except SlackRejected as error:
            log.warning("not_verifiable", code=error.code)
            return False

    def require_sign_in(self, member: Member) -> None:
        """Raise `NotPermitted` if the member can connect nothing, since Slack would not sign them in here."""
        policy.require(judge_sign_in(member, self._home) or Allowed())

    async def connecting(self, member: Member) -> Callable[[ServiceName], Judgement]:
        """Return a function that decides, by the current settings, whether the member may connect a service."""
        if (refused := judge_sign_in(member, self._home)) is not None:
            return lambda _: refused
        config = await self._configuration.read(member.workspace_id)
        is_admin = self._configuration.is_admin(config, member.user_id)
        return lambda service: policy.may_connect(config, member, service, is_admin=is_admin)

    async def require_connecting(self, member: Member, service: ServiceName) -> None:
        """Raise `NotPermitted` if the member may not connect the service now, by the settings and by Slack."""
        try:
            person = await self._people.person(member.user_id, is_fresh=True)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("not_verifiable", error=type(error).__name__)
            raise NotPermitted(Refused(Refusal.UNVERIFIABLE)) from error
        config = await self._configuration.read(member.workspace_id)
        # The browser may have been at the service for minutes; they may have left meanwhile.
        refused = judge(person, self._home, openness_of(config))
        policy.require((await self.connecting(member))(service) if refused is None else refused)

    async def admit(self, thread: Thread, turn: Turn) -> Admitted:
        """Set aside what a turn may cost, once: after a restart it returns the same amount. Raises `NotPermitted`.

        It does not check the audience: the turn's driver has just called `require_audience`.
        """
        async with self._database.transaction() as tx:
            # After a restart the turn is not charged a second time, and not cut short by others' spending since.
            before = await spending.allowance(tx, turn.id)
            if before is not None:
                return Admitted(await self._allowed(tx, thread), int(before))
            admitted = await self._judge(tx, thread, None, turn)
            # Again: the turn may have waited in the queue while an admin added a filter.
            policy.require(may_be_sent(admitted.config, turn.task))
            await spending.allow(tx, turn.id, admitted.cents)
        return admitted

    async def _facts(self, thread: Thread, *, is_fresh: bool = False) -> Facts:
        """Ask Slack about a thread's owner and channel.

        `is_fresh` skips the cache for the owner; right after the intake, which has just asked, that is not needed.
        """
        try:
            person = await self._people.person(thread.owner.user_id, is_fresh=is_fresh)
            # Nobody else reads our direct messages, so there is nothing to ask about them.
            conversation = None if thread.is_private else await self._people.conversation(thread.channel)
        except SlackRejected as error:
            # If Slack does not say, we deny. Whoever runs Deputy finds a missing scope in the log.
            log.warning("not_verifiable", thread=thread.id, code=error.code)
            refusal = refusal_of(error.code)
            unknown = refusal if refusal is Refusal.SCOPE_MISSING else Refusal.UNVERIFIABLE
            raise NotPermitted(Refused(unknown)) from error
        return Facts(person, conversation)

    async def _judge(self, tx: Tx, thread: Thread, facts: Facts | None, turn: Turn | None = None) -> Admitted:
        config = await self._allowed(tx, thread)
        if facts is not None:
            policy.require(judge_audience(config, thread, facts, self._home))
        since = limits.month_of(self._clock.now())
        # In the transaction that sets the money aside, so that two turns cannot both take the last of it.
        spent = await spending.spent(tx, thread, since, but=turn.id if turn else None)
        cents = limits.allowance(config, config.profile(thread.profile) or Profile(), thread, spent)
        if isinstance(cents, Refused):
            raise NotPermitted(cents)
        return Admitted(config, cents)

    async def _allowed(self, tx: Tx, thread: Thread) -> Config:
        """Return the settings that this transaction sees. Raises `NotPermitted` if they forbid it, budgets aside."""
        config = await self._configuration.read_in(tx, thread.owner.workspace_id)
        is_admin = self._configuration.is_admin(config, thread.owner.user_id)
        channel, profile = thread.paying_channel, thread.profile
        policy.require(policy.may_ask(config, thread.owner, is_admin=is_admin, channel=channel, profile=profile))
        return config
