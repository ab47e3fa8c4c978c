"""Refreshes an expired OAuth credential at its token endpoint, as the API does."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2

from simulator.agents.rules import as_time
from simulator.agents.state import Credential, World


def is_expired(credential: Credential, now: datetime) -> bool:
    """Say whether the access token has expired; one without an expiry never has."""
    expires_at = credential.auth.get("expires_at")
    return expires_at is not None and as_time(expires_at) <= now


def excerpt(response: httpx2.Response) -> dict[str, Any]:
    """Return a response in the form in which a validation shows it."""
    return {
        "status_code": response.status_code,
        "content_type": response.headers.get("content-type", ""),
        "body": response.text[:2048],
        "body_truncated": len(response.text) > 2048,
    }


async def refresh(world: World, http: httpx2.AsyncClient, credential: Credential) -> dict[str, Any]:
    """Refresh the credential in place; return the `refresh` object of a validation."""
    used = credential.auth.get("refresh")
    if not used:
        return {"status": "no_refresh_token", "http_response": None}
    token_before = credential.auth["access_token"]
    # One at a time: refresh tokens rotate, and a second use of one may revoke the whole grant (RFC 9700 §4.14.2).
    async with credential.lock:
        if credential.auth.get("access_token") != token_before:  # another turn was faster
            return {"status": "succeeded", "http_response": None}
        return await _refresh(world, http, credential, used)


async def _refresh(
    world: World, http: httpx2.AsyncClient, credential: Credential, used: dict[str, Any]
) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": used["refresh_token"]}
    form |= {name: used[name] for name in ("resource", "scope") if used.get(name)}
    headers = {"accept": "application/json"}
    client = used["token_endpoint_auth"]
    if client["type"] == "client_secret_basic":
        pair = f"{quote(used['client_id'], safe='')}:{quote(client['client_secret'], safe='')}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form["client_id"] = used["client_id"]
        if client["type"] == "client_secret_post":
            form["client_secret"] = client["client_secret"]
    try:
        response = await http.post(used["token_endpoint"], data=form, headers=headers)
        body = response.json() if response.status_code == 200 else {}
    except (httpx2.HTTPError, ValueError):
        return {"status": "connect_error", "http_response": None}
    if response.status_code != 200 or "access_token" not in body:
        world.webhooks.note("vault_credential.refresh_failed", credential.id, vault_id=credential.vault_id)
        return {"status": "failed", "http_response": excerpt(response)}
    credential.auth["access_token"] = body["access_token"]
    used["refresh_token"] = body.get("refresh_token", used["refresh_token"])
    expires_in = body.get("expires_in")
    credential.auth["expires_at"] = (
        (world.now() + timedelta(seconds=float(expires_in))).isoformat() if expires_in is not None else None
    )
    credential.updated_at = world.now()
    world.note()
    return {"status": "succeeded", "http_response": None}
