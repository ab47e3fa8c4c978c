"""The shipped catalogue as reviewed data: every pin with its source, nothing asked for that nobody needs."""

from __future__ import annotations

import tomllib

import pytest

from oauth.catalog.catalog import Catalog
from oauth.catalog.catalog_file import PINS, list_unsourced
from oauth.catalog.loader import read_shipped
from oauth.catalog.registrable_domain import get_site
from oauth.catalog.service import ServiceQuirk
from oauth.errors import CatalogInvalid
from oauth.protocol.url_policy import get_host
from store.records import RegistrationKind, ServiceName
from tests.oauth.catalog_table import PAGE, QUIRKS, replaced

ENTRIES = tomllib.loads(read_shipped())["services"]
ASKED_FOR = {
    "notion", "slack", "github", "atlassian", "linear", "sentry", "asana", "hubspot", "stripe", "intercom", "gmail",
    "google_drive", "google_calendar",
}  # fmt: skip
FOREIGN_ON_PURPOSE = {"github": {"github.com"}, "gmail": {"google.com"}}
NEVER = {"delete_repo", "workflow", "codespace", "admin:org", "https://mail.google.com/", "drive", "admin"}


def test_every_service_that_was_asked_for_is_shipped():
    assert set(ENTRIES) >= ASKED_FOR


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_pin_says_where_it_is_known_from(name):
    assert list_unsourced(ENTRIES[name]) == []


@pytest.mark.parametrize("key", ["mcp_url", "trusted_issuer", "quirks"])
def test_a_pin_without_a_source_is_found(key):
    entry = {**ENTRIES["slack"], "sources": {k: v for k, v in ENTRIES["slack"]["sources"].items() if k != key}}

    assert list_unsourced(entry) == [f"`{key}` has no source"]


def test_a_source_of_nothing_is_found():
    assert list_unsourced({"sources": {"scopes": "somewhere"}}) == ["a source for `scopes`, which is not pinned"]


def test_what_decides_where_codes_go_counts_as_a_pin():
    assert {"trusted_issuer", "endpoint_hosts", "resource", "scopes", "registration", "token_profile"} <= set(PINS)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_no_service_is_asked_for_more_than_reading_and_its_own_work(name):
    scopes = ENTRIES[name].get("scopes", [])

    assert not NEVER & {*scopes, *(scope.rpartition("/")[2] for scope in scopes)}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_endpoints_are_on_hosts_of_the_services_own_company(name):
    entry = ENTRIES[name]
    home = get_site(get_host(entry["mcp_url"]))
    company = {home, *(("google.com",) if home.endswith("googleapis.com") else ()), *FOREIGN_ON_PURPOSE.get(name, ())}

    assert {get_site(host) for host in entry.get("endpoint_hosts", ())} - {"oauth2.googleapis.com"} <= company


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_what_admins_must_do_first_is_said(name):
    is_free = ENTRIES[name].get("registration", "auto") == "auto"

    assert is_free or ENTRIES[name]["note"]


def test_a_service_that_ignores_resource_has_its_issuer_pinned():
    """Else a server that names this issuer would get tokens that work here (docs/reference/oauth.md#client-binding)."""
    services = Catalog.load(None, {}).services
    loose = [service for service in services if ServiceQuirk.IGNORES_RESOURCE in service.quirks]

    assert loose
    assert all(service.pins.trusted_issuer and service.pins.endpoint_hosts for service in loose)
    assert all(service.registration is RegistrationKind.PRE_REGISTERED for service in loose)


def test_every_quirk_has_a_sentence_and_a_service():
    used = {quirk for service in Catalog.load(None, {}).services for quirk in service.quirks}

    assert set(QUIRKS) == set(ServiceQuirk) == used


def test_sentrys_grants_and_googles_words_are_known():
    catalog = Catalog.load(None, {})

    assert catalog.get(ServiceName("sentry")).grant_days == 30
    assert catalog.get(ServiceName("gmail")).authorize_params == {"access_type": "offline", "prompt": "consent"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("grant_days = 0", "`grant_days` must be a number from 1 to 3650"),
        ("grant_days = true", "`grant_days` must be a number from 1 to 3650"),
        ('quirks = ["odd"]', "quirk `odd` is not known"),
        ('registration = "magic"', "`registration` must be auto, pre_registered or token"),
        ("authorize_params = { prompt = 1 }", "`authorize_params` must hold texts"),
        ('token_page = "javascript:alert(1)"', "`token_page` cannot be used"),
    ],
)
def test_a_mistake_in_an_operators_file_is_named(tmp_path, line, problem):
    path = tmp_path / "services.toml"
    path.write_text(f'[services.wiki]\ntitle = "Wiki"\nmcp_url = "https://mcp.wiki.example/mcp"\n{line}\n')

    with pytest.raises(CatalogInvalid) as caught:
        Catalog.load(path, {})
    assert any(problem in found for found in caught.value.problems)


def test_the_page_shows_the_services_as_they_are():
    page = PAGE.read_text("utf-8")

    assert page == replaced(page)
