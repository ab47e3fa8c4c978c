import pytest

from bot.model import action_ids
from simulator.slack import people
from simulator.slack.payloads import message_event
from tests.world import ALICE, BOB, GENERAL, World

FORM_VALUES = (action_ids.ASK_FIELD_BLOCK, action_ids.ASK_FIELD)


async def untouched(world: World) -> None:
    """Nothing came of a request: no session was made, nothing was posted by Deputy in a channel."""
    await world.settled()
    assert world.agents.sessions == {}
    assert world.slack.calls_of("chat.postMessage") == []


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (people.GUEST, "can't work with guest accounts"),
        (people.ULTRA_GUEST, "can't work with guest accounts"),
        (people.GONE, "deactivated"),
    ],
    ids=["guest", "ultra_guest", "deactivated"],
)
async def test_who_is_no_full_member_is_told_why_not_and_nothing_starts(running_world: World, who: str, words: str):
    await running_world.slack.type_command(who, GENERAL, "/agent ask summarise my notes", forge=True)
    told = await running_world.whispered(who, words)

    assert told.ephemeral_to == who
    await untouched(running_world)


async def test_a_guest_gets_nothing_by_any_door(running_world: World):
    slack = running_world.slack
    root = await slack.post_message(BOB, GENERAL, "hello everybody")
    await slack.type_command(people.GUEST, GENERAL, "/agent connect notes")
    await slack.post_message(people.GUEST, GENERAL, f"<@{people.BOT}> summarise")
    await slack.post_message(people.GUEST, people.GUEST, "summarise")
    await slack.forge_click(people.GUEST, root, action_ids.CONNECT, value="notes")
    await slack.use_shortcut(people.GUEST, root, "ask_about_message")
    await slack.open_home(people.GUEST)
    await slack.until(lambda _: len(slack.ephemerals(people.GUEST)) == 5)

    assert slack.modal_of(people.GUEST) is None
    assert slack.home_of(people.GUEST) is None
    assert running_world.agents.vaults == {}
    await untouched(running_world)


@pytest.mark.parametrize(
    "marks",
    [{"bot_id": "B0THERB0T"}, {"subtype": "bot_message"}, {"app_id": "A0THER000"}, {"bot_profile": {"id": "B1"}}],
    ids=lambda marks: next(iter(marks)),
)
async def test_machines_are_not_answered_at_all(running_world: World, marks: dict):
    await running_world.slack.post_message(people.OTHER_BOT, GENERAL, f"<@{people.BOT}> hello", **marks)
    await running_world.slack.post_message(people.OTHER_BOT, GENERAL, f"<@{people.BOT}> hello again")
    await running_world.slack.until(lambda _: len(running_world.slack.acks) == 4)

    assert running_world.whispers(people.OTHER_BOT) == ""
    await untouched(running_world)


async def test_a_workflow_is_not_answered_at_all(running_world: World):
    flow = running_world.slack.add_person("Flow", channels=(GENERAL,), extra={"is_workflow_bot": True})
    await running_world.slack.post_message(flow.id, GENERAL, f"<@{people.BOT}> hello")
    await running_world.slack.until(lambda _: len(running_world.slack.acks) == 2)

    assert running_world.whispers(flow.id) == ""
    await untouched(running_world)


@pytest.mark.parametrize("how", ["command", "mention"])
async def test_a_channel_shared_with_another_organisation_is_refused(running_world: World, how: str):
    if how == "command":
        await running_world.slack.type_command(ALICE, people.SHARED, "/agent ask summarise my notes")
    else:
        await running_world.slack.post_message(ALICE, people.SHARED, f"<@{people.BOT}> summarise my notes")

    await running_world.whispered(ALICE, "shared with another organisation")
    await untouched(running_world)


async def test_a_channel_about_to_be_shared_is_refused(running_world: World):
    running_world.slack.workspace.channels[GENERAL].is_pending_ext_shared = True
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask summarise my notes")

    await running_world.whispered(ALICE, "shared with another organisation")
    await untouched(running_world)


async def test_a_channel_without_deputy_gets_the_asker_a_private_way_on(running_world: World):
    await running_world.slack.type_command(ALICE, people.RANDOM, "/agent ask summarise my notes")
    told = await running_world.whispered(ALICE, "/invite")

    assert told.channel == people.RANDOM
    assert running_world.slack.messages(people.RANDOM) == []
    assert running_world.agents.sessions == {}


