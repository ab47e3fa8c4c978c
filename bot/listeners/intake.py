"""Lets a Slack request in: is it for this workspace, who sent it, are they a member, and is it new?

One of the two places that create a `Member`. The dispatcher stores what is let in before this returns, and only then
is Slack answered (docs/architecture.md#rules-of-the-house). `admission` decides where Deputy may answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import structlog

from bot.domain.access.eligibility import HomeWorkspace, ends_membership, home_team, judge
from bot.domain.dispatcher import Dispatcher
from bot.domain.ports import ChannelAudience, People
from bot.model.commands import Command, DeactivateMember, HearMention, Place, Reply
from bot.model.errors import Refusal, Refused, SlackRejected, SlackUnavailable
from store.records import ChannelId, Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)

GROUP = "mpdm-"
"""What the name of a group's direct messages begins with (docs/reference/slack.md#message-events)."""
Body = Mapping[str, Any]
"""A Slack payload: JSON of somebody else's, read with care."""


@dataclass(frozen=True, slots=True)
class Install:
    """Where Deputy is installed, as `auth.test` says."""

    app_id: str | None
    """None when Slack did not tell; then the team alone is checked."""
    team_id: str
    enterprise_id: str | None
    bot_user_id: str
    is_org_wide: bool = False

    @property
    def home(self) -> HomeWorkspace:
        """Return whose members are served."""
        return HomeWorkspace(self.team_id, self.enterprise_id)

    @property
    def workspace_id(self) -> WorkspaceId:
        """Return the key of everything a member owns (docs/reference/slack.md#people)."""
        return WorkspaceId(self.enterprise_id if self.is_org_wide and self.enterprise_id else self.team_id)


class Whose(Enum):
    """Which installation a request is for."""

    OURS = "ours"
    SISTERS = "sisters"
    """The same app's in another workspace of our organisation, where this token cannot act."""
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Asked:
    """A parsed request whose asker is still a claim."""

    key: str
    """Names the request, so that a second copy of it is known as one."""
    unverified_user: UserId | None
    build: Callable[[Member], Command | None]
    place: Place | None = None
    is_answered: bool = False
    """True for forms whose answer is in the same request: what is wrong stands at its field."""
    is_stand_in: bool = False
    """True for a mention by itself: the message with the same key says more, and goes first if it comes in time."""
    needs_fresh: bool = False
    """True where what is known of a person must be fresh: decisions and credentials."""


class Intake:
    """Lets requests in. Refusals are told privately, once; machines are not talked to at all."""

    def __init__(
        self,
        *,
        install: Install,
        people: People,
        desk: Dispatcher,
        openness: Callable[[], Awaitable[ChannelAudience]],
        on_shared: Callable[[ChannelId], None] = lambda _: None,
    ) -> None:
        """`on_shared` is told of a channel that another organisation reads from now on."""
        self.install = install
        self._openness = openness
        self._people = people
        self._desk = desk
        self._on_shared = on_shared

    async def take(self, body: Body, asked: Asked | None) -> None:
        """Let one request in, or refuse it. Raises only when it could not be stored: Slack then tries again."""
        if asked is None or asked.unverified_user is None:
            return
        if not await self._is_ours(body, asked):
            return
        judged_at = self._desk.now()
        verdict = await self._judged(asked)
        if isinstance(verdict, Refused):
            await self._refuse(asked, verdict)
        elif command := asked.build(verdict):
            if asked.is_stand_in and isinstance(command, Reply):
                hear = HearMention(verdict, asked.key, command, judged_at.isoformat())
                await self._desk.accept(f"mention:{asked.key}", hear, judged_at)
            else:
                await self._desk.accept(asked.key, command, judged_at)

    async def take_form(self, body: Body, asked: Asked | None) -> dict[str, Any]:
        """Let a form in that is answered at once; an empty answer closes it. The rest is kept as other requests are."""
        if asked is None:
            return {}
        if (belongs := whose(self.install, body)) is not Whose.OURS:
            log.warning("foreign_request", key=asked.key, whose=belongs.value)
            return self._desk.denied(Refusal.OTHER_WORKSPACE) if belongs is Whose.SISTERS else {}
        if not asked.is_answered:
            await self.take(body, asked)
            return {}
        judged_at = self._desk.now()
        verdict = await self._judged(asked)
        if isinstance(verdict, Refused):
            await self._refuse(asked, verdict)
            return {}
        command = asked.build(verdict)
        return await self._desk.answer(command, judged_at) if command else {}

    async def take_change(self, body: Body, key: str, user_id: UserId) -> None:
        """Slack says that somebody changed: who may not be served any more, by the settings of now, is off-boarded.

        Slack is asked afresh, for events come late and out of order. Raises what makes Slack deliver it again.
        """
        if not is_for(self.install, body):
            return
        self._people.forget(user_id)
        person = await self._people.person(user_id, is_fresh=True)
        if ends_membership(person, self.install.home, await self._openness()):
            await self._desk.accept(key, DeactivateMember(self.install.workspace_id, user_id))

    def take_sharing(self, body: Body, channel: ChannelId) -> None:
        """Slack says that a channel is shared now. Nothing is stored: after a restart everything is judged anyway."""
        if is_for(self.install, body):
            self._on_shared(channel)

    async def take_notice(self, body: Body, key: str, command: Command) -> None:
        """Let in what Slack itself says (somebody was deactivated): there is no asker to judge."""
        if is_for(self.install, body):
            await self._desk.accept(key, command)

    async def _is_ours(self, body: Body, asked: Asked) -> bool:
        """Tell whether a request is for this installation; who waits for an answer in a sister workspace gets one."""
        belongs = whose(self.install, body)
        if belongs is Whose.OURS:
            return True
        log.warning("foreign_request", key=asked.key, whose=belongs.value)
        # Slack's own address for the answer is all that works there: this token does not.
        if belongs is Whose.SISTERS and asked.place and asked.place.response_url and asked.unverified_user:
            refused = Refused(Refusal.OTHER_WORKSPACE)
            await self._desk.refuse(asked.key, asked.unverified_user, asked.place, refused)
        return False

    async def _judged(self, asked: Asked) -> Member | Refused:
        try:
            person = await self._people.person(asked.unverified_user or UserId(""), is_fresh=asked.needs_fresh)
            refused = judge(person, self.install.home, await self._openness())
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("not_verifiable", key=asked.key, error=type(error).__name__)
            return Refused(Refusal.UNVERIFIABLE)
        if refused is not None or person is None:
            return Refused(Refusal.UNVERIFIABLE) if refused is None else refused
        team_id = home_team(person, self.install.home)
        return Member(self.install.workspace_id, person.user_id, team_id, person.name)

    async def _refuse(self, asked: Asked, refused: Refused) -> None:
        log.info("refused", key=asked.key, refusal=refused.refusal)
        is_machine = refused.refusal is Refusal.BOT
        if asked.place and asked.unverified_user and not is_machine:
            await self._desk.refuse(asked.key, asked.unverified_user, asked.place, refused)


