import pytest

from bot.domain.access.eligibility import judge
from bot.domain.ports import PersonInfo
from bot.listeners.intake import Install, Whose, is_for, whose
from bot.model.errors import Refusal
from store.records import UserId

HOME = Install(app_id="A1", team_id="T1", enterprise_id=None, bot_user_id="UBOT")
ORG_WIDE = Install(app_id="A1", team_id="E1", enterprise_id="E1", bot_user_id="UBOT", is_org_wide=True)
GRID = Install(app_id="A1", team_id="T1", enterprise_id="E1", bot_user_id="UBOT", is_org_wide=True)


def person(**changes) -> PersonInfo:
    known = {
        "user_id": UserId("U1"),
        "team_id": "T1",
        "enterprise_id": None,
        "name": "ana",
        "is_bot": False,
        "is_guest": False,
        "is_stranger": False,
        "is_deleted": False,
    }
    return PersonInfo(**(known | changes))


def test_a_full_member_is_let_in():
    assert judge(person(), HOME.home) is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"is_bot": True}, Refusal.BOT),
        ({"is_deleted": True}, Refusal.DEACTIVATED),
        ({"is_stranger": True}, Refusal.STRANGER),
        ({"team_id": "T2"}, Refusal.STRANGER),
        ({"team_id": "T2", "enterprise_id": "E9"}, Refusal.STRANGER),
        ({"is_guest": True}, Refusal.GUEST),
    ],
)
def test_everybody_else_is_refused_for_their_reason(changes, refusal):
    assert judge(person(**changes), HOME.home).refusal is refusal


def test_somebody_slack_does_not_know_is_refused():
    assert judge(None, HOME.home).refusal is Refusal.UNVERIFIABLE


def test_an_outsider_in_a_shared_channel_is_a_stranger_although_slack_does_not_say_so():
    assert judge(person(team_id="T2", is_stranger=False), HOME.home).refusal is Refusal.STRANGER


def test_a_colleague_of_another_team_of_the_same_org_is_let_in():
    assert judge(person(team_id="T2", enterprise_id="E1"), GRID.home) is None


def test_an_empty_enterprise_is_not_a_shared_one():
    assert judge(person(team_id="T2", enterprise_id=None), HOME.home).refusal is Refusal.STRANGER


@pytest.mark.parametrize(
    "body",
    [
        {"api_app_id": "A2", "team_id": "T1"},
        {"api_app_id": "A1", "team_id": "T2"},
        {"api_app_id": "A1", "authorizations": [{"team_id": "T2"}], "team_id": "T1"},
        {"api_app_id": "A1", "team": {"id": "T2"}},
        {"api_app_id": "A1"},
        {},
    ],
)
def test_requests_for_another_app_or_team_are_not_for_us(body):
    assert not is_for(HOME, body)


IN_A_SISTER = {
    "type": "view_submission",
    "api_app_id": "A1",
    "team": {"id": "T2", "enterprise_id": "E1"},
    "enterprise": {"id": "E1"},
    "user": {"id": "U7", "team_id": "T2"},
    "view": {"app_installed_team_id": "T1", "team_id": "T2"},
}


@pytest.mark.fault("F27")
@pytest.mark.parametrize(
    ("changes", "is_ours"),
    [
        ({}, True),
        ({"type": "block_actions"}, True),
        ({"view": {"app_installed_team_id": "T9", "team_id": "T1"}}, False),
        ({"view": {"team_id": "T1"}}, False),
        ({"view": {}, "team": None, "user": {"team_id": "T1"}}, True),
        ({"view": {"team_id": "T1"}, "team": None, "user": {}}, True),
        ({"view": {}, "team": None, "user": {"team_id": "T2"}}, False),
        ({"api_app_id": "A2"}, False),
        ({"type": "block_actions", "view": {}, "message": {"app_id": "A1", "team": "T1"}}, True),
        ({"type": "block_actions", "view": {}, "message": {"app_id": "A2", "team": "T1"}}, False),
        ({"type": "block_actions", "view": {}, "message": {"app_id": "A1", "team": "T2"}}, False),
        ({"type": "message_action", "view": {}, "message": {"app_id": "A1", "team": "T1"}}, False),
    ],
)
def test_in_an_organisation_a_view_says_where_its_app_is_installed(changes, is_ours):
    home = Install(app_id="A1", team_id="T1", enterprise_id="E1", bot_user_id="UBOT")

    assert is_for(home, IN_A_SISTER | changes) is is_ours


