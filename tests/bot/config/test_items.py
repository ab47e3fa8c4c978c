"""The settings as one document and as items are the same, and a difference is exactly what differs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from bot.config.items import Key, applied, diff, join, split
from bot.config.model import Config, dump, is_among
from bot.config.validation_messages import checked
from bot.model.errors import SettingsInvalid
from tests.bot.config.strategies import configs, few


@few
@given(configs())
def test_a_document_in_items_is_the_same_document(config):
    stored = {key: json.loads(json.dumps(body)) for key, body in split(config).items()}

    assert join(stored) == config


@few
@given(configs(), configs())
def test_a_difference_applied_is_the_other_document(before, after):
    changes = diff(before, after)

    assert applied(before, changes) == after
    assert all(change.before != change.after for change in changes)
    assert not diff(after, after)


@few
@given(configs())
def test_defaults_are_not_said(config):
    assert Config.model_validate(dump(config)) == config
    assert dump(Config()) == {}


SKILL = {"type": "custom", "skill_id": "s"}


def wrong(document: dict) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        checked(Config, document)
    return [str(problem) for problem in caught.value.problems]


def test_every_problem_is_told_once_at_its_place_without_the_value():
    assert wrong(
        {
            "version": 2,
            "admins": ["ann"],
            "surprise": 1,
            "budgets": {"per_turn": 0, "member_per_month": "much", "workspace_per_month": 1.005},
            "channels": {"C0123": {"who_may_ask": "me"}, "C0124": {"who_may_ask": ["me"]}},
            "profiles": {"x": {"preset": "wild", "environment": {"allowed_hosts": ["https://x"]}}},
            "services": {"notes": {"tools": {"allowed_tools": ["a"], "denied_tools": ["a"], "default": "allowed"}}},
            "members": [],
        }
    ) == [
        "version: must be 1",
        "admins.0: must be a Slack user id such as U0123ABCD",
        "budgets.workspace_per_month: must be an amount with at most two decimals",
        "budgets.member_per_month: must be an amount such as 2.50",
        "budgets.per_turn: must be more than 0",
        "services.notes.tools.default: must be 'auto', 'user_approved' or 'denied'",
        "profiles.x.preset: must be 'read_only', 'careful' or 'trusted'",
        "profiles.x.environment.allowed_hosts.0: must be a host such as api.example.com or *.example.com",
        "channels.C0123.who_may_ask: must be 'everyone' or 'admins' or a list",
        "channels.C0124.who_may_ask.0: must be a Slack user id such as U0123ABCD",
        "members: must be a table of names",
        "surprise: there is no such setting",
    ]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"channels": {"C0123": {"profile": "lost"}}}, "channels: there is no profile lost"),
        (
            {"profiles": {"x": {"environment": {"packages": {"pip": ["pandas"]}}}}},
            "profiles.x.environment: packages: a limited network needs `allow_package_managers: true` to install them",
        ),
        (
            {"profiles": {"x": {"environment": {"network": "unrestricted", "allowed_hosts": ["a.example"]}}}},
            "profiles.x.environment: allowed_hosts: only with `network: limited`",
        ),
        (
            {
                "profiles": {
                    "x": {"skills": [{"type": "custom", "skill_id": "s"}], "built_in_tools": {"read": "denied"}}
                }
            },
            "profiles.x: skills: the agent needs the built-in tool `read` to use them",
        ),
    ],
)
def test_what_does_not_go_together_is_said(document, problem):
    assert wrong(document) == [problem]


def test_the_default_profile_is_always_there_and_first():
    config = Config.model_validate({"profiles": {"a": {}}})

    assert config.profile_names == ("default", "a")
    assert config.profile("default") is not None
    assert config.profile("b") is None


def test_who_is_meant_is_everyone_the_admins_or_those_listed():
    assert is_among("everyone", "U01", is_admin=False)
    assert is_among("admins", "U01", is_admin=True)
    assert not is_among("admins", "U01", is_admin=False)
    assert is_among(("U01",), "U01", is_admin=False)
    assert not is_among(("U02",), "U01", is_admin=True)


def test_keys_are_named_and_ordered():
    assert str(Key("profile", "research")) == "profile/research"
    assert [str(key) for key in split(Config.model_validate({"is_paused": True, "channels": {"C0123": {}}}))] == [
        "channel/C0123",
        "workspace/is_paused",
    ]
