"""Everything Deputy may refuse or fail with. Classes carry data; `renderers/notices.py` has the words.

DeputyError
├── NotPermitted          the person may not; told privately, with the next step
├── Misunderstood         we cannot read the request; told privately, with usage
├── SettingsInvalid       settings that are not valid; each problem at its place
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
├── Forged                a delivery with a wrong signature; refused, and nobody is told
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
    """In the same organisation, but in a workspace where Deputy is not installed."""
    CONNECTS_ELSEWHERE = "connects_elsewhere"
    """May ask as a member of the organisation, but Slack lets nobody from another workspace sign in to this one."""
    DEACTIVATED = "deactivated"
    SHARED_CHANNEL = "shared_channel"
    UNVERIFIABLE = "unverifiable"
    """Slack did not tell who this is; we fail closed."""
    NOT_YOUR_THREAD = "not_your_thread"
    NOT_YOUR_TURN = "not_your_turn"
    NOT_YOUR_APPROVAL = "not_your_approval"
    APPROVAL_SETTLED = "approval_settled"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_CHANGED = "approval_changed"
    SECOND_AWAITED = "second_awaited"
    """The owner has allowed it; a second approver has not yet."""
    NO_SECOND = "no_second"
    """A second approver is needed, and nobody may be it."""
    NOT_REMEMBERED = "not_remembered"
    """The tool's rule does not allow “always allow”."""
    ANSWERS_PRIVATELY = "answers_privately"
    """The channel was set to private answers after this public thread began."""
    THREAD_IS_PUBLIC = "thread_is_public"
    """The member wants a private answer in a thread that others can read."""
    TOOLS_CHANGED = "tools_changed"
    """The service's tools have changed again since the alert showed them."""
    NOTHING_RUNNING = "nothing_running"
    NOT_CONNECTED = "not_connected"
    SERVICE_NOT_READY = "service_not_ready"
    """The service needs an OAuth client that no admin has registered yet."""
    TOKEN_IN_WORDS = "token_in_words"  # noqa: S105  # a word, not a token
    """Something that looks like a token was typed into a command or message, where Slack keeps it."""
    TOO_MANY_LINKS = "too_many_links"
    NOT_IN_CHANNEL = "not_in_channel"
    CHANNEL_ARCHIVED = "channel_archived"
    POSTING_RESTRICTED = "posting_restricted"
    """The channel lets only some people post."""
    THREAD_GONE = "thread_gone"
    """Somebody deleted the thread's root message."""
    SCOPE_MISSING = "scope_missing"
    """Deputy's installation lacks a scope that Slack requires here."""
    NOT_POSTED = "not_posted"
    """Slack refuses the post for another reason."""
    FILTERED = "filtered"
    """A filter of the admins matched; the detail says what it looks for."""
    FORM_TOO_LATE = "form_too_late"
    """The `trigger_id` had expired: it holds for three seconds (docs/reference/slack.md#modals)."""
    WINDOWS_FULL = "windows_full"
    """Three modals are open already, Slack's limit."""
    GONE = "gone"
    """What the button was about is no longer there."""
    NOT_AN_ADMIN = "not_an_admin"
    NO_ADMIN = "no_admin"
    """There is no admin yet, and this person cannot become the first."""
    SETTING_CHANGED = "setting_changed"
    """Another admin changed it after it was shown."""
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
    """A policy's yes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A policy's no: a value rather than an exception, since callers expect it.

    Check its class, never its truth value: a falsy no once vanished in `judge(…) or …`, and everybody was let in.
    """

    refusal: Refusal
    detail: str | None = None
    kept: str | None = None
    """What the person wrote, given back to them alone; None if they still have it."""


Judgement = Allowed | Refused


@dataclass(eq=False)
class NotPermitted(DeputyError):
    """The person may not do that."""

    refused: Refused


GIVEN_MAX = 60
"""Characters of a word that was not understood, as it is repeated to whoever typed it."""
NAMED_MAX = 5
"""Names that are listed where none is near that word."""


@dataclass(eq=False)
class Misunderstood(DeputyError):
    """A request that we cannot read; `near` are the closest words that we would understand."""

    kind: str
    """`subcommand`, `service`, `profile`, `flag`, `nothing_asked`, `task_missing` or `task_too_long`."""
    given: str
    near: tuple[str, ...] = ()
    kept: str | None = None
    """As in `Refused`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with settings: its place (`channels.C0123.profile`), and what, to follow a colon."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


@dataclass(eq=False)
class SettingsInvalid(DeputyError):
    """Settings that are not valid; nothing was changed."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "\n".join(f"- {problem}" for problem in self.problems)


@dataclass(eq=False)
class Unavailable(DeputyError):
    """Somebody's outage, raised after our own retries."""

    retry_after: float | None = None
    """Seconds, if the other side named them."""
    status: int | None = None
    """The HTTP status of its last answer; None if there was no answer."""

    @property
    def facts(self) -> dict[str, object]:
        """Return the fields for a log line: the class of the cause, and the status."""
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
    """The other side refuses the request itself; trying it again would change nothing.

    `code` is the other side's error code, never its prose, which may quote what was sent.
    """

    code: str
    status: int | None = None
    """The HTTP status; None from Slack, which refuses with 200 and `ok: false`."""


class AgentsRejected(Rejected):
    """A 4xx of the Managed Agents API other than those with their own class."""


# The API has no code for it; `bot.agents.sessions` finds out.
class AlreadyDecided(AgentsRejected):
    """The held call was decided before, or is no longer held."""


class SlackRejected(Rejected):
    """`ok: false` from Slack."""


# Of its own class, since a shorter message may work.
class MessageTooLong(SlackRejected):
    """A message, or what a stream would grow to, is larger than Slack takes; the call changed nothing."""


WINDOWS_FULL = "push_limit_reached"
"""Slack's error code for a fourth modal on top of three."""


class FormTooLate(SlackRejected):
    """A form could not be opened: the `trigger_id` had expired, or the modal below it was closed meanwhile."""


# Slack ends a stream after about 300 s, and people can stop it (docs/reference/slack.md#streams).
class StreamEnded(SlackRejected):
    """The stream is no longer open: `message_not_in_streaming_state` or `stopped_by_user`."""


class Forged(DeputyError):
    """A webhook delivery that the Managed Agents API did not sign, or that is too old to be trusted."""


@dataclass(eq=False)
class ConfigurationError(DeputyError):
    """The environment or settings file cannot be used. Lists every problem at once, each a sentence with its fix."""

    problems: tuple[str, ...] = field(default_factory=tuple)

    def __str__(self) -> str:
        return "\n".join(f"- {problem}" for problem in self.problems)
