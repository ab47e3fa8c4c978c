import httpx2
import pytest
from structlog.testing import capture_logs

from bot.model import action_ids
from tests.world import ALICE, BOB, GENERAL, World


async def link(world: World, user: str = ALICE) -> str:
    """Ask for a link to connect Notes and return it."""
    before = world.link_for(user)
    await world.slack.type_command(user, GENERAL, "/agent connect notes")
    return await world.slack.until(lambda _: (url := world.link_for(user)) != before and url)


async def dm(world: World, user: str, words: str):
    """Return the direct message with these words."""

    def found(_):
        return next((m for m in world.slack.dms(user) if words in world.slack.text_of(m)), None)

    return await world.slack.until(found)


@pytest.mark.fault("S23")
async def test_connecting_ends_with_a_message_that_says_so(running_world: World):
    await running_world.connect_notes(ALICE)

    told = await dm(running_world, ALICE, "Connected to Notes")
    assert action_ids.DISCONNECT in running_world.slack.buttons_of(told, ALICE)
    assert "did not say which account this is" in running_world.slack.text_of(told)
    (vault,) = running_world.agents.vaults.values()
    assert len(vault.credentials) == 1


@pytest.mark.fault("S23")
async def test_the_account_is_shown_where_the_service_says_it_and_a_change_of_it_too(running_world: World):
    running_world.notes.extra_token_fields = {"account": "alice@example.com"}
    await running_world.connect_notes(ALICE)
    told = await dm(running_world, ALICE, "Connected to Notes as alice@example.com")
    assert "another account" not in running_world.slack.text_of(told)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent status")
    await running_world.whispered(ALICE, "Connected as alice@example.com")

    running_world.notes.extra_token_fields = {"account": "<!channel> & co"}
    await running_world.walk(await link(running_world), ALICE)

    again = await dm(running_world, ALICE, "another account than before, which was alice@example.com")
    assert "<!channel>" not in running_world.slack.text_of(again)


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë\u00a0Åberg", "Connected to Notes as Zoë Åberg."),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "Connected to Notes as \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.",
        ),
        ("right\u202eto left", "Notes did not say which account this is"),
        ("two\nlines", "Notes did not say which account this is"),
        ("\u200b", "Notes did not say which account this is"),
    ],
    ids=ascii,
)
async def test_an_account_is_shown_by_a_name_that_people_can_read_in_any_script(running_world: World, name, shown):
    running_world.notes.extra_token_fields = {"account": name}
    await running_world.connect_notes(ALICE)

    assert shown in running_world.slack.text_of(await dm(running_world, ALICE, "Connected to Notes"))


async def test_the_link_is_a_button_in_private_and_nowhere_else(running_world: World):
    url = await link(running_world)
    await running_world.whispered(ALICE, "sent you a direct message")

    shown = [running_world.slack.text_of(message) for message in running_world.slack.dms(ALICE)]
    assert not any(url in text for text in shown)
    assert url not in running_world.whispers(ALICE)
    assert running_world.slack.messages(GENERAL) == []


async def test_a_trap_links_that_can_be_forwarded(running_world: World):
    """Alice's link in Bob's browser connects nothing, for neither of them."""
    url = await link(running_world)

    page = await running_world.walk(url, BOB)

    assert page.status_code >= 400
    await dm(running_world, ALICE, "signed in to Slack as somebody else")
    assert all(not vault.credentials for vault in running_world.agents.vaults.values())


async def test_a_link_looked_at_by_a_previewer_still_works(running_world: World):
    url = await link(running_world)
    async with httpx2.AsyncClient() as http:
        for _ in range(3):
            await http.get(url, headers={"user-agent": "Slackbot-LinkExpanding 1.0"})
            await http.head(url)

    await running_world.walk(url, ALICE)

    await dm(running_world, ALICE, "Connected to Notes")


async def test_a_link_works_once(running_world: World):
    url = await link(running_world)
    await running_world.walk(url, ALICE)
    async with httpx2.AsyncClient() as http:
        again = await http.get(url)

    assert again.status_code >= 400
    (vault,) = running_world.agents.vaults.values()
    assert len(vault.credentials) == 1


async def test_a_link_expires_after_ten_minutes(running_world: World):
    url = await link(running_world)
    running_world.turn(10 * 60 + 1)
    async with httpx2.AsyncClient() as http:
        page = await http.get(url)

    assert page.status_code >= 400
    assert running_world.agents.vaults == {}


