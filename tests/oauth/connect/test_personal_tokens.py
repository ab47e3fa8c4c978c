"""Personal tokens in `oauth` itself: which services take one, and what the vault may answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oauth.catalog.catalog import Catalog
from oauth.catalog.service import Service
from oauth.connect.connect_context import ConnectContext
from oauth.connect.personal_tokens import PersonalTokens
from oauth.connect.tool_inventory import ToolInventory
from oauth.errors import (
    CredentialNotStored,
    NoRoom,
    ServiceNotAvailable,
    TokenUnreadable,
    UnknownService,
)
from oauth.mcp.list_tools import ToolLister
from oauth.ports import VaultFull, VaultRefused
from store.records import RegistrationKind, Secret, ServiceName
from tests.oauth.conftest import NOTES, RecordingVaults


@pytest.fixture
def catalog(notes):
    return Catalog({NOTES: Service(NOTES, "Notes", notes.mcp_url, None, registration=RegistrationKind.TOKEN)})


@pytest.fixture
def vaults(database, clock):
    return RecordingVaults(database, clock)


@pytest.fixture
def personal(*, database, catalog, sender, vaults, clock):
    listing = ToolLister(sender)
    inventory = ToolInventory(database=database, listing=listing, clock=clock)
    context = ConnectContext(
        database=database, catalog=catalog, vaults=vaults, sender=sender, clock=clock, base_url="http://127.0.0.1:9"
    )
    return PersonalTokens(context, listing=listing, inventory=inventory)


async def test_a_token_becomes_a_credential_that_says_it_is_personal(personal, vaults, notes, alice):
    token = Secret(notes.personal_token())

    connection = await personal.connect(alice, NOTES, token)

    [(owner, service, credential)] = vaults.credentials
    assert (owner, service, credential.access_token, credential.is_personal) == (alice, NOTES, token, True)
    assert (credential.refresh, credential.expires_at, connection.mcp_server_url) == (None, None, notes.mcp_url)


@pytest.mark.parametrize(("refusal", "expected"), [(VaultFull, NoRoom), (VaultRefused, CredentialNotStored)])
async def test_what_the_vault_refuses_is_said(*, personal, vaults, notes, alice, refusal, expected):
    async def put(*_):
        raise refusal

    vaults.put = put

    with pytest.raises(expected):
        await personal.connect(alice, NOTES, Secret(notes.personal_token()))


@pytest.mark.parametrize("token", ["", "short", "with a blank in it", "line\nbreak-in-it", "ümlaut-token", "x" * 5000])
async def test_what_cannot_be_a_token_is_sent_nowhere(personal, notes, alice, token):
    with pytest.raises(TokenUnreadable):
        await personal.connect(alice, NOTES, Secret(token))

    assert notes.visits == []


def test_only_services_that_take_one_get_one(personal, catalog):
    service = catalog.get(NOTES)
    with pytest.raises(UnknownService):
        personal.get_service(ServiceName("nothing"))

    catalog.offer([replace(service, registration=RegistrationKind.AUTO)])
    with pytest.raises(ServiceNotAvailable):
        personal.get_service(NOTES)
