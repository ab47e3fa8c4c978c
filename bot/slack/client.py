"""The Web API client of one workspace: rate-limited, errors translated, and no call repeated that could act twice.

Callers decide what an error means for a message.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.ports import Clock
from bot.model.errors import MessageTooLong, SlackRejected, SlackUnavailable, StreamEnded
from bot.model.retry_policy import SLACK_CALL
from bot.slack.rate_limiter import IN_CHANNEL, RateLimiter
from store.records import Secret

_READS = frozenset(
    {
        "auth.test",
        "chat.getPermalink",
        "conversations.history",
        "conversations.info",
        "conversations.members",
        "conversations.replies",
        "files.getUploadURLExternal",  # Slack forgets an address that nobody uploads to; it takes no JSON
        "files.info",
        "team.info",
        "users.info",
    }
)
# Idempotent methods: after an unknown outcome they may simply be called again.
_REPEATABLE = _READS | {
    "agents.sessions.setStatus",
    "chat.delete",
    "chat.update",
    "conversations.open",
}
_STREAM_ENDED = frozenset({"message_not_in_streaming_state", "stopped_by_user"})
_TOO_LONG = frozenset({"msg_blocks_too_long", "msg_blocks_too_many", "msg_too_long"})
# Errors that Slack reports with 200 and that are outages all the same.
_TROUBLE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
# Methods that answer a press. They are called even while others wait for an outage to end, since a `trigger_id` holds
# for three seconds only (docs/reference/slack.md#modals).
_AT_ONCE = frozenset({"views.open", "views.push", "views.update"})
# Seconds that any header may hold us off: a broken one must not silence Deputy for good.
_LONGEST_HOLD = 3600.0
CAPABILITY_ERRORS = frozenset(
    {
        "channel_type_not_supported",
        "feature_not_enabled",
        "http_404",
        "messages_tab_disabled",
        "missing_scope",
        "unknown_method",
    }
)
"""Codes for “this workspace or app cannot do that at all” (docs/reference/slack.md#refusals); `http_404`: no such
method."""


class SlackUnsure(SlackUnavailable):
    """It is unknown whether Slack carried the call out: look before repeating it."""


class SlackLimited(SlackUnavailable):
    """Slack limits our rate and says for how long. It does answer, so this is no outage."""


class SlackOut(SlackUnavailable):
    """The call was not made: the method failed a moment ago, and more calls would only prolong that."""


def build_client(
    *, token: Secret | None, session: aiohttp.ClientSession, base_url: str | None = None
) -> AsyncWebClient:
    """Return a client on a shared connection pool that never repeats a call by itself."""
    address = base_url or AsyncWebClient.BASE_URL
    # slack_sdk's default handler repeats writes after a dropped connection, which posts twice
    # (docs/reference/slack.md#python-sdk).
    return AsyncWebClient(token=token.reveal() if token else None, session=session, retry_handlers=[], base_url=address)


class SlackApi:
    """The Web API with one workspace's token. Calls raise `SlackUnavailable`, `SlackUnsure` or `SlackRejected`."""

    def __init__(self, *, client: AsyncWebClient, clock: Clock, pacer: RateLimiter, workspace: str) -> None:
        self.workspace = workspace
        self.pacer = pacer
        self._client = client
        self._clock = clock

    @property
    def base_url(self) -> str:
        """Return the address of the Web API."""
        return self._client.base_url

    async def call(self, method: str, *, is_paid: bool = False, **arguments: Any) -> dict[str, Any]:
        """Wait for the method's turn and call it; repeat it if it certainly was not carried out, or is idempotent.

        `is_paid`: the caller has taken the first call from the budget already, by `turn` or `take`.
        """
        waited = 0.0
        for attempt in SLACK_CALL.attempts():
            if attempt > 1 or not is_paid:
                await self.turn(method, **arguments)
            try:
                return await self.call_now(method, **arguments)
            except SlackUnavailable as error:
                is_doubtful = isinstance(error, SlackUnsure) and method not in _REPEATABLE
                if is_doubtful or SLACK_CALL.is_over(attempt) or (error.retry_after or 0.0) > SLACK_CALL.longest_asked:
                    raise
                pause = SLACK_CALL.pause_after(attempt, error.retry_after)
                if isinstance(error, SlackOut) and waited + pause > SLACK_CALL.patience:
                    raise
                waited += pause
                await self._sleep(pause)
        raise AssertionError("the last attempt raises or returns")

    async def call_now(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call once and at once, whatever the budget says; raises `SlackOut` while the method fails.

        Methods that answer a press are called even then.
        """
        left = 0.0 if method in _AT_ONCE else self.pacer.knock(self.workspace, method)
        if left:
            raise SlackOut(left)
        try:
            answer = await self._sent(method, arguments)
        except SlackUnavailable as error:
            if not isinstance(error, SlackLimited):
                self.pacer.failed(self.workspace, method)
            raise
        except SlackRejected:
            # A refusal is an answer, so the method works again.
            self.pacer.worked(self.workspace, method)
            raise
        self.pacer.worked(self.workspace, method)
        return answer

    async def _sent(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        # None means “not given”; JSON would send it as `null`.
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            if method in _READS:
                response = await self._client.api_call(method, http_verb="GET", params=_as_parameters(given))
            else:
                response = await self._client.api_call(method, json=given)
        except SlackApiError as error:
            raise self._translate(method, error) from error
        except aiohttp.ClientConnectorError as error:
            # No connection was made, so nothing was sent: this one is safe to repeat, unlike the next.
            raise SlackUnavailable from error
        except (aiohttp.ClientError, TimeoutError, SlackRequestError) as error:
            raise SlackUnsure from error
        return dict(response.data) if isinstance(response.data, dict) else {}

    async def respond(self, url: str, payload: dict[str, Any]) -> None:
        """Post to a `response_url`; the caller must have checked its host."""
        session = self._client.session
        if session is None:
            raise SlackUnavailable
        try:
            # A redirect could lead the words to another host.
            async with session.post(url, json=payload, allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackUnsure from error
        if status >= 500:
            raise SlackUnsure
        if status >= 300:
            raise SlackRejected("response_url_refused")

    async def turn(
        self, method: str, *, patience: float = 0.0, instead: tuple[str, ...] = (), **arguments: Any
    ) -> bool:
        """Wait in line for a call and take it from the budget, or take `instead`; see `RateLimiter.turn`."""
        budgets = _budgets(method, arguments)
        return await self.pacer.turn(self.workspace, *budgets, patience=patience, instead=instead)

    def take(self, method: str, *, keep: int = 0, **arguments: Any) -> float:
        """Take a call from the budget and return 0, or return in how many seconds to ask again.

        See `RateLimiter.take`.
        """
        return self.pacer.take(self.workspace, *_budgets(method, arguments), keep=keep)

    def waiting(self, method: str, **arguments: Any) -> int:
        """Return how many calls would go before one that joins the line now."""
        return self.pacer.waiting(self.workspace, *_budgets(method, arguments))

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.steady() + timedelta(seconds=seconds))

    def _translate(self, method: str, error: SlackApiError) -> SlackUnavailable | SlackRejected:
        response = error.response
        status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
        data = getattr(response, "data", None)
        code = str(data.get("error", "")) if isinstance(data, dict) else ""
        if status == 429 or code in _LIMITED:
            retry_after = seconds_of(getattr(response, "headers", {}))
            # For every caller: Slack limits the method, not this one call.
            self.pacer.hold_off(self.workspace, method, retry_after)
            return SlackLimited(retry_after)
        if not code and 400 <= status < 500 and status != 408:
            return SlackRejected(f"http_{status}")  # not Slack's JSON, but a refusal: trying again would not help
        # Slack may have carried the call out before it failed, so the outcome is unknown.
        if status >= 500 or code in _TROUBLE or not code:
            return SlackUnsure()
        if code in _TOO_LONG:
            return MessageTooLong(code)
        return StreamEnded(code) if code in _STREAM_ENDED else SlackRejected(code)


def _budgets(method: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return the budgets that a call counts towards: its method's and, for posts, the channel's too."""
    return (method, f"{IN_CHANNEL}{arguments['channel']}") if method == "chat.postMessage" else (method,)


def _as_parameters(given: dict[str, Any]) -> dict[str, Any]:
    # In a query, Python's `True` would be sent as the word `True`.
    return {name: ("true" if value else "false") if isinstance(value, bool) else value for name, value in given.items()}


def seconds_of(headers: Any) -> float:
    """Return the seconds of a `Retry-After` header, from 1 to an hour; 1 if there is none."""
    lowered = {str(name).lower(): value for name, value in dict(headers or {}).items()}
    try:
        return min(max(1.0, float(lowered.get("retry-after", 1))), _LONGEST_HOLD)
    except (TypeError, ValueError):
        return 1.0