async def test_a_link_still_works_after_a_restart(deputy_world: World):
    async with deputy_world.deputy():
        url = await link(deputy_world)
        await deputy_world.settled()
    async with deputy_world.deputy():
        await deputy_world.walk(url, ALICE)

        await dm(deputy_world, ALICE, "Connected to Notes")


async def test_disconnecting_deletes_the_credential_and_the_next_run_goes_without(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent disconnect notes")
    await running_world.whispered(ALICE, "Notes is disconnected")

    root = await running_world.ask(ALICE, "summarise my notes")
    await running_world.answered(root)

    assert "Not connected" in running_world.slack.text_of(root)
    (vault,) = running_world.agents.vaults.values()
    assert [credential for credential in vault.credentials.values() if credential.archived_at is None] == []
    assert running_world.notes.calls == []


async def test_a_service_connected_in_the_middle_of_a_thread_is_used_from_the_next_turn_on(running_world: World):
    root = await running_world.ask(ALICE, "summarise my notes")
    await running_world.answered(root)
    await running_world.connect_notes(ALICE)

    await running_world.slack.post_message(ALICE, root.channel, "summarise my notes", thread_ts=root.ts)
    answers = await running_world.answered(root, 2)

    assert "Offsite plan" in running_world.slack.text_of(answers[-1])
    assert len(running_world.agents.sessions) == 1


async def test_disconnecting_what_is_not_connected_is_answered_privately(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent disconnect notes")

    await running_world.whispered(ALICE, "isn't connected")


async def test_connect_without_a_name_offers_the_services(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent connect")
    picker = await running_world.whispered(ALICE, "Which service")

    await running_world.slack.click(ALICE, picker, action_ids.CONNECT)

    await running_world.slack.until(lambda _: running_world.link_for(ALICE))


async def test_the_picker_says_where_a_service_is_and_how_it_stands(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent connect")

    picker = await running_world.whispered(ALICE, "Which service")
    assert "Connected · 127.0.0.1" in running_world.slack.text_of(picker)


async def test_a_service_nobody_knows_comes_with_the_nearest(running_world: World):
    await running_world.slack.type_command(ALICE, GENERAL, "/agent connect nots")

    await running_world.whispered(ALICE, "Did you mean notes?")


async def test_a_service_that_waits_for_a_client_says_so(deputy_world: World):
    with deputy_world.peers.catalog.open("a") as catalog:
        catalog.write('[services.wiki]\ntitle = "Wiki"\nmcp_url = "https://wiki.example/mcp"\n')
        catalog.write('registration = "pre_registered"\n')
    settings = deputy_world.settings.model_copy(update={"services": ()})
    deputy_world.settings = settings
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, "/agent connect wiki")

        await deputy_world.whispered(ALICE, "has to be set up first")


async def test_connecting_again_replaces_the_credential(running_world: World):
    await running_world.connect_notes(ALICE)
    url = await link(running_world)
    await running_world.walk(url, ALICE, account="carol@example.com")

    root = await running_world.ask(ALICE, "summarise my notes")
    (answer,) = await running_world.answered(root)

    assert "Access review" in running_world.slack.text_of(answer)
    (vault,) = running_world.agents.vaults.values()
    live = [credential for credential in vault.credentials.values() if credential.archived_at is None]
    assert len(live) == 1


@pytest.mark.fault("D11")
@pytest.mark.parametrize(("kind", "times", "status"), [("status_400", 9, "400"), ("status_500", 9, None)])
async def test_a_vault_that_refuses_says_the_same_everywhere_and_why_in_the_log(
    running_world: World, kind, times, status
):
    running_world.agents.faults.add("/v1/vaults/*/credentials", "POST", kind=kind, times=times)

    url = await link(running_world)
    with capture_logs() as logs:
        page = await running_world.walk(url, ALICE, ends_well=False)
        told = await dm(running_world, ALICE, "Claude did not store the access")

    assert "Claude did not store the access" in page.text
    [line] = [entry for entry in logs if entry["event"] == "connect.failed"]
    assert line["reference"] in page.text and line["reference"] in running_world.slack.text_of(told)
    assert line.get("status") == status
    assert line["code"] in {"invalid_request_error", "AgentsUnavailable"}
    assert "A fault that a test ordered" not in str(line)


@pytest.mark.fault("S23")
@pytest.mark.parametrize(
    "paused", [{"members": {ALICE: {"is_paused": True}}}, {"is_paused": True}], ids=["they", "all"]
)
async def test_who_is_paused_connects_nothing(running_world: World, paused: dict):
    await running_world.configure(paused)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent connect notes")
    await running_world.whispered(ALICE, "An admin has paused me")

    assert running_world.link_for(ALICE) is None
