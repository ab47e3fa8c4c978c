"""As which account somebody connected: told where the service tells it, never believed for anything else."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest

from oauth.connect.account import find_account


def id_token(**claims: object) -> str:
    payload = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    ("fields", "account"),
    [
        ({"id_token": id_token(sub="1", name="Alice", email="alice@acme.example")}, "alice@acme.example"),
        ({"id_token": id_token(sub="1", preferred_username="alice")}, "alice"),
        ({"account": "alice@acme.example"}, "alice@acme.example"),
        ({"account": {"name": "Alice"}}, "Alice"),
        ({"user": {"login": "alice-a", "name": "Alice"}}, "alice-a"),
        ({"workspace_name": "Acme", "owner": {"user": {"name": "Al", "person": {"email": "a@b.c"}}}}, "a@b.c (Acme)"),
        ({"team": {"id": "T1", "name": "Acme"}, "authed_user": {"id": "U1"}}, "Acme"),
    ],
)
def test_the_account_is_read_where_services_say_it(fields, account):
    assert find_account(fields).label == account


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id_token": "no.token"},
        {"id_token": "a.!!!.c"},
        {"id_token": "a." + "A" * 20_000 + ".c"},
        {"id_token": id_token(email=["a"])},
        {"account": "x" * 81},
        {"account": "look at https://evil.example"},
        {"name": "Deputy's own app"},
        {"user": "U1", "owner": [], "team": "T1"},
    ],
)
def test_what_cannot_be_shown_or_is_no_account_is_none(fields):
    assert find_account(fields).label is None


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({}, None),
        ({"id_token": None}, None),
        ({"id_token": id_token(sub="1")}, "1"),
        ({"id_token": id_token(email="a@b.c")}, ""),
        ({"id_token": id_token(sub=7)}, ""),
        ({"id_token": "no.token"}, ""),
    ],
)
def test_an_id_token_without_a_subject_is_not_taken_for_none(fields, subject):
    """With none, whatever `/userinfo` answers is about this token; with one, both must be about the same person."""
    assert find_account(fields).subject == subject
