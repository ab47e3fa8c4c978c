"""Who may do what: small pure functions that return `Allowed` or `Refused(reason)`.

The rules are in docs/security.md#who-acts. Callers pass in all the facts.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bot.config.model import Config, is_among
from bot.model.errors import Allowed, Judgement, NotPermitted, Refusal, Refused
from store.records import Approval, ApprovalState, ChannelId, Member, SecondView, ServiceName, Thread, Turn, UserId


def require(judgement: Judgement) -> None:
    """Raise `NotPermitted` for a refusal."""
    if isinstance(judgement, Refused):
        raise NotPermitted(judgement)


def is_same_person(one: Member, other: Member) -> bool:
    """Tell whether two members are the same person, by workspace and user id; names and teams may change."""
    return (one.workspace_id, one.user_id) == (other.workspace_id, other.user_id)


def may_ask(config: Config, member: Member, *, is_admin: bool, channel: ChannelId | None, profile: str) -> Judgement:
    """Decide whether a member may ask an agent in a channel (None: direct messages).

    Kill switches come first, then the channel, then the agent. Nobody may use an agent that was removed.
    """
    if config.is_paused:
        return Refused(Refusal.ALL_PAUSED)
    if config.member(member.user_id).is_paused:
        return Refused(Refusal.MEMBER_PAUSED)
    if channel and not is_among(config.channel(channel).who_may_ask, member.user_id, is_admin=is_admin):
        return Refused(Refusal.MAY_NOT_ASK_HERE)
    found = config.profile(profile)
    if found is None or not is_among(found.who_may_use, member.user_id, is_admin=is_admin):
        return Refused(Refusal.MAY_NOT_USE_PROFILE)
    return Allowed()


def may_connect(config: Config, member: Member, service: ServiceName, *, is_admin: bool) -> Judgement:
    """Decide whether a member may connect a service: kill switches first, then who the service is open to."""
    if config.is_paused:
        return Refused(Refusal.ALL_PAUSED)
    if config.member(member.user_id).is_paused:
        return Refused(Refusal.MEMBER_PAUSED)
    found = config.service(service)
    if found.is_paused:
        return Refused(Refusal.SERVICE_PAUSED)
    is_open = is_among(found.who_may_connect, member.user_id, is_admin=is_admin)
    return Allowed() if is_open else Refused(Refusal.MAY_NOT_CONNECT)


def may_be_read(config: Config, service: str, thread: Thread) -> bool:
    """Tell whether a service's results may be shown in a thread: some are for their owner's eyes only."""
    return thread.is_private or config.service(service).results == "thread"


def may_answer_in(config: Config, thread: Thread) -> Judgement:
    """Decide whether answers may go into a thread: some channels have private answers only.

    A public thread in such a channel, from before that was set, does not continue.
    """
    is_public = thread.is_private or config.channel(thread.channel).answers == "thread"
    return Allowed() if is_public else Refused(Refusal.ANSWERS_PRIVATELY)


def may_go_on(config: Config, thread: Thread) -> bool:
    """Tell whether no kill switch stops a thread's turns: for everybody, for its owner or for one of its services."""
    # By the session's services and not the profile's: only those can act in what runs now.
    is_paused = config.is_paused or config.member(thread.owner.user_id).is_paused
    return not is_paused and not any(config.service(name).is_paused for name in thread.session_services)


def may_steer(member: Member, thread: Thread) -> Judgement:
    """Allow only the thread's owner: the session acts with the owner's credentials."""
    return Allowed() if is_same_person(member, thread.owner) else Refused(Refusal.NOT_YOUR_THREAD)


def may_stop(member: Member, turn: Turn, admins: Collection[UserId]) -> Judgement:
    """Allow the turn's owner, and admins of the same workspace, whose stop is recorded."""
    # User ids are only unique within a workspace or organisation (docs/reference/slack.md#people).
    is_admin = member.user_id in admins and member.workspace_id == turn.owner.workspace_id
    return Allowed() if is_admin or is_same_person(member, turn.owner) else Refused(Refusal.NOT_YOUR_TURN)


def may_see_call(member: Member, approval: Approval, turn: Turn, approvers: Collection[UserId] = ()) -> Judgement:
    """Decide who may see the arguments of a held call, which may quote private data: the owner, and no admin.

    A second approver may too, once they are asked and if the settings let them see arguments.
    """
    if is_same_person(member, turn.owner):
        return Allowed()
    is_shown = approval.second is not None and approval.second.view is SecondView.FULL
    if is_shown and _is_asked_second(member, approval, turn, approvers):
        return Allowed()
    return Refused(Refusal.NOT_YOUR_APPROVAL)


def may_decide(
    member: Member,
    approval: Approval,
    turn: Turn,
    shown_hash: str,
    now: datetime,
    *,
    approvers: Collection[UserId] = (),
) -> Judgement:
    """Allow the owner, or after them the second approver; once, in time, and only for what the card showed."""
    if not (is_same_person(member, turn.owner) or _is_asked_second(member, approval, turn, approvers)):
        return Refused(Refusal.NOT_YOUR_APPROVAL)
    if approval.state is ApprovalState.EXPIRED or now >= approval.expires_at:
        return Refused(Refusal.APPROVAL_EXPIRED)
    if approval.state is not ApprovalState.PENDING:
        return Refused(Refusal.APPROVAL_SETTLED)
    # Last, so that a stale card is explained by what happened to it and not by its hash.
    if shown_hash != approval.arguments_hash:
        return Refused(Refusal.APPROVAL_CHANGED)
    return Allowed()


def may_allow(member: Member, approval: Approval, turn: Turn, approvers: Collection[UserId]) -> Judgement:
    """Decide about a yes, in addition to `may_decide`: if a second yes is needed, it must not be the owner's."""
    if approval.second is None or not is_same_person(member, turn.owner):
        return Allowed()
    if approval.is_confirming:
        return Refused(Refusal.SECOND_AWAITED)
    # The owner may be listed as an approver and is never their own second.
    others = set(approvers) - {turn.owner.user_id}
    return Allowed() if others else Refused(Refusal.NO_SECOND)


def may_remember(approval: Approval, *, is_permitted: bool) -> Judgement:
    """Allow “always allow” if the rule permits it and no second approver is needed."""
    return Allowed() if is_permitted and approval.second is None else Refused(Refusal.NOT_REMEMBERED)


def _is_asked_second(member: Member, approval: Approval, turn: Turn, approvers: Collection[UserId]) -> bool:
    """Tell whether a member is a second approver whom the owner's yes has made it the turn of."""
    is_asked = approval.second is not None and approval.second.first_at is not None
    is_other = member.workspace_id == turn.owner.workspace_id and member.user_id != turn.owner.user_id
    return is_asked and is_other and member.user_id in approvers
