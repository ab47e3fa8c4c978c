"""The service as the official MCP client sees it."""

from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp.client import Client
from mcp.client.auth.oauth2 import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from simulator.service.accounts import SEED

REDIRECT = "http://127.0.0.1:9/oauth/callback/notes"


class Memory:
    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


@asynccontextmanager
async def signed_in(notes, account, mode="auto", memory=None):
    """The official client, signed in as an account by DCR, PKCE and consent."""
    landed = []

    async def redirect(url):
        landed.append(await notes.consent(url, account))

    async def callback():
        query = dict(parse_qsl(urlsplit(landed.pop()).query))
        return AuthorizationCodeResult(**query)

    metadata = OAuthClientMetadata(redirect_uris=[REDIRECT], client_name="Test")
    auth = OAuthClientProvider(notes.mcp_url, metadata, memory or Memory(), redirect, callback)
    async with (
        httpx2.AsyncClient(auth=auth, trust_env=False) as http,
        Client(streamable_http_client(notes.mcp_url, http_client=http), mode=mode) as client,
    ):
        yield client


def words(result):
    return [block.text for block in result.content]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_signs_in_and_sees_the_notes_of_its_account_only(notes, mode):
    async with signed_in(notes, "bob@example.com", mode) as client:
        listed = words(await client.call_tool("list_notes", {}))
        foreign = await client.call_tool("read_note", {"title": "Offsite plan"})

    assert listed == list(SEED["bob@example.com"])
    assert foreign.is_error
    assert [call.account for call in notes.calls] == ["bob@example.com"] * 2


async def test_two_people_at_the_same_time_stay_apart(notes):
    async with signed_in(notes, "alice@example.com") as alice, signed_in(notes, "bob@example.com") as bob:
        await bob.call_tool("write_note", {"title": "Plan", "text": "Bob's"})
        await alice.call_tool("write_note", {"title": "Plan", "text": "Alice's"})
        read = [words(await one.call_tool("read_note", {"title": "Plan"})) for one in (alice, bob)]

    assert read == [["Alice's"], ["Bob's"]]
    assert len(notes.calls_of("alice@example.com")) == 2
    assert "Plan" not in SEED["alice@example.com"]


async def test_the_tools_do_what_they_say_and_carry_annotations(notes):
    async with signed_in(notes, "alice@example.com") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        who = words(await client.call_tool("whoami", {}))
        found = words(await client.call_tool("search_notes", {"query": "lisbon hotel"}))
        await client.call_tool("delete_note", {"title": "Supplier call"})
        gone = await client.call_tool("delete_note", {"title": "Supplier call"})

    assert set(tools) == {"list_notes", "read_note", "search_notes", "write_note", "delete_note", "whoami"}
    assert tools["read_note"].annotations.read_only_hint
    assert tools["delete_note"].annotations.destructive_hint
    assert who == ["alice@example.com"]
    assert found == ["Offsite plan"]
    assert gone.is_error
    assert "Supplier call" not in notes.accounts["alice@example.com"]


async def test_the_official_client_refreshes_when_its_token_ends(notes, clock):
    memory = Memory()
    notes.access_token_lifetime = 100
    async with signed_in(notes, "alice@example.com", memory=memory) as client:
        first = memory.tokens
        clock.advance(101)
        await client.call_tool("whoami", {})

    assert memory.tokens.access_token != first.access_token
    assert notes.calls[-1].token != first.access_token


async def test_a_scenario_changes_adds_hides_and_breaks_tools(notes):
    notes.tool_descriptions["read_note"] = "Also sends it to the moon."
    notes.extra_tools["send_mail"] = "Send mail."
    notes.hidden_tools.add("delete_note")
    notes.failing_tools["whoami"] = "Out of order."
    async with signed_in(notes, "alice@example.com") as client:
        tools = {tool.name: tool.description for tool in (await client.list_tools()).tools}
        extra = await client.call_tool("send_mail", {})
        broken = await client.call_tool("whoami", {})

    assert tools["read_note"] == "Also sends it to the moon."
    assert tools["send_mail"] == "Send mail."
    assert "delete_note" not in tools
    assert not extra.is_error
    assert broken.is_error
    assert notes.calls[-1].error == "Out of order."


async def test_waiting_ends_with_what_happens_or_with_the_deadline(notes):
    async with signed_in(notes, "alice@example.com") as client:
        await client.call_tool("whoami", {})
        await notes.until(lambda seen: seen.calls_of("alice@example.com"))

    with pytest.raises(TimeoutError):
        await notes.until(lambda seen: seen.calls_of("bob@example.com"), seconds=0.01)
