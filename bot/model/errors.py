"""Everything Deputy may refuse or fail with. Classes carry data; `renderers/notices.py` has the words.

DeputyError
├── NotPermitted          the person may not; told privately, with the next step
├── Misunderstood         cannot be read; told privately, with usage
├── SettingsInvalid       settings that cannot be so; each problem at its place
├── Unavailable           someone's outage; said once, after retries
│   ├── AgentsUnavailable
│   └── SlackUnavailable
├── Lost                  the other side forgot
│   └── SessionLost
├── Rejected              the other side says our request is wrong; never retried
│   ├── AgentsRejected
│   │   └── AlreadyDecided
│   └── SlackRejected
│       ├── FormTooLate
│       └── StreamEnded
├── Forged                a delivery whose signature does not hold; answered with a no, told nobody
└── ConfigurationError    for the operator, all problems at once
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class DeputyError(Exception):
    """Base; never raised itself."""


class Refusal(StrEnum):
    """Why a person may not. `renderers/refusals.py` has a sentence and a next step for each."""

    BOT = "bot"
    GUEST = "guest"
    STRANGER = "stranger"
    OTHER_WORKSPACE = "other_workspace"
    """Of the same organisation, but not where Deputy is installed."""
    CONNECTS_ELSEWHERE = "connects_elsewhere"
    """Served as somebody of the organisation, but Slack lets nobody of another workspace sign in to this one."""
    DEACTIVATED = "deactivated"
    SHARED_CHANNEL = "shared_channel"
    UNVERIFIABLE = "unverifiable"
    """Slack did not answer who this is; fail closed."""
    NOT_YOUR_THREAD = "not_your_thread"
    NOT_YOUR_TURN = "not_your_turn"
    NOT_YOUR_APPROVAL = "not_your_approval"
    APPROVAL_SETTLED = "approval_settled"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_CHANGED = "approval_changed"
    SECOND_AWAITED = "second_awaited"
    """The owner has allowed it; somebody else must confirm."""
    NO_SECOND = "no_second"
    """Somebody else must confirm it, and there is nobody who may."""
    NOT_REMEMBERED = "not_remembered"
    """The rule does not let anybody stop being asked about this tool."""
    ANSWERS_PRIVATELY = "answers_privately"
    """The channel's answers are private now; this thread is public."""
    THREAD_IS_PUBLIC = "thread_is_public"
    """A private answer was asked for where others read along."""
    TOOLS_CHANGED = "tools_changed"
    """The service's tools are not what the alert showed any more."""
    NOTHING_RUNNING = "nothing_running"
    NOT_CONNECTED = "not_connected"
    SERVICE_NOT_READY = "service_not_ready"
    """The service needs a client that no admin has made yet."""
    TOKEN_IN_WORDS = "token_in_words"  # noqa: S105  # a word, not a token
    """Something that looks like a token was typed where Slack keeps it."""
    TOO_MANY_LINKS = "too_many_links"
    NOT_IN_CHANNEL = "not_in_channel"
    CHANNEL_ARCHIVED = "channel_archived"
    POSTING_RESTRICTED = "posting_restricted"
    """Admins of Slack let only some people post there."""
    THREAD_GONE = "thread_gone"
    """Somebody deleted the message that the thread hangs on."""
    SCOPE_MISSING = "scope_missing"
    """Whoever runs Deputy has not given it what Slack asks for here."""
    NOT_POSTED = "not_posted"
    """Slack does not take what Deputy would post there, for a reason of its own."""
    FILTERED = "filtered"
    """A filter of the admins' found something in it; the detail says what it looks for."""
    FORM_TOO_LATE = "form_too_late"
    """Slack opens a form within three seconds of a press, or not at all."""
    WINDOWS_FULL = "windows_full"
    """Slack lays three windows upon each other and no more."""
    GONE = "gone"
    """The thing clicked on is no longer there."""
    NOT_AN_ADMIN = "not_an_admin"
    NO_ADMIN = "no_admin"
    """There is no admin yet, and they cannot become it."""
    SETTING_CHANGED = "setting_changed"
    """Another admin changed it since it was shown."""
    ALL_PAUSED = "all_paused"
    MEMBER_PAUSED = "member_paused"
    SERVICE_PAUSED = "service_paused"
    MAY_NOT_ASK_HERE = "may_not_ask_here"
    MAY_NOT_USE_PROFILE = "may_not_use_profile"
    MAY_NOT_CONNECT = "may_not_connect"
    MEMBER_BUDGET_USED = "member_budget_used"
    CHANNEL_BUDGET_USED = "channel_budget_used"
    WORKSPACE_BUDGET_USED = "workspace_budget_used"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The yes of a policy."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The no of a policy: a value, not an exception, where no is expected.

    Asked for by class, never by truth: a falsy no vanished in `judge(…) or …` once, and everybody was let in.
    """

    refusal: Refusal
    detail: str | None = None
    kept: str | None = None
    """What they wrote, where it would be lost: given back to them alone."""


Judgement = Allowed | Refused


@dataclass(eq=False)
class NotPermitted(DeputyError):
    """The person may not do that."""

    refused: Refused


@dataclass(eq=False)
class Misunderstood(DeputyError):
    """The request cannot be read; `near` are the closest things we would understand."""

    kind: str
    """`subcommand`, `service`, `profile`, `flag`, `nothing_asked`, `task_missing` or `task_too_long`."""
    given: str
    near: tuple[str, ...] = ()
    kept: str | None = None
    """As of `Refused`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with settings: where (`channels.C0123.profile`), and a sentence that goes on from there."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


