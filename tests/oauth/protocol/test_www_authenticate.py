"""RFC 9110 §11.6.1; 21 and 22 of docs/oauth-threats.md#b-discovery."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.errors import RuleBroken
from oauth.protocol.www_authenticate import Challenge, find_bearer, parse_challenges


@pytest.mark.threat(22)
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([""], []),
        (["Bearer"], [("bearer", {})]),
        (["bearer scope=a"], [("bearer", {"scope": "a"})]),
        (['BEARER scope="a b", Error=x'], [("bearer", {"scope": "a b", "error": "x"})]),
        (['Basic realm="x", Bearer scope="a"'], [("basic", {"realm": "x"}), ("bearer", {"scope": "a"})]),
        (["Basic realm=x", "Bearer scope=a"], [("basic", {"realm": "x"}), ("bearer", {"scope": "a"})]),
        (["Negotiate, Bearer a=b"], [("negotiate", {}), ("bearer", {"a": "b"})]),
        (["Negotiate YWJj=, Bearer a=b"], [("negotiate", {}), ("bearer", {"a": "b"})]),
        (['Bearer x="a\\"b, scope=c"'], [("bearer", {"x": 'a"b, scope=c'})]),
        (
            ['Bearer error_description="see scope=admin", scope="a b"'],
            [("bearer", {"error_description": "see scope=admin", "scope": "a b"})],
        ),
        (['Bearer a = "b" , c=d'], [("bearer", {"a": "b", "c": "d"})]),
    ],
)
def test_challenges_are_read_as_the_grammar_says(lines, expected):
    assert parse_challenges(lines) == tuple(Challenge(scheme, params) for scheme, params in expected)


@pytest.mark.threat(22)
@pytest.mark.parametrize(
    "line", ["Bearer a=b, a=c", "Bearer a=b A=c", 'Bearer a="open', "=x", "Bearer a=b c=d", "Bearer, a=b", "x" * 9000]
)
def test_what_does_not_follow_the_grammar_is_refused(line):
    with pytest.raises(RuleBroken):
        parse_challenges([line])


def test_the_bearer_challenge_is_found_among_others():
    assert find_bearer(['Basic realm="x"', "DPoP a=b, Bearer c=d"]) == Challenge("bearer", {"c": "d"})
    assert find_bearer(["Basic realm=x"]) is None


@given(st.lists(st.text(alphabet='Bearer ,="\\scope\tü', max_size=40) | st.text(max_size=40), max_size=3))
def test_any_header_is_read_or_refused(lines):
    with contextlib.suppress(RuleBroken):
        parse_challenges(lines)


def test_a_url_that_should_be_quoted_and_is_not_is_read_to_its_end():
    """Stripe, 2026-09; RFC 9110 §5.6.2 has no `:` in a token."""
    found = find_bearer(["Bearer resource_metadata=https://mcp.example.com/.well-known/x?a=b, scope=mcp"])

    assert found == Challenge(
        "bearer", {"resource_metadata": "https://mcp.example.com/.well-known/x?a=b", "scope": "mcp"}
    )
