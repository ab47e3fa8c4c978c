"""Lets a Slack request in: is it for this workspace, who sent it, are they a member, and is it new?

One of the two places that create a `Member`. The dispatcher stores the request before this returns, and only then does
Slack get its answer (docs/architecture.md#rules-of-the-house). `admission` decides where Deputy may answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import structlog

from bot.domain.access.eligibility import ends_membership, home_team, judge
from bot.domain.dispatcher import Dispatcher
from bot.domain.ports import ChannelAudience, HomeWorkspace, People
from bot.model.commands import Command, DeactivateMember, HearMention, Place, Reply
from bot.model.errors import Refusal, Refused, SlackRejected, SlackUnavailable
from store.records import ChannelId, Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)

GROUP = "mpdm-"
"""Prefix of the names of group direct messages (docs/reference/slack.md#message-events)."""
Body = Mapping[str, Any]
"""A Slack payload: foreign JSON, of which any field may be missing or of another type."""


@dataclass(frozen=True, slots=True)
class Install:
    """Where Deputy is installed, as `auth.test` says."""

    app_id: str | None
    """None if Slack did not tell; then only the team is checked."""
    team_id: str
    enterprise_id: str | None
    bot_user_id: str
    is_org_wide: bool = False

    @property
    def home(self) -> HomeWorkspace:
        """Return the workspace whose members are served."""
        return HomeWorkspace(self.team_id, self.enterprise_id, self.is_org_wide)

    @property
    def workspace_id(self) -> WorkspaceId:
        """Return the key of everything a member owns."""
        return self.home.id


class Whose(Enum):
    """The installation that a request is for."""

    OURS = "ours"
    SISTERS = "sisters"
    """The same app in another workspace of our organisation, where our token does not work."""
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Asked:
    """A parsed request; who sent it is not verified yet."""

    key: str
    """Identifies the request, so that a repeated delivery of it is recognised."""
    unverified_user: UserId | None
    build: Callable[[Member], Command | None]
    place: Place | None = None
    is_answered: bool = False
    """A form that is answered in the same request, with problems at its fields."""
    is_stand_in: bool = False
    """An `app_mention`; the `message` event with the same key says more and is used if it comes in time."""
    needs_fresh: bool = False
    """A decision or a credential: the person is looked up again, not taken from the cache."""


class Intake:
    """Lets requests in. People are told of a refusal privately, once; bots get no reply at all."""

    def __init__(
        self,
        *,
        install: Install,
        people: People,
        dispatcher: Dispatcher,
        openness: Callable[[], Awaitable[ChannelAudience]],
        on_shared: Callable[[ChannelId], None] = lambda _: None,
    ) -> None:
        """`on_shared` is called with each channel that another organisation was let into."""
        self.install = install
        self._openness = openness
        self._people = people
        self._dispatcher = dispatcher
        self._on_shared = on_shared

    async def take(self, body: Body, asked: Asked | None) -> None:
        """Let one request in, or refuse it. Raises only if it could not be stored, so that Slack delivers it again."""
        if asked is None or asked.unverified_user is None:
            return
        if not await self._is_ours(body, asked):
            return
        # Taken before Slack is asked: somebody may be deactivated between its answer and the storing.
        judged_at = self._dispatcher.now()
        verdict = await self._judged(asked)
        if isinstance(verdict, Refused):
            await self._refuse(asked, verdict)
        elif command := asked.build(verdict):
            # Under a key of its own, so that the `message` event can still take the message's key.
            if asked.is_stand_in and isinstance(command, Reply):
                hear = HearMention(verdict, asked.key, command, judged_at.isoformat())
                await self._dispatcher.accept(f"mention:{asked.key}", hear, judged_at)
            else:
                await self._dispatcher.accept(asked.key, command, judged_at)

    async def take_form(self, body: Body, asked: Asked | None) -> dict[str, Any]:
        """Let a form in; return Slack's answer to it, empty to close it.

        Forms that are not answered in their own request are stored like other requests.
        """
        if asked is None:
            return {}
        if (belongs := whose(self.install, body)) is not Whose.OURS:
            log.warning("foreign_request", key=asked.key, whose=belongs.value)
            return self._dispatcher.denied(Refusal.OTHER_WORKSPACE) if belongs is Whose.SISTERS else {}
        if not asked.is_answered:
            await self.take(body, asked)
            return {}
        judged_at = self._dispatcher.now()
        verdict = await self._judged(asked)
        if isinstance(verdict, Refused):
            await self._refuse(asked, verdict)
            return {}
        command = asked.build(verdict)
        return await self._dispatcher.answer(command, judged_at) if command else {}

    async def take_change(self, body: Body, key: str, user_id: UserId) -> None:
        """Off-board somebody whose profile changed if they may no longer be served.

        Raises `SlackUnavailable` or `SlackRejected`, so that Slack delivers the event again.
        """
        if not is_for(self.install, body):
            return
        self._people.forget(user_id)
        # Not by the event's own copy of the profile: events come late and out of order.
        person = await self._people.person(user_id, is_fresh=True)
        if ends_membership(person, self.install.home, await self._openness()):
            await self._dispatcher.accept(key, DeactivateMember(self.install.workspace_id, user_id))

    def take_sharing(self, body: Body, channel: ChannelId) -> None:
        """Pass on that a channel is shared now. Nothing is stored: after a restart everything is checked anyway."""
        if is_for(self.install, body):
            self._on_shared(channel)

    async def take_notice(self, body: Body, key: str, command: Command) -> None:
        """Let in a request of Slack's own, such as that Deputy was removed; there is no person to verify."""
        if is_for(self.install, body):
            await self._dispatcher.accept(key, command)

    async def _is_ours(self, body: Body, asked: Asked) -> bool:
        """Tell whether a request is for this installation; somebody in a sister workspace is told if it is not."""
        belongs = whose(self.install, body)
        if belongs is Whose.OURS:
            return True
        log.warning("foreign_request", key=asked.key, whose=belongs.value)
        # Our token does not work in that workspace; only the request's own `response_url` does.
        if belongs is Whose.SISTERS and asked.place and asked.place.response_url and asked.unverified_user:
            refused = Refused(Refusal.OTHER_WORKSPACE)
            await self._dispatcher.refuse(asked.key, asked.unverified_user, asked.place, refused)
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
        # A reply could make another bot answer, without end.
        is_machine = refused.refusal is Refusal.BOT
        if asked.place and asked.unverified_user and not is_machine:
            await self._dispatcher.refuse(asked.key, asked.unverified_user, asked.place, refused)


def table(body: Body, name: str) -> Body:
    """Return an object in a payload; an empty one if it is missing or of another type."""
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def whose(install: Install, body: Body) -> Whose:
    """Tell which installation a payload of any kind is for; Bolt with one token does not check that.

    The most reliable part of a payload decides: the authorization that an event came under, else where the view's app
    is installed, else whose message was clicked, and last where the person is.
    """
    app_id = body.get("api_app_id")
    if install.app_id and app_id and app_id != install.app_id:
        return Whose.FOREIGN
    team, organisation = _installed_in(install, body)
    is_in_org = bool(install.enterprise_id) and install.enterprise_id in {organisation, team}
    # For an app installed on a whole organisation, a view may name the organisation instead of a workspace.
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

    In an organisation `team` is where the person is, and it may be null. A view says where its app is installed
    (docs/reference/slack.md#people), and so does a message that the app itself posted.
    """
    view, user, message = table(body, "view"), table(body, "user"), table(body, "message")
    if installed := view.get("app_installed_team_id"):
        return installed
    is_click = body.get("type") == "block_actions" and body.get("api_app_id")
    if is_click and message.get("app_id") == body.get("api_app_id"):
        if message.get("user") == install.bot_user_id:
            return install.team_id  # our own message, whoever presses its button from wherever
        if message.get("team"):
            return message.get("team")
    team = table(body, "team").get("id") or body.get("team_id")
    return team or user.get("team_id") or view.get("team_id")