async def test_a_trap_relying_on_context_user_id_for_people_of_other_organisations(running_world: World):
    """Bolt's `context.user_id` is set for everybody; who is a member is asked of Slack each time it matters."""
    sal = running_world.slack.add_person("Sal", channels=(GENERAL,), team_id=people.OTHER_TEAM)
    # `is_stranger` is false for an outsider with whom a channel is shared: the team tells.
    await running_world.slack.post_message(sal.id, GENERAL, f"<@{people.BOT}> summarise my notes")
    await running_world.whispered(sal.id, "only work with members of this workspace")

    # A command comes under the outsider's own team: not for this installation.
    command = await running_world.slack.type_command(sal.id, GENERAL, "/agent ask summarise my notes")

    assert command.is_acked
    await untouched(running_world)


async def test_a_stranger_met_in_a_shared_channel_is_told_why_not(running_world: World):
    await running_world.slack.post_message(people.STRANGER, people.SHARED, f"<@{people.BOT}> summarise my notes")

    await running_world.whispered(people.STRANGER, "only work with members of this workspace")
    await untouched(running_world)


async def test_a_member_who_becomes_a_guest_cannot_decide_with_what_was_known_of_them(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    running_world.slack.workspace.people[ALICE].is_restricted = True

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)

    await running_world.whispered(ALICE, "can't work with guest accounts")
    assert running_world.sent("user.tool_confirmation") == []


async def test_who_cannot_be_verified_is_refused_and_told_to_try_again(running_world: World):
    running_world.slack.faults.add("users.info", kind="error", error="account_inactive")
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask summarise my notes")

    await running_world.whispered(ALICE, "couldn't tell me who you are")
    await untouched(running_world)


@pytest.mark.parametrize("line", ["/agent statsu", "/agent conect notes", "/agent aks"])
async def test_an_unknown_subcommand_is_answered_with_the_nearest(running_world: World, line: str):
    await running_world.slack.type_command(ALICE, GENERAL, line)
    near = {"statsu": "status", "conect": "connect", "aks": "ask"}[line.split()[1]]

    told = await running_world.whispered(ALICE, f"I don't know “{line.split()[1]}”")
    assert f"“{near}”" in running_world.slack.text_of(told)


