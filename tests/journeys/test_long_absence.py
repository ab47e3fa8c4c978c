"""Deputy is away for minutes or for days: what happened meanwhile is taken as it is, shown once, and goes on."""

import pytest

from bot.config.model import Config
from bot.domain.config.service import ConfigService
from bot.model import action_ids
from store.database import Database
from store.records import WorkspaceId
from tests.stored import put_config
from tests.world import ALICE, World

MINUTES, DAYS = 7 * 60, 3 * 86_400
AWAY = pytest.mark.parametrize("seconds", [MINUTES, DAYS], ids=["minutes", "days"])


def said(world: World, root) -> str:
    thread = world.slack.thread(root.channel, root.ts)
    return "\n".join(world.slack.text_of(message) for message in thread if message is not root)


def nothing_open(world: World, root) -> None:
    thread = world.slack.thread(root.channel, root.ts)
    open_buttons = {action_ids.STOP, action_ids.APPROVE, action_ids.DENY}
    assert not any(open_buttons & set(world.slack.buttons_of(message, ALICE)) for message in thread)
    assert world.slack.workspace.open_streams() == []


async def pause_everything(world: World, workspace_id: WorkspaceId) -> None:
    """Throw the switch from another process, while Deputy is away."""
    database = Database.open(world.settings.database_url, world.settings.secret_keys)
    configuration = ConfigService(database=database, clock=world.clock, first_admins=frozenset())
    async with database.transaction() as tx:
        await put_config(tx, configuration, workspace_id, Config.model_validate({"is_paused": True}))
    await database.close()


@AWAY
async def test_a_turn_that_ended_meanwhile_is_shown_whole_in_the_message_that_slack_had_closed(
    deputy_world: World, seconds: int
):
    deputy_world.agents.pace = 0.02
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 120 words")
        await deputy_world.slack.until(lambda ws: ws.open_streams())
    deputy_world.agents.pace = 0.0
    await deputy_world.agents.until(lambda world: all(s.task is None for s in world.sessions.values()))
    deputy_world.turn(seconds)

    async with deputy_world.deputy():
        await deputy_world.answered(root)
        await deputy_world.settled()

        assert said(deputy_world, root).count("lorem") == 4  # every 35th of 120 words: all of them, none twice
        assert deputy_world.requests() == ["write a long text of 120 words"]
        nothing_open(deputy_world, root)


@AWAY
async def test_a_call_that_was_decided_elsewhere_meanwhile_has_run_and_its_card_is_closed(
    deputy_world: World, seconds: int
):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "run `ls`")
        await deputy_world.button(ALICE, root, action_ids.APPROVE)
    ((session_id, session),) = deputy_world.agents.sessions.items()
    (held,) = session.pending
    decision = {"type": "user.tool_confirmation", "tool_use_id": held, "result": "allow"}
    deputy_world.agents.machine.accept(deputy_world.agents.sessions[session_id], [decision])
    await deputy_world.agents.until(lambda world: all(s.task is None for s in world.sessions.values()))
    deputy_world.turn(seconds)

    async with deputy_world.deputy():
        await deputy_world.answered(root)
        await deputy_world.settled()

        assert said(deputy_world, root).count("The command printed") == 1
        assert len(deputy_world.sent("user.tool_confirmation")) == 1
        nothing_open(deputy_world, root)


async def test_a_call_that_nobody_decided_for_days_is_denied_and_the_agent_goes_on(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "run `ls`")
        await deputy_world.button(ALICE, root, action_ids.APPROVE)
    deputy_world.turn(DAYS)

    async with deputy_world.deputy():
        await deputy_world.answered(root)
        await deputy_world.settled()

        assert [event["result"] for event in deputy_world.sent("user.tool_confirmation")] == ["deny"]
        assert said(deputy_world, root).count("the call was not approved") == 1
        nothing_open(deputy_world, root)


@pytest.mark.parametrize("how", ["terminated", "archived", "deleted"])
async def test_a_session_that_was_lost_while_its_turn_waited_is_said_and_the_thread_goes_on(
    deputy_world: World, how: str
):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "run `ls`")
        await deputy_world.button(ALICE, root, action_ids.APPROVE)
    ((session_id, session),) = deputy_world.agents.sessions.items()
    await deputy_world.agents.terminate(session_id)
    if how == "archived":
        session.archived_at = deputy_world.agents.now()
    elif how == "deleted":
        del deputy_world.agents.sessions[session_id]
    deputy_world.turn(DAYS)

    async with deputy_world.deputy():
        await deputy_world.answer_in(root, "session has ended")
        await deputy_world.settled()
        nothing_open(deputy_world, root)

        await deputy_world.slack.post_message(ALICE, root.channel, "say exactly: here again", thread_ts=root.ts)
        await deputy_world.answered(root)
        await deputy_world.settled()

        assert "say exactly: here again" in deputy_world.requests()
        assert len(set(deputy_world.agents.sessions) - {session_id}) == 1
        assert said(deputy_world, root).count("earlier session is gone") == 0, "its end has said so"


async def test_a_kill_switch_thrown_meanwhile_stops_the_session_at_the_start(deputy_world: World):
    async with deputy_world.deputy() as app:
        root = await deputy_world.ask(ALICE, "think for 300 seconds")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
    await pause_everything(deputy_world, app.install.workspace_id)
    deputy_world.turn(MINUTES)

    async with deputy_world.deputy():
        await deputy_world.answer_in(root, "An admin has paused me for everybody.")
        await deputy_world.settled()

        assert len(deputy_world.sent("user.interrupt")) == 1
        nothing_open(deputy_world, root)


async def test_a_session_that_has_another_vault_meanwhile_is_not_even_stopped(deputy_world: World):
    async with deputy_world.deputy() as app:
        root = await deputy_world.ask(ALICE, "think for 300 seconds")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
    (session,) = deputy_world.agents.sessions.values()
    session.vault_ids = ["vlt_01SomebodyElse"]
    await pause_everything(deputy_world, app.install.workspace_id)

    async with deputy_world.deputy():
        await deputy_world.answer_in(root, "An admin has paused me for everybody.")
        await deputy_world.settled()

    assert deputy_world.sent("user.interrupt") == []


async def test_what_was_queued_days_ago_is_done_in_order(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "think for 1 seconds")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
        await deputy_world.slack.post_message(ALICE, root.channel, "say exactly: two", thread_ts=root.ts)
        await deputy_world.answer_in(root, "Queued")
    deputy_world.turn(DAYS)

    async with deputy_world.deputy():
        await deputy_world.answered(root, 2)
        await deputy_world.settled()

        assert deputy_world.requests() == ["think for 1 seconds", "say exactly: two"]
        assert "2 d" not in said(deputy_world, root).partition("two")[2], "its time begins when it begins"
        nothing_open(deputy_world, root)
