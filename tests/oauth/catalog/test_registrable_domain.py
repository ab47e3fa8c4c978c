"""Whose a host is, by the Public Suffix List."""

from __future__ import annotations

import pytest

from oauth.catalog.registrable_domain import get_site, list_foreign


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("mcp.notion.com", "notion.com"),
        ("notion.com", "notion.com"),
        ("MCP.Notion.com", "notion.com"),
        ("mcp.shop.co.uk", "shop.co.uk"),
        ("evil.workers.dev", "evil.workers.dev"),
        ("a.b.evil.github.io", "evil.github.io"),
        ("github.io", "github.io"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "localhost"),
    ],
)
def test_a_site_is_what_somebody_registered(host, site):
    assert get_site(host) == site


def test_two_people_of_one_hosting_are_foreign_to_each_other():
    assert list_foreign(["mine.workers.dev", "yours.workers.dev"], "mine.workers.dev") == ("yours.workers.dev",)


def test_hosts_of_one_company_are_not_foreign():
    assert list_foreign(["auth.atlassian.com", "mcp.atlassian.com"], "mcp.atlassian.com") == ()
