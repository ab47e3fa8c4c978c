"""In an organisation of several workspaces: whose requests are for Deputy, and what the others are told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.model import action_ids
from simulator.slack import people
from simulator.slack.organisation import ORGANISATION, SISTER_TEAM, Organisation
from store import members
from store.records import UserId
from tests.journeys.test_threads import ask_about
from tests.world import ALICE, GENERAL, World

MENTION = f"<@{people.BOT}>"
ELSEWHERE = "another workspace of your organisation"
pytestmark = pytest.mark.fault("F27")


async def started(world: World, *, is_installed: bool) -> AsyncIterator[World]:
    world.slack.workspace.organisation = Organisation(is_installed=is_installed)
    world.slack.openid.enterprise_id = ORGANISATION
    for person in world.slack.workspace.people.values():
        if person.team_id == people.TEAM:
            person.enterprise_id = ORGANISATION
    async with world.deputy():
        yield world


@pytest.fixture
async def org_wide(deputy_world: World) -> AsyncIterator[World]:
    """Deputy is installed for the whole organisation."""
    async for world in started(deputy_world, is_installed=True):
        yield world


@pytest.fixture
async def in_one(deputy_world: World) -> AsyncIterator[World]:
    """Deputy is installed in one workspace of the organisation."""
    async for world in started(deputy_world, is_installed=False):
        yield world


def sister(world: World, name: str = "sis") -> str:
    fields = {"team_id": SISTER_TEAM, "enterprise_id": ORGANISATION}
    return world.slack.add_person(name, channels=(GENERAL,), **fields).id


async def use_everything(world: World, user: str) -> None:
    """Ask by command, form, shortcut and mention, connect, and press a button."""
    await world.connect_notes(user)
    await world.slack.type_command(user, GENERAL, "/agent ask")
    form = await world.slack.until(lambda _: world.slack.modal_of(user))
    await world.slack.submit_view(user, form, {action_ids.ASK_FIELD_BLOCK: {action_ids.ASK_FIELD: "say exactly: form"}})
    await world.agents.until(lambda _: len(world.requests()) == 1)
    message = await world.slack.post_message(ALICE, GENERAL, "lunch?")
    await ask_about(world, user, message, "say exactly: shortcut")
    await world.agents.until(lambda _: len(world.requests()) == 2)
    root = await world.ask(user, "write note Lunch")
    await world.slack.click(user, await world.button(user, root, action_ids.APPROVE), action_ids.APPROVE)
    await world.answered(root)
    root = await world.slack.post_message(user, GENERAL, f"{MENTION} say exactly: mention")
    await world.answered(root)
    await world.settled()


@pytest.mark.parametrize("is_sister", [False, True])
async def test_installed_for_all_everybody_of_the_organisation_is_served_by_every_door(
    org_wide: World, is_sister: bool
):
    user = sister(org_wide) if is_sister else ALICE
    await use_everything(org_wide, user)

    assert len(org_wide.requests()) == 4
    assert org_wide.app.install.workspace_id == ORGANISATION
    async with org_wide.app.database.transaction() as tx:
        known = await members.find(tx, org_wide.app.install.workspace_id, UserId(user))
    assert known is not None
    assert known.team_id == (SISTER_TEAM if is_sister else people.TEAM)


async def test_who_has_the_same_name_in_a_sister_workspace_is_somebody_else(org_wide: World):
    await org_wide.connect_notes(ALICE)
    await org_wide.ask(ALICE, "list my notes")
    user = sister(org_wide, name="alice")
    await org_wide.connect_notes(user)
    await org_wide.ask(user, "list my notes")
    await org_wide.agents.until(lambda _: len(org_wide.requests()) == 2)
    await org_wide.settled()

    vaults = [session.vault_ids for session in org_wide.agents.sessions.values()]
    assert len(org_wide.agents.vaults) == 2
    assert vaults[0] != vaults[1]


@pytest.mark.parametrize("door", ["command", "shortcut"])
async def test_installed_in_one_workspace_a_sister_is_told_where_it_works(in_one: World, door: str):
    user = sister(in_one)
    message = await in_one.slack.post_message(ALICE, GENERAL, "lunch?")
    if door == "command":
        await in_one.slack.type_command(user, GENERAL, "/agent ask what can you do", forge=True)
    else:
        await in_one.slack.use_shortcut(user, message, "ask_about_message")
    await in_one.whispered(user, ELSEWHERE)
    await in_one.settled()

    assert in_one.slack.modal_of(user) is None
    assert in_one.requests() == []


async def test_installed_in_one_workspace_a_mention_from_a_sister_is_served(in_one: World):
    user = sister(in_one)
    in_one.agents.pace = 0.02
    root = await in_one.slack.post_message(user, GENERAL, f"{MENTION} write a long text of 3000 words")
    stop = await in_one.button(user, root, action_ids.STOP)
    await in_one.slack.click(user, stop, action_ids.STOP)
    await in_one.answer_in(root, "stopped")

    assert in_one.app.install.workspace_id == people.TEAM


async def connect_from_home(world: World, user: str) -> str:
    """Return what Deputy says once somebody presses Connect in their Home tab."""
    await world.slack.open_home(user)
    home = await world.slack.until(lambda _: world.slack.home_of(user))
    await world.slack.click(user, home, action_ids.CONNECT)
    (told,) = await world.slack.until(lambda _: world.slack.dms(user))
    await world.settled()
    return world.slack.text_of(told)


async def test_installed_in_one_workspace_a_sister_is_told_at_once_that_connecting_is_not_possible(in_one: World):
    told = await connect_from_home(in_one, sister(in_one))

    assert "not connect accounts" in told
    assert not in_one.agents.vaults


async def test_who_is_in_both_workspaces_connects_through_the_one_where_deputy_is(in_one: World):
    user = sister(in_one)
    person = in_one.slack.workspace.people[user]
    person.extra["enterprise_user"] = {"id": user, "enterprise_id": ORGANISATION, "teams": [SISTER_TEAM, people.TEAM]}
    told = await connect_from_home(in_one, user)

    assert "not connect accounts" not in told and "Notes" in told
    async with in_one.app.database.transaction() as tx:
        known = await members.find(tx, in_one.app.install.workspace_id, UserId(user))
    assert known is not None and known.team_id == people.TEAM


async def test_installed_in_one_workspace_a_form_of_a_sister_is_answered_in_the_form(in_one: World):
    await in_one.slack.type_command(ALICE, GENERAL, "/agent ask")
    form = await in_one.slack.until(lambda _: in_one.slack.modal_of(ALICE))
    in_one.slack.workspace.organisation = Organisation(views_of=SISTER_TEAM)
    await in_one.slack.submit_view(
        ALICE, form, {action_ids.ASK_FIELD_BLOCK: {action_ids.ASK_FIELD: "say exactly: form"}}
    )

    assert ELSEWHERE in str(in_one.slack.modal_of(ALICE))
    assert in_one.requests() == []


async def test_of_another_organisation_nobody_is_answered(in_one: World):
    outsider = in_one.slack.add_person("Out", channels=(GENERAL,), team_id=people.OTHER_TEAM)
    in_one.slack.workspace.organisation = Organisation("E0THER000")
    command = await in_one.slack.type_command(outsider.id, GENERAL, "/agent ask what can you do", forge=True)
    await in_one.settled()

    assert command.is_acked
    assert in_one.whispers(outsider.id) == ""
