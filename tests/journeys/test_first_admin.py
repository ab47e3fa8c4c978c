"""The first admin where the environment names none: an owner of the workspace, once, by Slack's word of this moment."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.domain.admin.first_admin import owns
from bot.model import action_ids
from bot.model.errors import Refusal
from bot.renderers.refusals import REFUSALS
from bot.slack.people import _person
from simulator.slack import people
from simulator.slack.payloads import submission_payload
from tests.builders import a_member
from tests.journeys.test_admin import open_settings
from tests.world import ALICE, BOB, CAROL, GENERAL, World


@pytest.fixture
async def orphaned(deputy_world: World):
    """A Deputy that nobody administers."""
    deputy_world.settings = deputy_world.settings.model_copy(update={"admins": frozenset()})
    async with deputy_world.deputy():
        yield deputy_world


def person(world: World, user: str):
    return world.slack.workspace.people[user]


async def claim(world: World, user: str):
    view = world.slack.modal_of(user)
    await world.slack.submit_view(user, view, {})
    return str(world.slack.modal_of(user).payload)


async def forge_form(world: World, user: str, view) -> str:
    """Send a form that was shown to somebody else; return what is answered."""
    payload = submission_payload(world.slack.workspace, world.slack.actor(user, None), view)
    delivery = world.slack.deliveries.send("interactive", payload)
    await delivery.settled.wait()
    return str(delivery.body)


async def test_an_owner_becomes_the_first_admin_and_it_is_recorded(orphaned: World):
    view = await open_settings(orphaned)
    assert "Become Admin" in str(view.payload)
    assert await orphaned.audited("admin.claimed") == []

    assert "You are my first admin" in await claim(orphaned, CAROL)

    [claimed] = await orphaned.audited("admin.claimed")
    [changed] = await orphaned.audited("setting.changed")
    assert (claimed.actor, claimed.details) == (CAROL, {"as": "owner"})
    assert (changed.actor, changed.subject, changed.details["before"]) == (CAROL, "workspace/admins", "")
    assert json.loads(changed.details["after"]) == {"value": [CAROL]}
    await orphaned.slack.close_modal(CAROL, orphaned.slack.modal_of(CAROL))
    assert "Pause Everything" in str((await open_settings(orphaned)).payload)


async def test_a_restart_knows_the_first_admin_and_offers_it_to_nobody_else(deputy_world: World):
    deputy_world.settings = deputy_world.settings.model_copy(update={"admins": frozenset()})
    async with deputy_world.deputy():
        await open_settings(deputy_world)
        await claim(deputy_world, CAROL)
    person(deputy_world, BOB).is_owner = True

    async with deputy_world.deputy():
        await deputy_world.slack.type_command(BOB, GENERAL, "/agent admin")
        await deputy_world.whispered(BOB, REFUSALS[Refusal.NOT_AN_ADMIN])


@pytest.mark.parametrize("changes", [{}, {"is_admin": True}, {"extra": {"is_owner": "true"}}, {"is_owner": 1}])
async def test_nobody_but_owners_is_offered_it_or_gets_it_by_a_forged_form(orphaned: World, changes):
    for name, value in changes.items():
        setattr(person(orphaned, ALICE), name, value)

    await orphaned.slack.type_command(ALICE, GENERAL, "/agent admin")
    await orphaned.whispered(ALICE, REFUSALS[Refusal.NO_ADMIN])

    assert orphaned.slack.modal_of(ALICE) is None
    view = await open_settings(orphaned)
    assert REFUSALS[Refusal.NO_ADMIN] in await forge_form(orphaned, ALICE, view)
    assert await orphaned.audited("admin.claimed") == []


async def test_guests_and_people_of_other_organisations_do_not_get_it_by_a_forged_form(orphaned: World):
    view = await open_settings(orphaned)
    for user in (people.GUEST, people.STRANGER, people.OTHER_BOT):
        person(orphaned, user).is_owner = True
        assert "You are my first admin" not in await forge_form(orphaned, user, view)

    assert await orphaned.audited("admin.claimed") == []


async def test_who_is_no_owner_any_more_when_the_form_is_sent_does_not_get_it(orphaned: World):
    await open_settings(orphaned)
    person(orphaned, CAROL).is_owner = False

    assert REFUSALS[Refusal.NO_ADMIN] in await claim(orphaned, CAROL)
    assert await orphaned.audited("admin.claimed") == []


async def test_where_slack_does_not_answer_nobody_gets_it(orphaned: World):
    await open_settings(orphaned)
    orphaned.slack.faults.add("users.info", kind="error", error="fatal_error", times=50)

    view = orphaned.slack.modal_of(CAROL)
    await orphaned.slack.submit_view(CAROL, view, {})

    assert "You are my first admin" not in str(orphaned.slack.modal_of(CAROL) or "")
    assert await orphaned.audited("admin.claimed") == []


async def test_of_two_owners_at_once_one_is_the_first_and_the_other_is_told(orphaned: World):
    person(orphaned, BOB).is_owner = True
    await open_settings(orphaned)
    await open_settings(orphaned, BOB)

    said = await asyncio.gather(claim(orphaned, CAROL), claim(orphaned, BOB))

    assert sum("You are my first admin" in words for words in said) == 1
    assert sum(REFUSALS[Refusal.NOT_AN_ADMIN] in words for words in said) == 1
    assert len(await orphaned.audited("admin.claimed")) == 1


async def test_a_form_of_before_there_was_an_admin_changes_nothing(orphaned: World):
    await open_settings(orphaned)
    await orphaned.configure({"admins": [ALICE]})

    assert REFUSALS[Refusal.NOT_AN_ADMIN] in await claim(orphaned, CAROL)
    assert await orphaned.audited("admin.claimed") == []


async def test_other_buttons_of_the_settings_do_nothing_while_there_is_no_admin(orphaned: World):
    await orphaned.slack.type_command(ALICE, GENERAL, "/agent nonsense")
    private = await orphaned.whispered(ALICE, "I don't know")

    await orphaned.slack.forge_click(ALICE, private, action_ids.SETTINGS, value="pause all")

    await orphaned.whispered(ALICE, REFUSALS[Refusal.NO_ADMIN])
    assert await orphaned.audited("setting.changed") == []


OWNER = {"id": "U0ANN", "team_id": "T0ACME", "name": "ann", "is_owner": True}


@pytest.mark.parametrize(
    ("changes", "workspace", "is_theirs"),
    [
        ({}, "T0ACME", True),
        ({"is_owner": False, "is_primary_owner": True}, "T0ACME", True),
        ({"is_owner": False}, "T0ACME", False),
        ({"is_owner": None, "is_admin": True}, "T0ACME", False),
        ({"team_id": "T0OTHER"}, "T0ACME", False),
        ({"id": "U0EVE"}, "T0ACME", False),
        ({"is_stranger": True}, "T0ACME", False),
        ({"is_restricted": True}, "T0ACME", False),
        ({"deleted": True}, "T0ACME", False),
        ({"is_bot": True}, "T0ACME", False),
        ({}, "E0ACME", False),
        ({"enterprise_user": {"enterprise_id": "E0ACME"}}, "E0ACME", False),
        ({"enterprise_user": {"enterprise_id": "E0ACME", "is_owner": True}}, "E0ACME", True),
        ({"enterprise_user": {"enterprise_id": "E0OTHER", "is_owner": True}}, "E0ACME", False),
    ],
)
def test_owning_is_owning_what_deputy_is_installed_in(changes, workspace, is_theirs):
    assert owns(_person(OWNER | changes), a_member(workspace_id=workspace)) is is_theirs


def test_somebody_slack_does_not_know_owns_nothing():
    assert not owns(None, a_member())
