"""The Web API client of one workspace: rate-limited, errors translated, and nothing retried that could happen twice.

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
        "files.getUploadURLExternal",  # a place that nobody uses is forgotten; it takes no JSON
        "files.info",
        "team.info",
        "users.info",
    }
)
_REPEATABLE = _READS | {
    "agents.sessions.setStatus",
    "chat.delete",
    "chat.update",
    "conversations.open",
}
"""Methods that do the same however often they are called."""
_STREAM_ENDED = frozenset({"message_not_in_streaming_state", "stopped_by_user"})
_TOO_LONG = frozenset({"msg_blocks_too_long", "msg_blocks_too_many", "msg_too_long"})
_TROUBLE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_AT_ONCE = frozenset({"views.open", "views.push", "views.update"})
"""Methods that answer a press: each is called once, within three seconds or never."""
_OUTAGE_PATIENCE = 7.0
"""Seconds that a call waits for a Slack that fails, in all; then who called is told, and until when."""
_PATIENCE = 60.0
"""Seconds that Slack may ask us to wait; more is given back to the caller."""
_ATTEMPTS = 4
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
"""Codes that say that a workspace or its app cannot do a thing at all (docs/reference/slack.md#refusals);
404: no such method."""


class SlackUnsure(SlackUnavailable):
    """Nobody knows whether Slack carried the call out: look before saying it again."""


class SlackLimited(SlackUnavailable):
    """Slack limits our rate, and says for how long: it does answer."""


class SlackOut(SlackUnavailable):
    """Not called: the method failed a moment ago, and whoever comes meanwhile makes that no shorter."""


def build_client(
    *, token: Secret | None, session: aiohttp.ClientSession, base_url: str | None = None
) -> AsyncWebClient:
    """Return a client on a shared connection pool that never repeats a call by itself."""
    address = base_url or AsyncWebClient.BASE_URL
    # slack_sdk's default handler repeats writes after a dropped connection, which posts twice
    # (docs/reference/slack.md#python-sdk).
    return AsyncWebClient(token=token.reveal() if token else None, session=session, retry_handlers=[], base_url=address)


class SlackApi:
    """Calls of one workspace's token. All raise `SlackUnavailable`, `SlackUnsure` or `SlackRejected`."""

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
        """Wait for the method's turn, call it, and call again what was certainly not done or may be done twice.

        `is_paid`: the first call was taken from the budget before, by `turn` or `take`.
        """
        waited = 0.0
        for attempt in range(_ATTEMPTS):
            if attempt or not is_paid:
                await self.turn(method, **arguments)
            try:
                return await self.call_now(method, **arguments)
            except SlackUnavailable as error:
                is_doubtful = isinstance(error, SlackUnsure) and method not in _REPEATABLE
                pause = error.retry_after or float(2**attempt)
                if is_doubtful or attempt == _ATTEMPTS - 1 or pause > _PATIENCE:
                    raise
                if isinstance(error, SlackOut) and waited + pause > _OUTAGE_PATIENCE:
                    raise
                waited += pause
                await self._sleep(pause)
        raise AssertionError("the last attempt raises or returns")

    async def call_now(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call once, at once, whatever the budget says; not while the method fails, but for what answers a press."""
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
            self.pacer.worked(self.workspace, method)
            raise
        self.pacer.worked(self.workspace, method)
        return answer

    async def _sent(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            if method in _READS:
                response = await self._client.api_call(method, http_verb="GET", params=_as_parameters(given))
            else:
                response = await self._client.api_call(method, json=given)
        except SlackApiError as error:
            raise self._translate(method, error) from error
        except aiohttp.ClientConnectorError as error:
            raise SlackUnavailable from error
        except (aiohttp.ClientError, TimeoutError, SlackRequestError) as error:
            raise SlackUnsure from error
        return dict(response.data) if isinstance(response.data, dict) else {}

    async def respond(self, url: str, payload: dict[str, Any]) -> None:
        """Post to a `response_url`, whose host the caller has checked."""
        session = self._client.session
        if session is None:
            raise SlackUnavailable
        try:
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
        """Wait in line for a call and take it, or calls of `instead`; see `RateLimiter.turn`."""
        budgets = _budgets(method, arguments)
        return await self.pacer.turn(self.workspace, *budgets, patience=patience, instead=instead)

    def take(self, method: str, *, keep: int = 0, **arguments: Any) -> float:
        """Take a call from the budget and return 0, or return in how many seconds to ask again.

        See `RateLimiter.take`.
        """
        return self.pacer.take(self.workspace, *_budgets(method, arguments), keep=keep)

    def waiting(self, method: str, **arguments: Any) -> int:
        """Return how many calls stand in line before one that joined it now."""
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
            self.pacer.hold_off(self.workspace, method, retry_after)
            return SlackLimited(retry_after)
        if not code and 400 <= status < 500 and status != 408:
            return SlackRejected(f"http_{status}")  # no JSON of Slack's, but a refusal: trying again would not help
        if status >= 500 or code in _TROUBLE or not code:
            return SlackUnsure()
        if code in _TOO_LONG:
            return MessageTooLong(code)
        return StreamEnded(code) if code in _STREAM_ENDED else SlackRejected(code)


def _budgets(method: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return what a call is counted by: its method, and for posts the channel too."""
    return (method, f"{IN_CHANNEL}{arguments['channel']}") if method == "chat.postMessage" else (method,)


def _as_parameters(given: dict[str, Any]) -> dict[str, Any]:
    return {name: ("true" if value else "false") if isinstance(value, bool) else value for name, value in given.items()}


def seconds_of(headers: Any) -> float:
    """Return how many seconds Slack asks to wait."""
    lowered = {str(name).lower(): value for name, value in dict(headers or {}).items()}
    try:
        return max(1.0, float(lowered.get("retry-after", 1)))
    except (TypeError, ValueError):
        return 1.0
