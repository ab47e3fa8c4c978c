"""Who may do what: small pure functions that answer `Allowed` or `Refused(reason)`.

The rules are product.md “Whose authority”. Nothing here asks anybody; what must be known is handed in.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bot.config.model import Config, is_among
from bot.errors import Allowed, Refusal, Refused
from store.records import Approval, ApprovalState, ChannelId, Member, ServiceName, Thread, Turn, UserId

Verdict = Allowed | Refused


def is_same_person(one: Member, other: Member) -> bool:
    """Compare by workspace and user id; names and teams are not identity."""
    return (one.workspace_id, one.user_id) == (other.workspace_id, other.user_id)


def may_ask(config: Config, member: Member, *, is_admin: bool, channel: ChannelId | None, profile: str) -> Verdict:
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


def may_connect(config: Config, member: Member, service: ServiceName, *, is_admin: bool) -> Verdict:
    """A service may be paused, and open to some members only."""
    found = config.service(service)
    if found.is_paused:
        return Refused(Refusal.SERVICE_PAUSED)
    is_open = is_among(found.who_may_connect, member.user_id, is_admin=is_admin)
    return Allowed() if is_open else Refused(Refusal.MAY_NOT_CONNECT)


def may_go_on(config: Config, thread: Thread) -> bool:
    """Tell whether no kill switch is thrown for what runs in a thread: everything, its owner, one of its services."""
    is_paused = config.is_paused or config.member(thread.owner.user_id).is_paused
    return not is_paused and not any(config.service(name).is_paused for name in thread.session_services)


def may_steer(member: Member, thread: Thread) -> Verdict:
    """Only the owner's words reach the session: it acts with the owner's credentials."""
    return Allowed() if is_same_person(member, thread.owner) else Refused(Refusal.NOT_YOUR_THREAD)


def may_stop(member: Member, turn: Turn, admins: Collection[UserId]) -> Verdict:
    """The owner stops their turn; an admin of the same workspace may stop any (it is recorded)."""
    is_admin = member.user_id in admins and member.workspace_id == turn.owner.workspace_id
    return Allowed() if is_admin or is_same_person(member, turn.owner) else Refused(Refusal.NOT_YOUR_TURN)


def may_see_call(member: Member, turn: Turn) -> Verdict:
    """Arguments of a held call may quote private data: the owner's eyes only, admins not excepted."""
    return Allowed() if is_same_person(member, turn.owner) else Refused(Refusal.NOT_YOUR_APPROVAL)


def may_decide(member: Member, approval: Approval, turn: Turn, shown_hash: str, now: datetime) -> Verdict:
    """Only the owner, once, in time, and only what the clicked card really showed."""
    if not is_same_person(member, turn.owner):
        return Refused(Refusal.NOT_YOUR_APPROVAL)
    if approval.state is ApprovalState.EXPIRED or now >= approval.expires_at:
        return Refused(Refusal.APPROVAL_EXPIRED)
    if approval.state is not ApprovalState.PENDING:
        return Refused(Refusal.APPROVAL_SETTLED)
    if shown_hash != approval.arguments_hash:
        return Refused(Refusal.APPROVAL_CHANGED)
    return Allowed()
