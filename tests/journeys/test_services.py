"""Every service of the catalogue, played by the simulator: connected with its pins, not with wrong ones."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from oauth.catalog.loader import read_shipped
from simulator.service.profiles import PROFILES
from simulator.service.server import RefusedByService, ServiceSimulator
from store import service_tools
from tests.world import ALICE, GENERAL, World, world

FLOW_PINS = {
    "trusted_issuer", "endpoint_hosts", "resource", "scopes", "registration", "token_profile", "authorize_params",
    "grant_days",
}  # fmt: skip
GOOGLE = {"google_drive", "google_calendar"}
SAME = {"intercom_eu": "intercom"}


@dataclass
class Street:
    """Several services, each on its own address, and one Deputy that knows them."""

    world: World
    services: dict[str, ServiceSimulator] = field(default_factory=dict)

    async def connect(self, name: str) -> int:
        """Connect a service as Alice; return the status of the callback, 303 for yes, 0 for the service's own no."""
        before = self.world.link_for(ALICE)
        await self.world.slack.type_command(ALICE, GENERAL, f"/agent connect {name}")
        url = await self.world.slack.until(lambda _: (new := self.world.link_for(ALICE)) != before and new)
        try:
            return (await self.world.walk(url, ALICE, service=self.services[name], ends_well=False)).status_code
        except RefusedByService:
            return 0

    def credential(self, name: str):
        """Return what the vault holds for a service, None for nothing."""
        url = self.services[name].mcp_url
        held = [
            credential.auth
            for vault in self.world.agents.vaults.values()
            for credential in vault.credentials.values()
            if credential.archived_at is None and credential.auth["mcp_server_url"] == url
        ]
        return held[0] if held else None

    async def tools(self, name: str) -> int:
        """Return how many tools the service was seen with."""
        async with self.world.app.database.transaction() as tx:
            return len(await service_tools.list_for(tx, self.world.app.install.workspace_id, name))

    def asked(self, name: str) -> dict[str, str]:
        """Return the last authorization request that a service got."""
        return next(v.query for v in reversed(self.services[name].visits) if v.path == "/authorize")


@asynccontextmanager
async def street(tmp_path, changes: dict[str, dict[str, str | None]]) -> AsyncIterator[Street]:
    """Open a street of the named services, their entries changed as said."""
    async with AsyncExitStack() as stack:
        (tmp_path / "clients.toml").touch()
        settings = {"DEPUTY_CLIENTS": str(tmp_path / "clients.toml"), "DEPUTY_SERVICES": ""}
        made = await stack.enter_async_context(world(tmp_path, **settings))
        there, entries, clients = Street(made), [], []
        for name, changed in changes.items():
            profile, kind = PROFILES[name.partition("-")[0]], ServiceSimulator(clock=made.peers.clock)
            service = there.services[name] = await stack.enter_async_context(kind.running())
            profile.play(service)
            entries.append(profile.entry(name, service, changed))
            if profile.client_method:
                callback = f"{made.settings.public_url}/oauth/callback/{name}"
                client = service.preregister(callback, profile.client_method)
                clients.append(
                    f'[clients.{name}]\nclient_id = "{client.client_id}"\nclient_secret = "{client.client_secret}"\n'
                )
        made.peers.catalog.write_text("\n".join(entries), "utf-8")
        (tmp_path / "clients.toml").write_text("".join(clients), "utf-8")
        yield there


async def test_every_service_is_connected_and_works(tmp_path):
    async with street(tmp_path, {name: {} for name in PROFILES}) as there, there.world.deputy():
        seen = {name: await there.connect(name) for name in PROFILES}
        await there.world.settled()

        assert seen == dict.fromkeys(PROFILES, 303)
        assert [name for name in PROFILES if there.credential(name) is None] == []
        # With the token the service's own door was passed: six tools each.
        assert {name: await there.tools(name) for name in PROFILES} == dict.fromkeys(PROFILES, 6)
        _holds_what_each_is_known_for(there)


def _holds_what_each_is_known_for(there: Street) -> None:
    github, gmail, slack = there.asked("github"), there.asked("gmail"), there.credential("slack")
    assert github["scope"] == "notes:read notes:write"
    assert "delete_repo" not in str(there.services["github"].visits)
    assert (gmail["access_type"], gmail["prompt"]) == ("offline", "consent")
    assert "offline_access" not in gmail["scope"]
    assert there.credential("gmail")["refresh"]["refresh_token"]
    assert slack["refresh"]["resource"] == there.services["slack"].url
    assert slack["refresh"]["token_endpoint_auth"]["type"] == "client_secret_post"
    assert there.credential("github").get("refresh") is None
    assert there.credential("github").get("expires_at") is None
    assert there.credential("notion")["refresh"]["token_endpoint_auth"]["type"] == "none"