@dataclass(eq=False)
class SettingsInvalid(DeputyError):
    """Settings that cannot be so; nothing was changed."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "\n".join(f"- {problem}" for problem in self.problems)


@dataclass(eq=False)
class Unavailable(DeputyError):
    """Somebody's outage, after our own retries."""

    retry_after: float | None = None
    """Seconds, when the other side said so."""
    status: int | None = None
    """The HTTP status of its last answer; None where there was none."""

    @property
    def facts(self) -> dict[str, object]:
        """Return what a log line says of it: what happened, with which status."""
        return {"cause": type(self.__cause__ or self).__name__, "status": self.status}


class AgentsUnavailable(Unavailable):
    """The Managed Agents API cannot be reached, is overloaded or limits our rate."""


class SlackUnavailable(Unavailable):
    """Slack cannot be reached, is overloaded or limits our rate."""


class Lost(DeputyError):
    """The other side forgot something that we remember."""


class SessionLost(Lost):
    """The session is gone, archived or terminated: a new one is needed."""


@dataclass(eq=False)
class Rejected(DeputyError):
    """The other side refuses the request itself; `code` is its own error code, never its prose."""

    code: str
    status: int | None = None
    """Of its answer, where it was HTTP's word."""


class AgentsRejected(Rejected):
    """A 4xx of the Managed Agents API other than those with their own class."""


class AlreadyDecided(AgentsRejected):
    """The held call has been answered before, or is no longer held."""


class SlackRejected(Rejected):
    """`ok: false` from Slack."""


class MessageTooLong(SlackRejected):
    """A message, or what a stream would grow to, is more than Slack takes; nothing of the call was done."""


WINDOWS_FULL = "push_limit_reached"
"""Slack's code for a window that would lie on two others."""


class FormTooLate(SlackRejected):
    """A form could not be opened: Slack's three seconds were over, or the window it was to lie on is closed."""


class StreamEnded(SlackRejected):
    """The stream is no longer open: `message_not_in_streaming_state` or `stopped_by_user`."""


class Forged(DeputyError):
    """A delivery of the Managed Agents API that is not from it, or too old to be believed."""


@dataclass(eq=False)
class ConfigurationError(DeputyError):
    """The settings cannot be used; every problem is listed at once, each a sentence with its fix."""

    problems: tuple[str, ...] = field(default_factory=tuple)

    def __str__(self) -> str:
        return "\n".join(f"- {problem}" for problem in self.problems)