async def test_an_unknown_flag_of_ask_starts_nothing(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask --as bob summarise my notes")

    await running_world.whispered(ALICE, "I don't know “--as”")
    await untouched(running_world)


async def test_an_unknown_service_is_answered_with_the_nearest(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent connect notse")

    await running_world.whispered(ALICE, "I don't know a service called “notse”. Did you mean notes?")
    assert running_world.link_for(ALICE) is None


async def test_markup_in_what_is_not_understood_stays_literal(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent <!channel>*x*", should_escape=False)

    await running_world.whispered(ALICE, "I don't know")
    assert running_world.slack.workspace.pings == []


async def test_an_empty_task_opens_the_form_and_starts_nothing(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask")
    await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))

    await untouched(running_world)


async def test_what_is_asked_in_the_form_runs_where_the_form_was_opened(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask")
    form = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))
    await running_world.slack.submit_view(
        ALICE, form, {action_ids.ASK_FIELD_BLOCK: {action_ids.ASK_FIELD: "what can you do"}}
    )
    root = await running_world.slack.until(
        lambda _: next(
            (m for m in running_world.slack.messages(GENERAL) if "asked" in running_world.slack.text_of(m)), None
        )
    )
    await running_world.answered(root)

    assert running_world.requests() == ["what can you do"]


async def test_an_oversized_task_is_refused_before_anything_starts(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask " + "x" * 30_001)

    await running_world.whispered(ALICE, "too long for me")
    await untouched(running_world)


@pytest.mark.parametrize("lie", [{"api_app_id": "A0EV1L000"}, {"team_id": "T0EV1L000"}], ids=["app", "team"])
async def test_a_request_for_another_app_or_team_is_acknowledged_and_dropped(running_world: World, lie: dict):
    forged = {
        "command": "/agent",
        "text": "ask summarise my notes",
        "user_id": ALICE,
        "channel_id": GENERAL,
        "channel_name": "general",
        "team_id": people.TEAM,
        "api_app_id": people.APP,
        "trigger_id": "1.forged",
    }
    delivery = running_world.slack.deliver("slash_commands", forged | lie)
    await delivery.settled.wait()

    assert delivery.is_acked
    assert running_world.whispers(ALICE) == ""
    await untouched(running_world)


ODD = [
    {"type": "block_actions"},
    {"type": "block_actions", "user": "U1", "actions": [None]},
    {"type": "block_actions", "user": {"id": ALICE}, "actions": [{"action_id": action_ids.APPROVE, "value": None}]},
    {
        "type": "view_submission",
        "view": {"callback_id": action_ids.ASK_FORM, "private_metadata": "{not json", "state": 1},
    },
    {"type": "view_submission", "view": {"callback_id": action_ids.DENY_FORM}, "user": {"id": ALICE}},
    {"type": "message_action", "callback_id": "ask_about_message", "message": [], "user": {"id": ALICE}},
    {"type": "something_of_tomorrow"},
]


@pytest.mark.parametrize("payload", ODD, ids=range(len(ODD)))
async def test_malformed_interactions_start_nothing_and_break_nothing(running_world: World, payload: dict):
    frame = {"team": {"id": people.TEAM}, "api_app_id": people.APP, "trigger_id": "9.odd"}
    running_world.slack.deliver("interactive", frame | payload)
    root = await running_world.ask(ALICE, "what can you do")
    await running_world.answered(root)

    assert running_world.requests() == ["what can you do"]


async def test_frames_that_are_no_envelopes_do_not_end_the_socket(running_world: World, logged):
    for text in ("{not json", "[]", '{"type": "events_api"}', '{"envelope_id": 1, "payload": []}'):
        await running_world.slack.send_socket_text(text)
    root = await running_world.ask(ALICE, "what can you do")

    await running_world.answered(root)


async def test_a_button_value_that_names_nothing_is_answered_privately(running_world: World):
    hello = await running_world.slack.post_message(ALICE, GENERAL, "hello")
    for action in (action_ids.APPROVE, action_ids.DENY_WITH_REASON, action_ids.SHOW_DETAILS, action_ids.PASS_ASIDE):
        await running_world.slack.forge_click(ALICE, hello, action, value="apr_nothing:" + "0" * 64)
    await running_world.slack.until(lambda _: running_world.whispers(ALICE).count("no longer there") == 4)

    await untouched(running_world)


async def test_a_button_of_tomorrow_is_acknowledged(running_world: World):
    hello = await running_world.slack.post_message(ALICE, GENERAL, "hello")
    delivery = await running_world.slack.forge_click(ALICE, hello, "button.of.tomorrow", value="x" * 2000)

    assert delivery.is_acked
    await untouched(running_world)


@pytest.mark.fault("F10")
@pytest.mark.parametrize("times", [1, 2])
async def test_a_guest_who_mentions_deputy_is_refused_once_however_often_slack_says_so(running_world: World, times):
    running_world.slack.deliver_twice = times == 2
    await running_world.slack.post_message(people.GUEST, GENERAL, f"<@{people.BOT}> summarise")
    await heard(running_world, 2 * times)

    assert running_world.whispers(people.GUEST).count("can't work with guest accounts") == 1
    assert running_world.requests() == []


@pytest.mark.fault("F10")
async def test_what_was_refused_is_not_let_in_by_its_second_copy(running_world: World):
    message = await running_world.slack.post_message(people.GUEST, GENERAL, f"<@{people.BOT}> summarise")
    await heard(running_world, 2)
    running_world.slack.change_person(people.GUEST, is_restricted=False)
    running_world.slack.emit(message_event(running_world.slack.workspace, message))
    await heard(running_world, 4)

    assert running_world.requests() == []


async def heard(world: World, count: int) -> None:
    """Return once Deputy has answered for so many events, and done what they ask."""
    await world.slack.until(lambda _: len([one for one in world.slack.deliveries.log if one.is_acked]) >= count)
    await world.settled()


@pytest.mark.fault("F33")
@pytest.mark.parametrize("code", ["expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "not_found"])
async def test_a_form_that_slack_opens_no_more_is_asked_for_again_kindly(running_world: World, code: str, logged):
    root = await running_world.slack.post_message(BOB, GENERAL, "lunch?")
    running_world.slack.faults.add("views.open", error=code)
    await running_world.slack.use_shortcut(ALICE, root, "ask_about_message")

    await running_world.whispered(ALICE, "That took too long to open. Press it again.")
    assert "Something broke" not in running_world.whispers(ALICE)
    assert not any("error" in line.lower() and "Traceback" in line for line in logged.lines)
    assert not any("command_rejected" in line for line in logged.lines)


@pytest.mark.fault("F33")
async def test_a_slow_deputy_opens_no_form_and_says_so_wherever_it_was_pressed(running_world: World):
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    running_world.slack.faults.add("views.open", error="expired_trigger_id", times=9)
    for action in (action_ids.SHOW_DETAILS, action_ids.DENY_WITH_REASON):
        await running_world.slack.click(ALICE, card, action)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask")
    await running_world.slack.until(lambda _: running_world.whispers(ALICE).count("took too long to open") == 3)

    assert "Something broke" not in running_world.whispers(ALICE)
