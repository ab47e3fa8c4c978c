"""Whether somebody may ask here, now, of this agent, and for how much: asked when they ask and again when it starts.

The rules are `policy`'s and `budgets`'; this fetches what they need and keeps what was allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from bot.commands import Place
from bot.config.model import DEFAULT_PROFILE, Config, Profile
from bot.domain import budgets, policy
from bot.domain.configuration import Configuration
from bot.domain.filters import may_be_sent
from bot.domain.ports import Clock
from bot.errors import Misunderstood, NotPermitted, Refused
from store import spending
from store.database import Database, Tx
from store.records import Member, ServiceName, Thread, Turn


@dataclass(frozen=True, slots=True)
class Admitted:
    """A turn that may start: with which settings, and for how many US cents at most."""

    config: Config
    cents: int


class Admission:
    """The gate before a turn."""

    def __init__(self, *, database: Database, configuration: Configuration, clock: Clock) -> None:
        self._database = database
        self._configuration = configuration
        self._clock = clock

    async def choose(self, member: Member, place: Place, wanted: str | None) -> str:
        """Return the name of the agent for a new thread: the wanted one, else the channel's.

        Raises `Misunderstood` for one that is not there, `NotPermitted`.
        """
        config = await self._configuration.read(member.workspace_id)
        bound = None if place.is_direct else config.channel(place.channel).profile
        name = wanted or bound or DEFAULT_PROFILE
        if config.profile(name) is None:
            near = get_close_matches(name.lower(), config.profile_names, n=2, cutoff=0.5)
            raise Misunderstood("profile", name[:60], tuple(near) or config.profile_names[:5])
        self._require(config, member, name, place)
        return name

    async def require(self, thread: Thread) -> None:
        """Raise `NotPermitted` where the owner may not ask in this thread now, or a budget is used up."""
        async with self._database.transaction() as tx:
            await self._judge(tx, thread, None)

    async def connecting(self, member: Member) -> Callable[[ServiceName], policy.Verdict]:
        """Return what says for each service whether the member may connect it, by the settings of now."""
        config = await self._configuration.read(member.workspace_id)
        is_admin = self._configuration.is_admin(config, member.user_id)
        return lambda service: policy.may_connect(config, member, service, is_admin=is_admin)

    async def admit(self, thread: Thread, turn: Turn) -> Admitted:
        """Set aside what a turn may cost, once; after a restart it is what it was. Raises `NotPermitted`."""
        async with self._database.transaction() as tx:
            before = await spending.allowance(tx, turn.id)
            if before is not None:
                return Admitted(await self._allowed(tx, thread), int(before))
            admitted = await self._judge(tx, thread, turn)
            policy.require(may_be_sent(admitted.config, turn.task))
            await spending.allow(tx, turn.id, admitted.cents)
        return admitted

    async def _judge(self, tx: Tx, thread: Thread, turn: Turn | None) -> Admitted:
        config = await self._allowed(tx, thread)
        since = budgets.month_of(self._clock.now())
        spent = await spending.spent(tx, thread, since, but=turn.id if turn else None)
        cents = budgets.allowance(config, config.profile(thread.profile) or Profile(), thread, spent)
        if isinstance(cents, Refused):
            raise NotPermitted(cents)
        return Admitted(config, cents)

    async def _allowed(self, tx: Tx, thread: Thread) -> Config:
        config = await self._configuration.read_in(tx, thread.owner.workspace_id)
        self._require(config, thread.owner, thread.profile, Place(thread.channel, is_direct=thread.is_private))
        return config

    def _require(self, config: Config, member: Member, profile: str, place: Place) -> None:
        is_admin = self._configuration.is_admin(config, member.user_id)
        channel = None if place.is_direct else place.channel
        policy.require(policy.may_ask(config, member, is_admin=is_admin, channel=channel, profile=profile))
