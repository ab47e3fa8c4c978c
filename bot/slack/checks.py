"""What the doctor asks Slack: facts only, judged by `bot.doctor`."""

from __future__ import annotations

import base64

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import SlackRejected, SlackUnavailable
from store.records import Secret


async def fetch_scopes(client: AsyncWebClient) -> tuple[str, frozenset[str]]:
    """Return the team's name and the scopes that the bot token really has. Raises our errors."""
    response = await _called(client, "auth.test")
    headers = {name.lower(): value for name, value in dict(response.headers).items()}
    granted = str(headers.get("x-oauth-scopes") or "")
    return str(response.get("team") or ""), frozenset(filter(None, (scope.strip() for scope in granted.split(","))))


async def check_app_token(client: AsyncWebClient, token: Secret) -> None:
    """Ask for a socket address, which only a working app-level token gets. Raises our errors."""
    await _called(client, "apps.connections.open", app_token=token.reveal())


async def check_sign_in(client: AsyncWebClient, client_id: str, client_secret: Secret) -> str:
    """Return Slack's error code for a code that cannot be right: `invalid_code` means that the client is known."""
    # Not by the SDK's own method: the way in which it names the client is deprecated in aiohttp.
    named = base64.b64encode(f"{client_id}:{client_secret.reveal()}".encode()).decode()
    try:
        # Slack looks at the client before it looks at the code.
        await client.api_call(
            "openid.connect.token", data={"code": "doctor"}, headers={"Authorization": f"Basic {named}"}
        )
    except SlackApiError as error:
        return str(error.response.get("error") or "unknown")
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        raise SlackUnavailable from error
    return "accepted"


async def _called(client: AsyncWebClient, method: str, *, app_token: str | None = None) -> AsyncSlackResponse:
    headers = {"Authorization": f"Bearer {app_token}"} if app_token else None
    try:
        return await client.api_call(method, headers=headers)
    except SlackApiError as error:
        raise SlackRejected(str(error.response.get("error") or "unknown")) from error
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        raise SlackUnavailable from error
