"""No two services can be taken for each other."""

from __future__ import annotations

import tomllib

import pytest

from oauth.catalog.loader import read_shipped
from oauth.catalog.titles import build_skeleton, find_title_problem

pytestmark = pytest.mark.fault("S23")
OTHERS = {"notion": "Notion", "google_drive": "Google Drive", "linear": "Linear", "m365": "Microsoft 365"}


@pytest.mark.parametrize(
    "title",
    [
        "Notion", "notion", " NOTION ", "No tion", "Not\u200bion", "N\u043etion", "N0tion", "Not1on",
        "Notlon", "N\u00f6tion",
        "\uff2e\uff4f\uff54\uff49\uff4f\uff4e", "Google-Drive", "GoogleDrive", "google_drive", "Notion!", "L\u0456near",
        "\u039d\u03bft\u0456on", "m365", "Rnicrosoft 365",
    ],
)  # fmt: skip
def test_a_title_that_looks_like_anothers_is_refused(title):
    assert find_title_problem(title, OTHERS)


NEWS = "\u041d\u043e\u0432\u043e\u0441\u0442\u0438"


@pytest.mark.parametrize("title", ["Notes", "Notion Mirror", "\u30ce\u30fc\u30c8", NEWS, "Drive", "\u2728", "365"])
def test_a_title_of_its_own_is_taken(title):
    assert find_title_problem(title, OTHERS) is None


def test_the_shipped_titles_can_be_told_apart():
    titles = [entry["title"] for entry in tomllib.loads(read_shipped())["services"].values()]
    assert len({build_skeleton(title) for title in titles}) == len(titles)
