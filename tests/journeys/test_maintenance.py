from datetime import timedelta

import pytest

from bot.clock import WallClock
from bot.domain.maintenance.hourly import HourlyMaintenance
from store import deliveries
from store.database import Database
from tests.builders import a_context
from tests.world import ALICE, GENERAL, World


@pytest.mark.fault("C1")
async def test_somebody_deactivated_while_deputy_was_away_loses_the_vault_at_the_next_start(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
    person = deputy_world.slack.workspace.people[ALICE]
    person.deleted = True
    async with deputy_world.deputy():
        await deputy_world.agents.until(lambda agents: not agents.vaults)


async def test_an_outage_of_slack_takes_nobodys_vault(deputy_world: World):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
    deputy_world.slack.faults.add("users.info", kind="error", error="user_not_found", times=50)
    async with deputy_world.deputy():
        await deputy_world.slack.until(lambda _: any(call.fault for call in deputy_world.slack.calls_of("users.info")))

    assert deputy_world.agents.vaults


@pytest.mark.parametrize(("days", "left"), [(0, 1), (3, 0)])
async def test_a_request_is_remembered_for_two_days(deputy_world: World, days: int, left: int):
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, "/agent status")
        await deputy_world.slack.until(lambda _: deputy_world.slack.ephemerals(ALICE))
    deputy_world.turn(days * 86_400)
    database = Database.open(deputy_world.settings.database_url, deputy_world.settings.secret_keys)
    housekeeping = HourlyMaintenance(a_context(database=database, clock=deputy_world.clock), {})

    await housekeeping.purge()

    async with database.transaction() as tx:
        assert await deliveries.purge(tx, WallClock().now() + timedelta(days=9)) == left
    await database.close()


@pytest.mark.fault("S2")
@pytest.mark.parametrize(("are_let_in", "keeps"), [(True, True), (False, False)])
async def test_a_guest_keeps_what_they_connected_for_as_long_as_admins_let_guests_in(
    deputy_world: World, are_let_in: bool, keeps: bool
):
    async with deputy_world.deputy():
        await deputy_world.connect_notes(ALICE)
        await deputy_world.configure({"audience": {"guests": are_let_in}})
    deputy_world.slack.workspace.people[ALICE].is_restricted = True
    before = len(deputy_world.slack.calls_of("users.info"))

    async with deputy_world.deputy():  # its first check is at the start, as the daily one is
        await deputy_world.slack.until(lambda _: len(deputy_world.slack.calls_of("users.info")) > before)
        if not keeps:
            await deputy_world.agents.until(lambda agents: not agents.vaults)
        deputy_world.slack.change_person(ALICE, real_name="Alice Guest")
        await deputy_world.slack.until(lambda _: any(ack.name == "user_change" for ack in deputy_world.slack.acks))
        await deputy_world.slack.type_command(ALICE, GENERAL, "/agent status")
        await deputy_world.slack.until(lambda _: deputy_world.slack.ephemerals(ALICE))

    assert bool(deputy_world.agents.vaults) is keeps
