"""Which service somebody means."""

from __future__ import annotations

import pytest

from bot.domain.connections.service_lookup import find_service, nearest_names
from oauth.catalog.catalog import Catalog

SERVICES = Catalog.load(None, {}).services


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("notion", "notion"),
        ("  NOTION ", "notion"),
        ("google_drive", "google_drive"),
        ("Google Drive", "google_drive"),
        ("google-drive", "google_drive"),
        ("Intercom (EU)", "intercom_eu"),
    ],
)
def test_a_name_or_title_is_enough(given, name):
    assert find_service(given, SERVICES).name == name


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("notoin", "notion"),
        ("google", "google_drive"),
        ("google", "google_calendar"),
        ("inter", "intercom"),
        ("sentri", "sentry"),
    ],
)
def test_what_is_near_is_named(given, near):
    assert find_service(given, SERVICES) is None
    assert near in nearest_names(given, SERVICES)


def test_where_nothing_is_near_the_first_few_are_named():
    assert len(nearest_names("qqqqqqqqqqqqqqqqqqqqqq", SERVICES)) == 5
    assert nearest_names("x", ()) == ()
