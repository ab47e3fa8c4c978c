"""The catalogue: ours is whole, the operator's is checked, a client is bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from oauth.catalog.catalog import Catalog
from oauth.catalog.service import Tools
from oauth.errors import CatalogInvalid, ServiceNotAvailable, UnknownService
from oauth.protocol.registration import PreRegistered
from store.records import Secret, ServiceName

CLIENT = PreRegistered("id", Secret("s"))


def a_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "services.toml"
    path.write_text(text)
    return path


def test_our_own_catalogue_is_whole():
    catalog = Catalog.load(None, {})

    assert {service.name for service in catalog.services} >= {
        "notion", "github", "slack", "atlassian", "linear", "sentry",
    }  # fmt: skip
    assert [service.title for service in catalog.services] == sorted(service.title for service in catalog.services)


@pytest.mark.threat(86)
def test_github_is_never_asked_for_more_than_is_pinned():
    """86 of docs/oauth-threats.md#h-abuse; docs/reference/oauth.md#scopes."""
    scopes = Catalog.load(None, {}).get(ServiceName("github")).scopes

    assert scopes
    assert not {"delete_repo", "workflow", "codespace", "admin:org"} & set(scopes)


def test_a_service_without_registration_waits_for_its_client():
    without, with_client = Catalog.load(None, {}), Catalog.load(None, {ServiceName("asana"): CLIENT})

    assert not without.get(ServiceName("asana")).is_available
    with pytest.raises(ServiceNotAvailable):
        without.get_available(ServiceName("asana"))
    assert with_client.get_available(ServiceName("asana")).client == CLIENT
    assert without.get_available(ServiceName("notion")).is_available


def test_a_service_that_takes_tokens_too_is_on_offer_without_a_client_but_not_by_sign_in():
    github = Catalog.load(None, {}).get(ServiceName("github"))

    assert (github.is_available, github.takes_token, github.takes_oauth) == (True, True, False)
    with pytest.raises(ServiceNotAvailable):
        Catalog.load(None, {}).get_available(ServiceName("github"))


def test_an_unknown_service_comes_with_the_nearest_names():
    with pytest.raises(UnknownService) as caught:
        Catalog.load(None, {}).get(ServiceName("notoin"))

    assert caught.value.near[0] == "notion"


def test_the_operators_file_adds_and_replaces(tmp_path):
    path = a_file(
        tmp_path,
        '[services.notes]\ntitle = "Notes"\nmcp_url = "http://127.0.0.1:8000/mcp"\n'
        '[services.notes.tools]\nallowed_tools = ["read"]\ndenied_tools = ["delete"]\ndefault = "denied"\n'
        '[services.linear]\ntitle = "Our Linear"\nmcp_url = "https://linear.example/mcp"\n',
    )

    catalog = Catalog.load(path, {})

    assert catalog.get(ServiceName("notes")).tools == Tools(("read",), (), ("delete",), "denied")
    assert catalog.get(ServiceName("linear")).title == "Our Linear"
    assert catalog.get(ServiceName("notion")).title == "Notion"


ENTRY = '[services.x]\ntitle = "x"\nmcp_url = "https://a.example"\n'
TOOLS = f"{ENTRY}[services.x.tools]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[services", "not TOML"),
        ("other = 1", "unknown key `other`"),
        ("services = 1", "must be tables"),
        ("[services]\nx = 1", "must be tables"),
        ('[services."Bad Name"]\ntitle = "x"\nmcp_url = "https://a.example"', "name must be"),
        ('[services.x]\ntitle = "x"', "`mcp_url` is missing"),
        ('[services.x]\ntitle = 7\nmcp_url = "https://a.example"', "`title` must be text"),
        (ENTRY + "typo = 1", "unknown key `typo`"),
        ('[services.x]\ntitle = "x"\nmcp_url = "ftp://a.example"', "`mcp_url` cannot be used"),
        ('[services.x]\ntitle = "x"\nmcp_url = "https://10.0.0.1/"', "`mcp_url` cannot be used"),
        (ENTRY + 'scopes = "a b"', "`scopes` must be a list"),
        (ENTRY + "pkce_unadvertised_ok = 1", "true or false"),
        (ENTRY + "tools = 1", "`tools` must be a table"),
        (ENTRY + 'registration = "x"', "`registration`"),
        (ENTRY + 'token_profile = "x"', "`token_profile`"),
        (ENTRY + 'trusted_issuer = "https://b.example"', "endpoint_hosts"),
        (ENTRY + "[services.x.authorize_params]\na = 1", "must hold texts"),
        (TOOLS + "allow = []", "`tools.allow`"),
        (TOOLS + 'default = "allowed"', "default"),
        (TOOLS + "allowed_tools = [1]", "list of texts"),
        (
            TOOLS + 'allowed_tools = ["t"]\ndenied_tools = ["t"]',
            "listed twice",
        ),
        ('[services.x]\ntitle = "x"\nmcp_url = "https://mcp.notion.com/mcp/"', "has the mcp_url of `notion`"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named(tmp_path, text, words):
    with pytest.raises(CatalogInvalid) as caught:
        Catalog.load(a_file(tmp_path, text), {})

    assert words in str(caught.value)


def test_all_mistakes_are_listed_at_once(tmp_path):
    path = a_file(tmp_path, 'a = 1\n[services.x]\ntypo = 1\n[services.y]\ntitle = ""\nmcp_url = "https://y.example"')

    with pytest.raises(CatalogInvalid) as caught:
        Catalog.load(path, {ServiceName("nobody"): CLIENT, ServiceName("notion"): CLIENT})

    assert len(caught.value.problems) == 7


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CatalogInvalid) as caught:
        Catalog.load(tmp_path / "missing.toml", {})

    assert "missing.toml" in str(caught.value)