def table(body: Body, name: str) -> Body:
    """Return a table of a payload, an empty one where there is none or something else."""
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def whose(install: Install, body: Body) -> Whose:
    """Tell whose request it is; Bolt with one token does not check. Every kind of payload is judged here.

    What it says of its app decides, in the order of how surely it does: the authorization that an event came under,
    where the view's app is installed, whose message was clicked, and last where the person is.
    """
    app_id = body.get("api_app_id")
    if install.app_id and app_id and app_id != install.app_id:
        return Whose.FOREIGN
    team, organisation = _installed_in(install, body)
    is_in_org = bool(install.enterprise_id) and install.enterprise_id in {organisation, team}
    # Of an app of the whole organisation a view may say the organisation in place of a workspace.
    if (install.team_id and team == install.team_id) or (is_in_org and install.is_org_wide):
        return Whose.OURS
    return Whose.SISTERS if is_in_org else Whose.FOREIGN


def is_for(install: Install, body: Body) -> bool:
    """Tell whether the request is for this app in this workspace."""
    return whose(install, body) is Whose.OURS


def _installed_in(install: Install, body: Body) -> tuple[object, object]:
    """Return the workspace and the organisation that a request is for."""
    authorizations = body.get("authorizations")
    first = authorizations[0] if isinstance(authorizations, list) and authorizations else None
    if isinstance(first, Mapping) and (first.get("team_id") or first.get("enterprise_id")):
        return first.get("team_id"), first.get("enterprise_id")
    named = table(body, "enterprise").get("id") or body.get("enterprise_id")
    return _installed_team(install, body), named or table(body, "team").get("enterprise_id")


def _installed_team(install: Install, body: Body) -> object:
    """Return the workspace that a command or an interaction is for.

    In an organisation `team` is where the person is, and may be null; where a view's app is installed, the view says
    (as Bolt reads it, docs/reference/slack.md#people), and of a message that the app itself posted, the message.
    """
    view, user, message = table(body, "view"), table(body, "user"), table(body, "message")
    if installed := view.get("app_installed_team_id"):
        return installed
    is_click = body.get("type") == "block_actions" and body.get("api_app_id")
    if is_click and message.get("app_id") == body.get("api_app_id"):
        if message.get("user") == install.bot_user_id:
            return install.team_id  # our own words, whoever presses what is under them, and wherever they are
        if message.get("team"):
            return message.get("team")
    team = table(body, "team").get("id") or body.get("team_id")
    return team or user.get("team_id") or view.get("team_id")