WRONG: dict[str, dict[str, str | None]] = {
    "github-issuer": {"trusted_issuer": 'trusted_issuer = "{url}/login"'},
    "github-host": {"endpoint_hosts": 'endpoint_hosts = ["github.example"]'},
    "github-scopes": {"scopes": None},
    "slack-issuer": {"trusted_issuer": 'trusted_issuer = "{url}"'},
    "slack-resource": {"resource": 'resource = "{url}/mcp"'},
    "slack-form": {"token_profile": None},
    "asana-issuer": {"trusted_issuer": 'trusted_issuer = "{url}/"'},
    "hubspot-host": {"endpoint_hosts": 'endpoint_hosts = ["hubspot.example"]'},
    "gmail-issuer": {"trusted_issuer": 'trusted_issuer = "{url}/"'},
    "notion-host": {"endpoint_hosts": 'endpoint_hosts = ["notion.example"]'},
    "stripe-host": {"endpoint_hosts": 'endpoint_hosts = ["stripe.example"]'},
}


REASONS = {
    "issuer": "issuer differs",
    "host": "on a host that is not pinned",
    "scopes": "invalid_scope",
    "resource": "resource differs from the pinned one",
    "form": "token_type missing",
}


async def test_with_a_wrong_pin_nothing_is_connected(tmp_path):
    async with street(tmp_path, WRONG) as there, there.world.deputy():
        seen = {name: await there.connect(name) for name in WRONG}
        await there.world.settled()

        assert [name for name, status in seen.items() if status == 303] == []
        assert [name for name in WRONG if there.credential(name) is not None] == []
        failed = {entry.subject: entry.details for entry in await there.world.audited("connect.failed")}
        said = {name: failed[name].get("rule") or failed[name].get("code") for name in WRONG}
        assert {name: REASONS[name.partition("-")[2]] in said[name] for name in WRONG} == dict.fromkeys(WRONG, True)


async def test_google_without_its_words_gives_no_refresh_token(tmp_path):
    async with street(tmp_path, {"gmail": {"authorize_params": None}}) as there, there.world.deputy():
        assert await there.connect("gmail") == 303

        assert there.credential("gmail").get("refresh") is None


async def test_slacks_no_with_200_is_a_no(tmp_path):
    async with street(tmp_path, {"slack": {}}) as there, there.world.deputy():
        there.services["slack"].fail_next_token = "invalid_grant"

        assert await there.connect("slack") == 502
        assert there.credential("slack") is None


async def test_a_redirect_address_off_the_list_is_told_and_nothing_is_connected(tmp_path):
    async with street(tmp_path, {"intercom": {}}) as there, there.world.deputy():
        there.services["intercom"].registration_error = "invalid_redirect_uri"

        assert await there.connect("intercom") == 502
        assert there.credential("intercom") is None


async def test_a_client_that_was_forgotten_is_registered_afresh_and_a_rotated_grant_goes_on(tmp_path):
    async with street(tmp_path, {"notion": {}}) as there, there.world.deputy():
        notion = there.services["notion"]
        assert await there.connect("notion") == 303
        first = there.credential("notion")["refresh"]["client_id"]
        there.world.turn(8 * 24 * 3600)

        assert await there.connect("notion") == 303
        assert there.credential("notion")["refresh"]["client_id"] != first
        assert len(notion.clients) == 2


@pytest.mark.parametrize("name", sorted({*tomllib.loads(read_shipped())["services"]} - GOOGLE))
def test_a_profile_pins_what_the_catalogue_pins(name):
    shipped = tomllib.loads(read_shipped())["services"][name]
    played = {line.partition(" = ")[0] for line in PROFILES[SAME.get(name, name)].pins}

    assert played & FLOW_PINS == set(shipped) & FLOW_PINS


@pytest.mark.parametrize("name", sorted(GOOGLE))
def test_googles_services_are_pinned_alike(name):
    services = tomllib.loads(read_shipped())["services"]

    assert {key: services[name].get(key) for key in FLOW_PINS - {"scopes"}} == {
        key: services["gmail"].get(key) for key in FLOW_PINS - {"scopes"}
    }
