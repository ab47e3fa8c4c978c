"""Services in the file: one document of two halves, secrets by reference only, mistakes named at their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from inline_snapshot import snapshot

from bot.config.file_services import FileClient, Offer, joined, offer_changes, offers_of, variable_of
from bot.config.yaml_file import read, render_plan, write_offer
from bot.model.errors import SettingsInvalid
from store.records import RegistrationKind, Secret
from tests.bot.config.strategies import documents, few
from tests.builders import a_saved_service

PRE = {"registration": RegistrationKind.PRE_REGISTERED, "client_id": "c", "client_secret": Secret("canary-offer")}


@few
@given(documents())
def test_settings_and_services_are_two_halves_of_one_document(document):
    assert joined(document.config, document.offers) == document


def test_a_service_is_written_as_it_was_looked_at_and_its_secret_as_a_variable():
    [(name, offer)] = offers_of([a_saved_service(scopes=("read",), **PRE)]).items()

    assert write_offer(name, offer, ["Calls itself: a\nb"]) == snapshot("""\
# Calls itself: a b
services:
  papers:
    added:
      title: Papers
      mcp_url: https://papers.example/mcp
      registration: pre_registered
      trusted_issuer: https://login.papers.example
      endpoint_hosts:
      - login.papers.example
      resource: https://papers.example/mcp
    scopes:
    - read
    client:
      client_id: c
      client_secret:
        env: CLIENT_SECRET_PAPERS
""")


def test_two_secrets_that_were_typed_never_share_a_variable():
    rows = [a_saved_service(name=name, **PRE) for name in ("a-b", "a_b", "c")]
    rows[2] = a_saved_service(name="c", secret_variable=variable_of("a-b"), **PRE)

    variables = {name: offer.client.client_secret.env for name, offer in offers_of(rows).items()}

    assert variables == {"a-b": "CLIENT_SECRET_A_B_2", "a_b": "CLIENT_SECRET_A_B_3", "c": "CLIENT_SECRET_A_B"}


def test_a_shipped_service_that_only_was_paused_once_is_not_in_the_file():
    assert offers_of([a_saved_service(is_shipped=True)]) == {}


ADDED = "{title: Wiki, mcp_url: 'https://wiki.example/mcp'"
PINS = "trusted_issuer: 'https://login.example', endpoint_hosts: [login.example]"


@pytest.mark.parametrize(
    ("service", "problem"),
    [
        ("client: {client_id: a, client_secret: canary-clear}", "client.client_secret: a secret is never written here"),
        (
            "client: {client_id: a, client_secret: {env: ANTHROPIC_API_KEY}}",
            "client.client_secret.env: must be the name",
        ),
        ("client: {client_id: a, client_secret: {env: DEPUTY_CLIENT_SECRET_A}}", "client.client_secret.env: must be"),
        ("client: {client_id: 'a b'}", "client.client_id: must be written without blanks"),
        (f"added: {ADDED}}}", "added: trusted_issuer: is missing"),
        (f"added: {ADDED}, trusted_issuer: 'https://login.example'}}", "added: endpoint_hosts: `trusted_issuer` needs"),
        (f"added: {ADDED}, {PINS}, registration: pre_registered}}", "client: `registration: pre_registered` needs one"),
        (f"{{added: {ADDED}, {PINS}}}, client: {{client_id: a}}}}", "client: is for `pre_registered` only"),
        (f"added: {{title: Wiki, mcp_url: notes, {PINS}}}", "added.mcp_url: must be an address such as"),
        (f"added: {ADDED}, {PINS}, registration: guess}}", "added.registration: must be"),
        (f"added: {{mcp_url: 'https://wiki.example/mcp', {PINS}}}", "added.title: is missing"),
        ("scopes: ['a b']", "scopes.0: must be written without blanks"),
    ],
)
def test_what_cannot_be_so_is_said_at_its_place_and_never_repeated(service, problem):
    body = service if service.startswith("{") else f"{{{service}}}"

    with pytest.raises(SettingsInvalid) as caught:
        read(f"services: {{wiki: {body}}}")

    assert f"services.wiki.{problem}" in str(caught.value) or f"services.wiki: {problem}" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_plan_says_who_loses_their_connections_and_whose_secret_is_another():
    rows = [a_saved_service(), a_saved_service(name="wiki", **PRE)]
    before = offers_of(rows)
    after = {"wiki": before["wiki"], "github": Offer(client=FileClient(client_id="Iv1"))}

    assert render_plan(offer_changes(before, after, {"wiki"})) == snapshot("""\
+ catalog/github
    client.client_id: "Iv1"
- catalog/papers
    everybody's connections to it end
~ catalog/wiki
    secret: (default) → "another one"
1 to add, 1 to change, 1 to remove\
""")
