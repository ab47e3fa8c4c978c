"""Who may do what: small pure functions that return `Allowed` or `Refused(reason)`.

The rules are in docs/security.md#who-acts. Callers pass in every fact.
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
    """Compare by workspace and user id; names and teams are not identity."""
    return (one.workspace_id, one.user_id) == (other.workspace_id, other.user_id)


def may_ask(config: Config, member: Member, *, is_admin: bool, channel: ChannelId | None, profile: str) -> Judgement:
    """Kill switches first, then the channel (None: direct messages), then the agent. A removed agent is nobody's."""
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
    """Kill switches first: everybody's, theirs, the service's; and it may be open to some members only."""
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
    """What is asked in some channels is answered in private; a thread that was public before is not gone on with."""
    is_public = thread.is_private or config.channel(thread.channel).answers == "thread"
    return Allowed() if is_public else Refused(Refusal.ANSWERS_PRIVATELY)


def may_go_on(config: Config, thread: Thread) -> bool:
    """Tell whether no kill switch is thrown for what runs in a thread: everything, its owner, one of its services."""
    is_paused = config.is_paused or config.member(thread.owner.user_id).is_paused
    return not is_paused and not any(config.service(name).is_paused for name in thread.session_services)


def may_steer(member: Member, thread: Thread) -> Judgement:
    """Only the owner's words reach the session: it acts with the owner's credentials."""
    return Allowed() if is_same_person(member, thread.owner) else Refused(Refusal.NOT_YOUR_THREAD)


def may_stop(member: Member, turn: Turn, admins: Collection[UserId]) -> Judgement:
    """The owner stops their turn; an admin of the same workspace may stop any (it is recorded)."""
    is_admin = member.user_id in admins and member.workspace_id == turn.owner.workspace_id
    return Allowed() if is_admin or is_same_person(member, turn.owner) else Refused(Refusal.NOT_YOUR_TURN)


def may_see_call(member: Member, approval: Approval, turn: Turn, approvers: Collection[UserId] = ()) -> Judgement:
    """Arguments of a held call may quote private data: the owner's eyes only, admins not excepted.

    Where the rule says that a second approver sees them, so do they, once they are asked.
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
    """The owner, or the second approver after them; once, in time, and only what the clicked card really showed."""
    if not (is_same_person(member, turn.owner) or _is_asked_second(member, approval, turn, approvers)):
        return Refused(Refusal.NOT_YOUR_APPROVAL)
    if approval.state is ApprovalState.EXPIRED or now >= approval.expires_at:
        return Refused(Refusal.APPROVAL_EXPIRED)
    if approval.state is not ApprovalState.PENDING:
        return Refused(Refusal.APPROVAL_SETTLED)
    if shown_hash != approval.arguments_hash:
        return Refused(Refusal.APPROVAL_CHANGED)
    return Allowed()


def may_allow(member: Member, approval: Approval, turn: Turn, approvers: Collection[UserId]) -> Judgement:
    """For a yes, beside `may_decide`: where a second is needed, the owner says it once and never last."""
    if approval.second is None or not is_same_person(member, turn.owner):
        return Allowed()
    if approval.is_confirming:
        return Refused(Refusal.SECOND_AWAITED)
    others = set(approvers) - {turn.owner.user_id}
    return Allowed() if others else Refused(Refusal.NO_SECOND)


def may_remember(approval: Approval, *, is_permitted: bool) -> Judgement:
    """“Always allow” where the rule permits it, and never where somebody else must agree."""
    return Allowed() if is_permitted and approval.second is None else Refused(Refusal.NOT_REMEMBERED)


def _is_asked_second(member: Member, approval: Approval, turn: Turn, approvers: Collection[UserId]) -> bool:
    """Once the owner has allowed it, one of the approvers of the same workspace who is not the owner."""
    is_asked = approval.second is not None and approval.second.first_at is not None
    is_other = member.workspace_id == turn.owner.workspace_id and member.user_id != turn.owner.user_id
    return is_asked and is_other and member.user_id in approvers