@pytest.mark.fault("F27")
def test_of_an_app_of_the_whole_organisation_a_view_may_say_the_organisation():
    body = {"api_app_id": "A1", "team": None, "enterprise": None, "view": {"app_installed_team_id": "E1"}}

    assert is_for(GRID, body)
    assert not is_for(GRID, body | {"view": {"app_installed_team_id": "E2"}})
    assert not is_for(HOME, body | {"view": {}})


HERE = Install(app_id="A1", team_id="T1", enterprise_id="E1", bot_user_id="UBOT")
COMMAND = {"api_app_id": "A1", "team_id": "T2", "enterprise_id": "E1", "is_enterprise_install": "true"}
CLICK = {"api_app_id": "A1", "type": "block_actions", "team": {"id": "T2", "enterprise_id": "E1"}}


@pytest.mark.fault("F27")
@pytest.mark.parametrize(
    ("body", "here", "org_wide"),
    [
        (COMMAND, Whose.SISTERS, Whose.OURS),
        (COMMAND | {"team_id": "T1"}, Whose.OURS, Whose.OURS),
        (COMMAND | {"enterprise_id": "E9"}, Whose.FOREIGN, Whose.FOREIGN),
        (COMMAND | {"enterprise_id": None, "team_id": "E1"}, Whose.SISTERS, Whose.OURS),
        (COMMAND | {"enterprise_id": ""}, Whose.FOREIGN, Whose.FOREIGN),
        (COMMAND | {"api_app_id": "A2"}, Whose.FOREIGN, Whose.FOREIGN),
        (CLICK, Whose.SISTERS, Whose.OURS),
        (CLICK | {"team": None, "enterprise": {"id": "E1"}}, Whose.SISTERS, Whose.OURS),
        (CLICK | {"team": {"id": "T9"}, "message": {"app_id": "A1", "user": "UBOT"}}, Whose.OURS, Whose.OURS),
        (CLICK | {"message": {"app_id": "A1", "user": "UBOT2", "team": "T2"}}, Whose.SISTERS, Whose.OURS),
        (CLICK | {"message": {"app_id": "A2", "user": "UBOT"}}, Whose.SISTERS, Whose.OURS),
        (CLICK | {"type": "message_action"}, Whose.SISTERS, Whose.OURS),
        (CLICK | {"type": "view_submission", "view": {"app_installed_team_id": "T3"}}, Whose.SISTERS, Whose.OURS),
        ({"api_app_id": "A1", "authorizations": [{"team_id": None, "enterprise_id": "E1"}]}, Whose.SISTERS, Whose.OURS),
        (COMMAND | {"authorizations": [{"team_id": "T9", "enterprise_id": "E9"}]}, Whose.FOREIGN, Whose.FOREIGN),
        (COMMAND | {"authorizations": [{"team_id": "T9", "enterprise_id": None}]}, Whose.FOREIGN, Whose.FOREIGN),
        (COMMAND | {"authorizations": [None, 5]}, Whose.SISTERS, Whose.OURS),
        (COMMAND | {"authorizations": []}, Whose.SISTERS, Whose.OURS),
    ],
)
def test_every_kind_of_payload_is_judged_by_what_it_says_of_its_app(body, here, org_wide):
    assert (whose(HERE, body), whose(ORG_WIDE, body)) == (here, org_wide)


@pytest.mark.fault("F27")
def test_without_an_organisation_nobody_is_a_sister():
    assert {whose(HOME, body) for body in (COMMAND, CLICK, {}, {"enterprise_id": None})} == {Whose.FOREIGN}


def test_the_installation_counts_not_the_actors_team():
    assert is_for(HOME, {"api_app_id": "A1", "team_id": "T9", "authorizations": [{"team_id": "T1"}]})


def test_an_org_wide_install_serves_every_team_of_its_org():
    assert is_for(GRID, {"api_app_id": "A1", "authorizations": [{"team_id": "T7", "enterprise_id": "E1"}]})
    assert GRID.workspace_id == "E1"
