"""The notes service on loopback and a client of it that is made of httpx alone."""

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from simulator.clock import SimulatorClock
from simulator.service.server import ServiceSimulator

REDIRECT = "http://127.0.0.1:9/oauth/callback/notes"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}


@dataclass
class App:
    """An OAuth client that does exactly what a test asks of it."""

    notes: ServiceSimulator
    http: httpx.AsyncClient
    client: dict = field(default_factory=dict)

    async def register(self, **changes):
        body = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "Deputy"} | changes
        answer = await self.http.post("/register", json=body)
        if answer.status_code == 201:
            self.client = answer.json()
        return answer

    def authorize_url(self, **changes):
        query = {
            "response_type": "code",
            "client_id": self.client.get("client_id", ""),
            "redirect_uri": REDIRECT,
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "resource": self.notes.mcp_url,
        } | changes
        kept = {key: value for key, value in query.items() if value is not None}
        return str(httpx.URL(f"{self.notes.url}/authorize", params=kept))

    async def answer(self, account="alice@example.com", allow=True, **changes):
        """The authorization response's parameters."""
        location = await self.notes.consent(self.authorize_url(**changes), account, allow=allow)
        return dict(parse_qsl(urlsplit(location).query))

    async def token(self, code, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": self.client.get("client_id", ""),
            "code_verifier": VERIFIER,
            "resource": self.notes.mcp_url,
        } | changes
        return await self.http.post("/token", data={k: v for k, v in form.items() if v is not None})

    async def refresh(self, refresh_token, **changes):
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": self.client["client_id"]}
        return await self.http.post("/token", data=form | changes)

    async def connect(self, account="alice@example.com"):
        """Register, consent and exchange; returns the token response."""
        await self.register()
        return (await self.token((await self.answer(account))["code"])).json()

    async def mcp(self, token=None, message=INITIALIZE):
        headers = ACCEPT | ({"authorization": f"Bearer {token}"} if token else {})
        return await self.http.post("/mcp", json=message, headers=headers)


@pytest.fixture
def clock():
    return SimulatorClock()


@pytest.fixture
async def notes(clock):
    async with ServiceSimulator(clock=clock).running() as running:
        yield running


@pytest.fixture
async def app(notes):
    async with httpx.AsyncClient(base_url=notes.url, trust_env=False) as http:
        yield App(notes, http)
