"""The three peers together, and the environment they give the bot."""

import tomllib

import httpx
import pytest

from simulator.clock import SimulatorClock
from simulator.peers import SLACK_VARIABLES, Peers

BOT = ("http://127.0.0.1:5999", 5999, "sqlite+aiosqlite:///x.db")


@pytest.fixture
async def peers():
    async with Peers().running() as running:
        yield running


async def test_all_peers_answer_on_one_clock(peers):
    async with httpx.AsyncClient(trust_env=False) as http:
        statuses = [
            (await http.post(f"{peers.slack.api_url}auth.test", data={"token": peers.slack.bot_token})).status_code,
            (await http.get(f"{peers.agents.url}/v1/agents")).status_code,
            (await http.get(peers.notes.url)).status_code,
        ]

    assert statuses == [200, 401, 200]
    assert peers.slack.clock is peers.agents.clock is peers.notes.clock is peers.clock


async def test_the_environment_names_every_peer_and_a_catalogue_with_notes(peers):
    environment = peers.environment(*BOT)
    catalogue = tomllib.loads(peers.catalog.read_text("utf-8"))

    assert environment["SLACK_API_URL"] == peers.slack.api_url
    assert environment["ANTHROPIC_BASE_URL"] == peers.agents.url
    assert environment["PORT"] == "5999"
    assert environment["DEPUTY_CATALOG"] == str(peers.catalog)
    assert catalogue["services"]["notes"]["mcp_url"] == peers.notes.mcp_url
    assert catalogue["services"]["notes"]["tools"]["user_approved_tools"] == ["write_note", "delete_note"]


async def test_the_bots_address_is_registered_for_sign_in_with_slack(peers):
    peers.environment(*BOT)

    assert f"{BOT[0]}/connect/slack/callback" in peers.slack.redirect_uris


async def test_a_bot_started_again_gets_the_same_environment(peers):
    assert peers.environment(*BOT) == peers.environment(*BOT)


async def test_a_peer_left_out_is_not_started_and_not_named():
    peers = Peers()
    async with peers.running(without={"slack"}):
        environment = peers.environment(*BOT)

    assert not set(SLACK_VARIABLES) & environment.keys()
    assert "ANTHROPIC_API_KEY" in environment


async def test_personas_of_the_workspace_are_accounts_of_the_service(peers):
    assert peers.notes.personas[peers.slack.alice] == "alice@example.com"
    assert peers.notes.personas[peers.slack.bob] == "bob@example.com"
    assert set(peers.notes.personas.values()) == set(peers.notes.accounts)


async def test_the_clock_given_is_the_clock_used():
    clock = SimulatorClock()

    assert Peers(clock=clock).notes.clock is clock


async def test_the_catalogue_is_gone_afterwards():
    async with Peers().running() as peers:
        path = peers.catalog
        assert path.exists()

    assert not path.exists()
