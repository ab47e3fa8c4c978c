"""Notes behind the MCP SDK's own authorization routes and handlers; only where things are kept is written here."""

from __future__ import annotations

import secrets
import sys
import time
from typing import TypeVar

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl

port, registration, refreshing = int(sys.argv[1]), sys.argv[2], sys.argv[3]
LIFE = 3600
Kept = TypeVar("Kept", AuthorizationCode, RefreshToken)


class Memory(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Keeps what the handlers give it until the process ends."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        if registration == "refused":
            raise RegistrationError("invalid_redirect_uri", "ask the operator")
        self.clients[str(client_info.client_id)] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32),
            client_id=str(client.client_id),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            **params.model_dump(exclude={"state", "scopes"}),
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return _of(client, self.codes.get(authorization_code))

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        return self._issue(str(client.client_id), authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return _of(client, self.refresh_tokens.get(refresh_token))

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        del self.refresh_tokens[refresh_token.token]
        return self._issue(str(client.client_id), scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.tokens.pop(token.token, None)
        self.refresh_tokens.pop(token.token, None)

    def _issue(self, client_id: str, scopes: list[str], resource: str | None) -> OAuthToken:
        told = OAuthToken(access_token=secrets.token_urlsafe(32), expires_in=LIFE, scope=" ".join(scopes))
        common = {"client_id": client_id, "scopes": scopes, "resource": resource}
        self.tokens[told.access_token] = AccessToken(
            token=told.access_token, expires_at=int(time.time()) + LIFE, **common
        )
        if refreshing == "refreshing":
            told.refresh_token = secrets.token_urlsafe(32)
            self.refresh_tokens[told.refresh_token] = RefreshToken(token=told.refresh_token, **common)
        return told


def _of(client: OAuthClientInformationFull, kept: Kept | None) -> Kept | None:
    return kept if kept is not None and kept.client_id == client.client_id else None


base = f"http://127.0.0.1:{port}"
server = MCPServer(
    "Notes",
    auth_server_provider=Memory(),
    auth=AuthSettings(
        issuer_url=AnyHttpUrl(base),
        resource_server_url=AnyHttpUrl(f"{base}/mcp"),
        required_scopes=["notes"],
        client_registration_options=ClientRegistrationOptions(
            enabled=registration != "closed", valid_scopes=["notes"], default_scopes=["notes"]
        ),
        validate_token_resource=True,
    ),
)


@server.tool()
def list_notes() -> list[str]:
    """List the titles of all your notes."""
    return ["Independent"]


@server.tool()
def read_note(title: str) -> str:
    """Read one note by its title."""
    return f"{title} was written by nobody of us."


server.run(transport="streamable-http", host="127.0.0.1", port=port)
