"""The Slack calls behind `bot doctor`. They return facts; `bot.doctor` judges them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.model.errors import SlackRejected, SlackUnavailable
from store.records import Secret


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of a bot token: its team, its scopes, and Slack's time when it was asked."""

    team: str
    scopes: frozenset[str] | None
    """None if the answer has no `x-oauth-scopes` header, as behind some proxies."""
    date: str | None
    """An HTTP date; None if the answer has none."""
    workspace_id: str = ""
    """The organisation's id if the app is installed for all of it, else the team's."""


async def fetch_identity(client: AsyncWebClient) -> Identity:
    """Return whose bot token this is (`auth.test`). Raises our errors."""
    response = await _called(client, "auth.test")
    headers = {name.lower(): value for name, value in dict(response.headers).items()}
    granted = headers.get("x-oauth-scopes")
    scopes = None if granted is None else frozenset(filter(None, map(str.strip, str(granted).split(","))))
    is_org_wide = bool(response.get("is_enterprise_install") and response.get("enterprise_id"))
    workspace_id = str(response.get("enterprise_id" if is_org_wide else "team_id") or "")
    return Identity(str(response.get("team") or ""), scopes, headers.get("date"), workspace_id)


async def fetch_app_id(client: AsyncWebClient) -> str:
    """Return the id of the app that the bot token belongs to. Raises our errors."""
    who = await _called(client, "auth.test")
    # `auth.test` does not name the app of a bot token.
    answer = await _called(client, "bots.info", bot=str(who.get("bot_id") or ""))
    return str((answer.get("bot") or {}).get("app_id") or "")


async def fetch_manifest(client: AsyncWebClient, app_id: str, config_token: Secret) -> dict[str, Any]:
    """Return the app's manifest, which only an app configuration token may read. Raises our errors."""
    answer = await _called(client, "apps.manifest.export", token=config_token, app_id=app_id)
    manifest = answer.get("manifest")
    return manifest if isinstance(manifest, dict) else {}


async def is_full_member(client: AsyncWebClient, user_id: str) -> bool:
    """Tell whether this is an active person of the workspace and no guest. Raises our errors."""
    try:
        answer = await _called(client, "users.info", user=user_id)
    except SlackRejected as error:
        # An admin whom Slack does not know is a finding, not an error of the check.
        if error.code in {"user_not_found", "user_not_visible"}:
            return False
        raise
    user: dict[str, Any] = answer.get("user") or {}
    return not any(
        user.get(name) for name in ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
    )


async def check_app_token(client: AsyncWebClient, token: Secret) -> None:
    """Ask for a socket's address, which works only with a valid app-level token. Raises our errors."""
    await _called(client, "apps.connections.open", token=token)


async def check_sign_in(client: AsyncWebClient, client_id: str, client_secret: Secret) -> str:
    """Return Slack's error for a made-up code: `invalid_code` means that it knows the client. Raises our errors."""
    # Not by the SDK's own method, which passes the client in a way that aiohttp has deprecated.
    named = base64.b64encode(f"{client_id}:{client_secret.reveal()}".encode()).decode()
    try:
        # Slack checks the client first and the code after it, so a wrong code tells us about the client.
        await client.api_call(
            "openid.connect.token", data={"code": "doctor"}, headers={"Authorization": f"Basic {named}"}
        )
    except SlackApiError as error:
        return str(error.response.get("error") or "unknown")
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        raise SlackUnavailable from error
    return "accepted"


async def _called(
    client: AsyncWebClient, method: str, *, token: Secret | None = None, **arguments: str
) -> AsyncSlackResponse:
    """Call with the bot token, or with another one."""
    headers = {"Authorization": f"Bearer {token.reveal()}"} if token else None
    try:
        return await client.api_call(method, params=arguments, headers=headers)
    except SlackApiError as error:
        raise SlackRejected(str(error.response.get("error") or "unknown")) from error
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        raise SlackUnavailable from error
