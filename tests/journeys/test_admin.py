"""An admin sets things in Slack: lists, small forms, what is wrong at its field, and nobody else."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from bot.config.file_services import Document
from bot.config_cli import opened
from bot.model import action_ids
from bot.model.errors import Refusal
from bot.renderers.refusals import REFUSALS
from simulator.service.server import ServiceSimulator
from simulator.slack.errors import NotPossible
from store import services
from store.connections import connections
from tests.world import ALICE, BOB, CAROL, GENERAL, World


async def open_settings(world: World, user: str = CAROL):
    await world.slack.type_command(user, GENERAL, "/agent admin")
    return await world.slack.until(lambda _: world.slack.modal_of(user))


async def press(world: World, user: str, value: str, action_id: str = action_ids.SETTINGS):
    """Press the button or menu entry with this value in the topmost view; return the view that is shown then."""
    view = world.slack.modal_of(user)
    before = (view.id, view.hash)
    block = next(b["block_id"] for b in view.payload["blocks"] if f"'{value}'" in str(b))
    await world.slack.click(user, view, action_id, block_id=block, value=value)

    def changed(_):
        top = world.slack.modal_of(user)
        return top if top and (top.id, top.hash) != before else None

    return await world.slack.until(changed)


async def menu(world: World, user: str, value: str):
    """Open what a menu entry opens: another view, not the list below it, which may be drawn anew meanwhile."""
    below = world.slack.modal_of(user).id
    await press(world, user, value, action_ids.SETTINGS_MENU)
    return await world.slack.until(lambda _: (top := world.slack.modal_of(user)) and top.id != below and top)


async def send(world: World, user: str, values: dict):
    view = world.slack.modal_of(user)
    await world.slack.submit_view(user, view, {f"settings.{name}": value for name, value in values.items()})
    return view


async def listed(world: World, user: str, words: str):
    return await world.slack.until(
        lambda _: (top := world.slack.modal_of(user)) and words in str(top.payload["blocks"]) and top
    )


async def test_an_admin_makes_a_read_only_agent_binds_it_and_pauses_a_member(running_world: World):
    await open_settings(running_world)
    await press(running_world, CAROL, "list profiles")
    await press(running_world, CAROL, "new profiles")
    await send(running_world, CAROL, {"name": "reader", "description": "Reads", "preset": "read_only"})
    await listed(running_world, CAROL, "reader")
    await running_world.slack.close_modal(CAROL, running_world.slack.modal_of(CAROL))

    await press(running_world, CAROL, "list channels")
    await press(running_world, CAROL, "new channels")
    await send(running_world, CAROL, {"name": GENERAL, "profile": "reader", "budget_per_month": "12.50"})
    await listed(running_world, CAROL, "agent reader")
    await running_world.slack.close_modal(CAROL, running_world.slack.modal_of(CAROL))

    await press(running_world, CAROL, "list members")
    await press(running_world, CAROL, "new members")
    await send(running_world, CAROL, {"name": BOB, "is_paused": ["true"]})
    await listed(running_world, CAROL, "paused")

    await running_world.slack.type_command(BOB, GENERAL, "/agent ask hello")
    await running_world.whispered(BOB, REFUSALS[Refusal.MEMBER_PAUSED])
    await running_world.answer_in(await running_world.ask(ALICE, "what can you do?"))
    (session,) = running_world.agents.sessions.values()
    assert session.agent["name"] == "reader"
    changes = await running_world.audited("setting.changed")
    assert [(row.actor, row.subject) for row in changes] == [
        (CAROL, "profile/reader"),
        (CAROL, f"channel/{GENERAL}"),
        (CAROL, f"member/{BOB}"),
    ]


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_saved(running_world: World):
    await open_settings(running_world)
    await press(running_world, CAROL, "list profiles")
    await press(running_world, CAROL, "new profiles")

    view = await send(running_world, CAROL, {"name": "Research Team", "budget_per_turn": "a lot"})

    assert view.errors == {
        "settings.name": "Must be a name of a-z, 0-9, - and _",
        "settings.budget_per_turn": "Must be an amount such as 2.50",
    }
    assert await running_world.audited("setting.changed") == []
    await send(running_world, CAROL, {"name": "research", "budget_per_turn": "$2.50"})
    (changed,) = await running_world.audited("setting.changed")
    assert changed.details["after"] == '{"budget_per_turn": 2.5}'


async def test_an_admin_says_what_needs_a_second_yes_and_who_is_served(running_world: World):
    await open_settings(running_world)
    await press(running_world, CAROL, "list approvals")
    wrong = {"value.second_tools": "notes/delete_note ☃", "value.second_approvers": "admins"}
    await send(running_world, CAROL, wrong)
    assert "value.second_tools" in str(running_world.slack.modal_of(CAROL).errors)
    right = {
        "value.always_allow": "never",
        "value.second_tools": "notes/delete_note\nbash",
        "value.second_approvers": "listed",
        "value.second_approvers.listed": [BOB],
        "value.second_sees": "full",
    }
    await send(running_world, CAROL, right)
    await press(running_world, CAROL, "list audience")
    await send(running_world, CAROL, {"value.guests": ["true"]})

    changed = {row.subject: row.details["after"] for row in await running_world.audited("setting.changed")}
    assert json.loads(changed["workspace/approvals"])["value"] == {
        "always_allow": "never",
        "second_tools": ["notes/delete_note", "bash"],
        "second_approvers": [BOB],
        "second_sees": "full",
    }
    assert json.loads(changed["workspace/audience"])["value"] == {"guests": True}


async def test_nobody_but_admins_opens_the_settings_or_sends_a_form_of_them(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent admin")
    await running_world.whispered(ALICE, REFUSALS[Refusal.NOT_AN_ADMIN])
    assert running_world.slack.modal_of(ALICE) is None

    await running_world.configure({"admins": [BOB]})
    await open_settings(running_world, BOB)
    form = await press(running_world, BOB, "list budgets")
    await running_world.configure({"admins": [CAROL]})
    await running_world.slack.submit_view(BOB, form, {"settings.value.per_turn": "100"})

    assert REFUSALS[Refusal.NOT_AN_ADMIN] in str(running_world.slack.modal_of(BOB).payload)
    assert "budgets" not in str([row.subject for row in await running_world.audited("setting.changed")])


async def test_of_two_admins_with_the_same_form_open_the_second_is_told(running_world: World):
    await running_world.configure({"admins": [BOB]})
    forms = {}
    for admin in (BOB, CAROL):
        await open_settings(running_world, admin)
        forms[admin] = await press(running_world, admin, "list budgets")

    await running_world.slack.submit_view(BOB, forms[BOB], {"settings.value.per_turn": "3"})
    await running_world.slack.submit_view(CAROL, forms[CAROL], {"settings.value.per_turn": "9"})

    assert REFUSALS[Refusal.SETTING_CHANGED][:40] in str(running_world.slack.modal_of(CAROL).payload)
    (changed,) = [row for row in await running_world.audited("setting.changed") if "budgets" in row.subject]
    assert (changed.actor, changed.details["after"]) == (BOB, '{"value": {"per_turn": 3.0}}')


async def test_everything_is_paused_and_resumed_with_one_button(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    await running_world.button(ALICE, root, action_ids.APPROVE)
    await open_settings(running_world)

    await press(running_world, CAROL, "pause all")

    await running_world.answer_in(root, "Okay, I stopped.")
    await press(running_world, CAROL, "resume all")
    await running_world.answer_in(await running_world.ask(ALICE, "what can you do?"))


async def test_the_rules_of_a_service_hold_from_the_next_request_on(running_world: World):
    await running_world.connect_notes(ALICE)
    await open_settings(running_world)
    await press(running_world, CAROL, "list services")
    form = await menu(running_world, CAROL, "service_tools notes")
    assert "list_notes" in str(form.payload)
    await send(
        running_world,
        CAROL,
        {
            "tools.allowed_tools": "list_notes\nread_note",
            "tools.user_approved_tools": "delete_note",
            "tools.denied_tools": "write_note",
            "tools.default": "denied",
        },
    )
    await listed(running_world, CAROL, "1 is off")

    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    await running_world.answer_in(root)

    assert "Lunch" not in running_world.notes.accounts["alice@example.com"]


async def test_a_member_is_disconnected_and_an_agent_in_use_is_not_removed(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.configure({"profiles": {"reader": {}}, "channels": {GENERAL: {"profile": "reader"}}})
    await open_settings(running_world)
    await press(running_world, CAROL, "list members")
    await menu(running_world, CAROL, f"disconnect member {ALICE}")
    await send(running_world, CAROL, {})
    await listed(running_world, CAROL, "Disconnected 1.")
    async with running_world.app.database.transaction() as tx:
        states = (await tx.connection.execute(select(connections.c.state))).scalars().all()
    assert states == ["disconnected"]
    await running_world.slack.close_modal(CAROL, running_world.slack.modal_of(CAROL))

    await press(running_world, CAROL, "list profiles")
    await menu(running_world, CAROL, "remove profile reader")
    await send(running_world, CAROL, {})

    assert "there is no profile reader" in str(running_world.slack.modal_of(CAROL).payload)
    with pytest.raises(NotPossible):
        await send(running_world, CAROL, {"anything": "else"})


async def test_a_service_is_looked_at_shown_and_saved_and_can_be_connected(running_world: World):
    await open_settings(running_world)
    await press(running_world, CAROL, "list services")
    await press(running_world, CAROL, "new services")
    await send(running_world, CAROL, {"url": "http://127.0.0.1:1/mcp"})
    await listed(running_world, CAROL, "Nothing answers there")
    async with ServiceSimulator(clock=running_world.peers.clock).running() as wiki:
        await send(running_world, CAROL, {"url": f"{wiki.url}/mcp"})
        await listed(running_world, CAROL, "Sign-in server")
        await send(running_world, CAROL, {"name": "not a name", "title": "Wiki"})
        await listed(running_world, CAROL, "use a-z, 0-9")
        await send(running_world, CAROL, {"name": "wiki", "title": "Wiki"})
        await listed(running_world, CAROL, "Wiki is on offer")

        (saved,) = await running_world.audited("service.saved")
        await running_world.slack.type_command(ALICE, GENERAL, "/agent connect wiki")
        await running_world.slack.until(lambda _: running_world.link_for(ALICE))

    assert (saved.actor, saved.subject) == (CAROL, "wiki")


PAPERS = """
[services.papers]
title = "Papers"
mcp_url = "https://papers.example.com/mcp"
registration = "pre_registered"
trusted_issuer = "https://login.papers.example.com"
endpoint_hosts = ["login.papers.example.com"]
"""


async def test_a_service_of_the_catalogue_gets_a_client_and_loses_it_again(deputy_world: World):
    with deputy_world.peers.catalog.open("a") as catalog:
        catalog.write(PAPERS)
    deputy_world.settings = deputy_world.settings.model_copy(update={"services": ()})
    async with deputy_world.deputy():
        await open_settings(deputy_world)
        await press(deputy_world, CAROL, "list services")
        await listed(deputy_world, CAROL, "Papers")
        form = await menu(deputy_world, CAROL, "client papers")
        assert "/oauth/callback/papers" in str(form.payload)
        wrong = await send(deputy_world, CAROL, {"client_id": "", "client_secret": "canary-typed"})
        assert wrong.errors == {"settings.client_id": "Write the client's id; Back to Defaults takes a client away"}
        wrong = await send(deputy_world, CAROL, {"client_id": "a b"})
        assert wrong.errors == {"settings.client_id": "Copy client id and secret without blanks"}
        await send(deputy_world, CAROL, {"client_id": "a1", "client_secret": "canary-typed", "scopes": "read write"})
        await listed(deputy_world, CAROL, "Saved.")

        again = await menu(deputy_world, CAROL, "client papers")
        assert "'initial_value': 'a1'" in str(again.payload)
        assert "canary-typed" not in str(again.payload)
        await send(deputy_world, CAROL, {"client_id": "a1", "client_secret": "", "scopes": "read"})
        await listed(deputy_world, CAROL, "Saved.")
        assert await kept(deputy_world) == [("a1", "canary-typed", ("read",))]

        stale = await menu(deputy_world, CAROL, "client papers")
        async with opened(deputy_world.settings) as commands:
            await commands.file.apply(await commands.plan(Document()))
        await send(deputy_world, CAROL, {"client_id": "b2"})
        assert REFUSALS[Refusal.SETTING_CHANGED] in str(deputy_world.slack.modal_of(CAROL).payload), stale
        assert await kept(deputy_world) == []
        assert [call for call in deputy_world.slack.calls if "canary-typed" in repr(call.args)] == []
        assert {row.actor for row in await deputy_world.audited("service.configured")} == {CAROL}


async def test_back_to_defaults_takes_a_client_away(deputy_world: World):
    with deputy_world.peers.catalog.open("a") as catalog:
        catalog.write(PAPERS)
    deputy_world.settings = deputy_world.settings.model_copy(update={"services": ()})
    async with deputy_world.deputy():
        await open_settings(deputy_world)
        await press(deputy_world, CAROL, "list services")
        await menu(deputy_world, CAROL, "client papers")
        await send(deputy_world, CAROL, {"client_id": "a1"})
        await listed(deputy_world, CAROL, "Saved.")
        assert await kept(deputy_world) == [("a1", None, ())]

        await menu(deputy_world, CAROL, "reset service papers")
        await deputy_world.slack.submit_view(CAROL, deputy_world.slack.modal_of(CAROL))
        await listed(deputy_world, CAROL, "Done.")

        assert await kept(deputy_world) == []
        assert [row.actor for row in await deputy_world.audited("service.removed")] == [CAROL]


async def kept(world: World) -> list[tuple]:
    async with world.app.database.transaction() as tx:
        saved = await services.list_for(tx, world.app.install.workspace_id)
    return [(one.client_id, one.client_secret and one.client_secret.reveal(), one.scopes) for one in saved]


@pytest.mark.parametrize(("form", "is_at_field"), [("profile", True), ("profile_words", False)])
async def test_an_agent_that_claude_does_not_take_is_said_in_its_form(running_world: World, form, is_at_field):
    await running_world.configure({"profiles": {"reader": {"system_prompt": "x" * 4_000}}})
    await open_settings(running_world)
    await press(running_world, CAROL, "list profiles")
    await menu(running_world, CAROL, f"{form} reader")
    running_world.agents.api_key = "another"

    view = await send(running_world, CAROL, {})

    said = view.errors if is_at_field else running_world.slack.modal_of(CAROL).payload
    assert "Claude doesn't take this agent" in str(said)


async def test_skills_of_an_agent_are_a_line_each(running_world: World):
    await running_world.configure({"profiles": {"reader": {}}})
    await open_settings(running_world)
    await press(running_world, CAROL, "list profiles")
    await menu(running_world, CAROL, "profile_tools reader")
    wrong = await send(running_world, CAROL, {"skills": "mine xlsx"})
    assert "settings.skills" in wrong.errors
    await send(running_world, CAROL, {"skills": "anthropic xlsx\ncustom skill_01 3"})

    changed = (await running_world.audited("setting.changed"))[-1]
    assert json.loads(changed.details["after"])["skills"] == [
        {"type": "anthropic", "skill_id": "xlsx"},
        {"type": "custom", "skill_id": "skill_01", "version": "3"},
    ]


@pytest.mark.fault("D3")
async def test_an_admin_lets_deputy_register_with_a_service_afresh(running_world: World):
    await running_world.connect_notes(ALICE)
    running_world.notes.forget_clients()
    await open_settings(running_world)
    await press(running_world, CAROL, "list services")
    await menu(running_world, CAROL, "register service notes")
    await send(running_world, CAROL, {})
    await listed(running_world, CAROL, "registers again when somebody next connects")

    await running_world.connect_notes(BOB)

    assert len(running_world.notes.clients) == 1
    assert [row.actor for row in await running_world.audited("service.client_forgotten")] == [CAROL]
