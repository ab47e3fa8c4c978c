"""What may not happen between link and vault, on real routes.

docs/oauth-threats.md#d-ticket-and-identity and #e-callback have the list.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from oauth.catalog.catalog import Catalog
from oauth.connect.connections import MOST_IN_WORKSPACE, MOST_ISSUED, OVERDUE
from oauth.errors import AttemptEnded, NotConnected, ServiceNotAvailable, TooManyTickets, UnknownService
from oauth.ports import Credential, Failure, Validity
from simulator.patience import patience
from store import tickets
from store.ids import new_id
from store.records import LINK_LIFE, Secret, ServiceName, Ticket, TicketState
from tests.oauth.conftest import NOTES, Browser, Room, next_url


def changed(url: str, **values: str | None) -> str:
    """The URL with query parameters replaced, or taken out where None."""
    base, _, query = url.partition("?")
    params = {**dict(parse_qsl(query)), **values}
    return f"{base}?{urlencode({name: value for name, value in params.items() if value is not None})}"


def nothing_connected(room: Room) -> bool:
    return not room.vaults.credentials and not room.outcomes.connections


def failures(room: Room) -> list[Failure]:
    return [failure for _, failure, _ in room.outcomes.failures]


# --- the link (41 to 43 and 48 of docs/oauth-threats.md#d-ticket-and-identity)


@pytest.mark.threat(42)
async def test_looking_at_a_link_has_no_effect_however_often_and_by_whom(room, alice):
    link = await room.issue(alice)

    async with room.browser() as scanner:
        for method in ("GET", "GET", "HEAD"):
            assert (await scanner.get(link, method)).status_code == 200
        assert (
            await scanner.get(link, **{"sec-purpose": "prefetch", "user-agent": "Slackbot-LinkExpanding 1.0"})
        ).is_success
        assert scanner.cookies == {}
    async with room.browser() as browser:
        assert (await browser.connect(link)).status_code == 303


@pytest.mark.threat(43)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_a_form_from_elsewhere_does_not_start(room, alice, headers):
    link = await room.issue(alice)

    async with room.browser() as browser:
        refused = await browser.press(link, **headers)
        without_origin = await browser.client.post(f"{link}/start")
        link_is_whole = await browser.get(link)

    assert (refused.status_code, without_origin.status_code) == (403, 403)
    assert "set-cookie" not in refused.headers
    assert link_is_whole.status_code == 200


@pytest.mark.threat(42)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_a_post_starts(room, alice, method):
    link = await room.issue(alice)

    async with room.browser() as browser:
        answer = await browser.get(f"{link}/start", method, origin=room.base_url)

    assert answer.status_code == 405


@pytest.mark.threat(41)
async def test_a_link_of_nobody_is_not_found(room):
    async with room.browser() as browser:
        unknown = await browser.get(f"{room.base_url}/connect/{'x' * 43}")
        odd = await browser.get(f"{room.base_url}/connect/%3Cscript%3Ealert(1)%3C/script%3E")

    assert (unknown.status_code, odd.status_code) == (404, 404)
    assert "<script" not in odd.text


@pytest.mark.threat(41)
async def test_an_expired_link_says_so(room, alice):
    link = await room.issue(alice)
    room.clock.simulated.advance(LINK_LIFE.total_seconds() + 1)

    async with room.browser() as browser:
        assert (await browser.get(link)).status_code == 410
        assert (await browser.press(link)).status_code == 410


@pytest.mark.threat(41, 48)
async def test_a_newer_link_supersedes_the_older_one(room, alice):
    older = await room.issue(alice)
    newer = await room.issue(alice)

    async with room.browser() as browser:
        gone = await browser.get(older)
        assert gone.status_code == 410
        assert "newer" in gone.text
        assert (await browser.connect(newer)).status_code == 303


@pytest.mark.threat(48)
async def test_a_double_click_starts_once(room, alice):
    link = await room.issue(alice)

    async with room.browser() as one, room.browser() as other:
        answers = await asyncio.gather(one.press(link), other.press(link))

    assert sorted(answer.status_code for answer in answers) == [200, 410]


@pytest.mark.threat(48)
async def test_pressing_twice_in_one_browser_leads_to_the_same_place(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        first, second = await browser.press(link), await browser.press(link)
        assert next_url(first) == next_url(second)
        assert first.headers["set-cookie"] == second.headers["set-cookie"]
        to_service = next_url(await browser.get(browser.sign_in(next_url(second))))
        late = await browser.press(link)
        done = await browser.get(await room.notes.consent(to_service))

    assert late.status_code == 410
    assert done.status_code == 303
    assert len(room.outcomes.connections) == 1


@pytest.mark.threat(48)
@pytest.mark.parametrize("how", ["no cookie", "another's cookie", "expired"])
async def test_pressing_again_helps_nobody_else_and_not_for_ever(room, alice, how):
    link = await room.issue(alice)

    async with room.browser() as browser:
        await browser.press(link)
        if how == "expired":
            room.clock.simulated.advance(LINK_LIFE.total_seconds())
        else:
            browser.cookies = {} if how == "no cookie" else dict.fromkeys(browser.cookies, "x" * 43)
        assert (await browser.press(link)).status_code == 410


@pytest.mark.threat(41)
async def test_a_used_link_starts_nothing(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        await browser.connect(link)
        assert (await browser.get(link)).status_code == 410
        assert (await browser.press(link)).status_code == 410

    assert len(room.vaults.credentials) == 1


@pytest.mark.threat(82)
async def test_a_fourth_open_link_is_refused_and_leaves_the_others(room, alice):
    async with room.database.transaction() as tx:
        for number in range(3):
            expires_at = room.clock.now() + timedelta(minutes=5)
            ticket = Ticket(new_id("tkt"), alice, ServiceName(f"other{number}"), TicketState.NEW, expires_at, None)
            await tickets.issue(tx, ticket, f"hash{number}")

    with pytest.raises(TooManyTickets):
        await room.issue(alice)

    async with room.database.transaction() as tx:
        assert await tickets.count_open(tx, alice, room.clock.now()) == 3


@pytest.mark.threat(82)
@pytest.mark.parametrize(("limit", "is_same"), [(MOST_ISSUED, True), (MOST_IN_WORKSPACE, False)])
async def test_links_in_a_short_time_are_counted_for_member_and_workspace(room, alice, bob, limit, is_same):
    async with room.database.transaction() as tx:
        for number in range(limit):
            expires_at = room.clock.now() + timedelta(minutes=5)
            ticket = Ticket(new_id("tkt"), alice, NOTES, TicketState.NEW, expires_at, None)
            await tickets.issue(tx, ticket, f"hash{number}")

    with pytest.raises(TooManyTickets):
        await room.issue(alice if is_same else bob)

    room.clock.simulated.advance(601)
    await room.issue(alice)


@pytest.mark.threat(49)
async def test_the_links_of_a_workspace_that_deputy_left_are_void(room, alice, bob):
    async with room.browser() as browser:
        authorize_url = await browser.to_service(await room.issue(alice))
        link = await room.issue(bob)
        await room.connections.void_workspace(alice.workspace_id)

        assert (await browser.get(await room.notes.consent(authorize_url))).status_code == 410
        assert (await browser.get(link)).status_code == 410

    assert nothing_connected(room)


@pytest.mark.threat(49)
async def test_a_service_that_moved_on_the_way_connects_nothing(room, alice):
    """What the catalogue says now is what the agent uses: a credential for the old address serves nobody."""
    async with room.browser() as browser:
        back = await returning(browser, await room.issue(alice))
        catalog = room.connections.catalog
        catalog._services[NOTES] = replace(catalog.get(NOTES), mcp_url="https://notes.example/other")
        answer = await browser.get(back)

    assert answer.status_code == 502
    assert nothing_connected(room)
    assert _live(room) == []


@pytest.mark.threat(49)
async def test_a_deactivated_members_link_is_void(room, alice):
    link = await room.issue(alice)

    await room.connections.void(alice)

    async with room.browser() as browser:
        assert (await browser.get(link)).status_code == 410


# --- the identity (44 to 50 of docs/oauth-threats.md#d-ticket-and-identity)


@pytest.mark.threat(45)
async def test_the_providers_url_is_worth_nothing_in_another_browser(room, alice):
    link = await room.issue(alice)

    async with room.browser() as attacker, room.browser() as victim:
        authorize_url = await attacker.to_service(link)
        answer = await victim.get(await room.notes.consent(authorize_url, "bob@example.com"))

    assert next_url(answer).startswith(f"{room.base_url}/not-connected/")
    assert nothing_connected(room)


@pytest.mark.fault("S7", "C12")
@pytest.mark.threat(45)
@pytest.mark.parametrize("step", ["slack", "service"])
@pytest.mark.parametrize("cookie", [None, "x" * 43, ""])
async def test_an_answer_in_another_browser_ends_the_attempt_and_its_owner_is_told(room, alice, step, cookie):
    """The victim's consent is in the address: the attacker, who has the cookie, must get nothing of it."""
    link = await room.issue(alice)

    async with room.browser() as attacker, room.browser() as victim:
        if step == "slack":
            back = attacker.sign_in(await attacker.to_slack(link))
        else:
            back = await returning(attacker, link)
        victim.cookies = {} if cookie is None else dict.fromkeys(attacker.cookies, cookie)
        moved = await victim.get(back)
        end = await victim.get(next_url(moved))
        again = await attacker.get(back)

    assert (moved.status_code, end.status_code, again.status_code) == (303, 403, 410)
    assert "?" not in next_url(moved)
    assert nothing_connected(room)
    [(ticket, failure, reference)] = room.outcomes.failures
    assert (ticket.owner, failure) == (alice, Failure.OTHER_BROWSER)
    assert reference in end.text and "one browser" in end.text
    assert moved.headers["referrer-policy"] == "no-referrer"


@pytest.mark.fault("S7")
async def test_a_preview_of_an_answer_ends_nothing(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser, room.browser() as previewer:
        back = await returning(browser, link)
        await previewer.get(back, method="HEAD")
        assert (await previewer.get(back, **{"sec-purpose": "prefetch;prerender"})).status_code == 400
        assert (await browser.get(back)).status_code == 303

    assert len(room.outcomes.connections) == 1


@pytest.mark.parametrize("reference", ["x", "ABCD12345", "abcd1234", "%3Cb%3E"])
async def test_the_page_of_the_wrong_browser_repeats_references_only(room, reference):
    async with room.browser() as browser:
        answer = await browser.get(f"{room.base_url}/not-connected/{reference}")

    assert answer.status_code == 404
    assert "<b>" not in answer.text


@pytest.mark.threat(46)
async def test_anothers_slack_answer_is_worth_nothing_in_this_browser(room, alice, bob):
    link, other = await room.issue(alice), await room.issue(bob)

    async with room.browser() as browser, room.browser() as attacker:
        await browser.to_slack(link)
        injected = attacker.sign_in(await attacker.to_slack(other), bob.user_id)
        answer = await browser.get(injected)

    assert next_url(answer).startswith(f"{room.base_url}/not-connected/")
    assert [(ticket.owner, failure) for ticket, failure, _ in room.outcomes.failures] == [(bob, Failure.OTHER_BROWSER)]
    assert nothing_connected(room)


@pytest.mark.threat(46)
async def test_a_slack_code_of_another_flow_does_not_prove(room, alice):
    """The nonce: the attacker's code with the victim's state."""
    link = await room.issue(alice)

    async with room.browser() as browser:
        authorize_url = await browser.to_slack(link)
        own = browser.sign_in(authorize_url)
        foreign = browser.sign_in(changed(authorize_url, nonce="of-another-flow"))
        answer = await browser.get(changed(own, code=dict(parse_qsl(urlsplit(foreign).query))["code"]))

    assert answer.status_code == 502
    assert nothing_connected(room)
    assert failures(room) == [Failure.SERVICE]


@pytest.mark.threat(54)
async def test_of_two_answers_of_slack_at_once_one_goes_on_and_neither_ends_the_attempt(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser, patience():
        back = browser.sign_in(await browser.to_slack(link))
        answers = sorted(await asyncio.gather(browser.get(back), browser.get(back)), key=lambda one: one.status_code)
        assert [answer.status_code for answer in answers] == [303, 410]
        done = await browser.get(await room.notes.consent(next_url(answers[0])))

    assert done.status_code == 303
    assert room.outcomes.failures == []
    assert len(room.outcomes.connections) == 1


@pytest.mark.threat(47)
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody-else"},
        {"aud": ["1.2", "somebody-else"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"nonce": "other"},
        {"nonce": None},
        {"nonce": ["other"]},
        {"sub": None},
        {"azp": "another-client"},
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": 99_999_999_999},
        {"https://slack.com/user_id": None},
        {"https://slack.com/user_id": 7},
        {"https://slack.com/team_id": None},
        {"https://slack.com/team_id": ["T"]},
    ],
)
async def test_an_id_token_with_a_false_claim_proves_nobody(room, alice, claims):
    room.slack.lies.claims = claims

    assert (await _identify(room, alice)).status_code == 502
    assert nothing_connected(room)
    assert failures(room) == [Failure.SERVICE]


@pytest.mark.threat(61)
@pytest.mark.parametrize(("seconds", "status"), [(30, 303), (90, 502)])
async def test_an_id_token_is_as_late_as_clocks_differ_and_no_later(room, alice, seconds, status):
    room.slack.lies.claims = {"exp": int(room.clock.now().timestamp()) - seconds}

    assert (await _identify(room, alice)).status_code == status


@pytest.mark.threat(47)
@pytest.mark.parametrize("lie", [{"alg": "none"}, {"alg": "HS256"}, {"kid": "unknown"}, {"wrong_key": True}])
async def test_an_id_token_that_slack_did_not_sign_proves_nobody(room, alice, lie):
    for name, value in lie.items():
        setattr(room.slack.lies, name, value)

    assert (await _identify(room, alice)).status_code == 502
    assert nothing_connected(room)


@pytest.mark.threat(47)
async def test_the_same_user_id_in_another_team_is_somebody_else(room, alice):
    room.slack.lies.claims = {"https://slack.com/team_id": "T0OTHER00"}

    assert (await _identify(room, alice)).status_code == 403
    assert failures(room) == [Failure.SOMEBODY_ELSE]


@pytest.mark.threat(53)
async def test_an_answer_of_slack_that_says_two_things_ends_the_attempt(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = browser.sign_in(await browser.to_slack(link))
        assert (await browser.get(f"{back}&code=again")).status_code == 502
        assert (await browser.get(back)).status_code == 410

    assert failures(room) == [Failure.SERVICE]


async def test_saying_no_at_slack_ends_the_attempt(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = browser.sign_in(await browser.to_slack(link))
        answer = await browser.get(changed(back, code=None, error="access_denied"))

    assert answer.status_code == 200
    assert failures(room) == [Failure.DENIED]


async def _identify(room: Room, member) -> object:
    link = await room.issue(member)
    async with room.browser() as browser:
        return await browser.get(browser.sign_in(await browser.to_slack(link), member.user_id))


@pytest.mark.threat(50)
@pytest.mark.parametrize("cookie", [None, "x" * 43, ""])
async def test_without_the_flows_own_cookie_nothing_goes_on(room, alice, cookie):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = browser.sign_in(await browser.to_slack(link))
        own = dict(browser.cookies)
        browser.cookies = {} if cookie is None else dict.fromkeys(own, cookie)
        refused = await browser.get(back)

    assert next_url(refused).startswith(f"{room.base_url}/not-connected/")
    assert nothing_connected(room)


@pytest.mark.threat(50)
async def test_a_cookie_that_is_not_locked_to_the_host_is_none(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = browser.sign_in(await browser.to_slack(link))
        browser.cookies = {name.removeprefix("__Host-"): value for name, value in browser.cookies.items()}
        injected = await browser.get(back)

    assert next_url(injected).startswith(f"{room.base_url}/not-connected/")
    assert nothing_connected(room)


@pytest.mark.threat(50)
async def test_the_flow_cookie_is_locked_to_host_and_time(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        answer = await browser.press(link)

    assert re.fullmatch(
        r"__Host-connect-[0-9a-f]{12}=[\w-]{43}; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax",
        answer.headers["set-cookie"],
    )


# --- the callback (docs/oauth-threats.md#e-callback)


async def returning(browser: Browser, link: str) -> str:
    """Where the service sends the browser."""
    return await browser.room.notes.consent(await browser.to_service(link))


@pytest.mark.threat(54)
async def test_a_replayed_callback_does_nothing(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        cookies = dict(browser.cookies)
        assert (await browser.get(back)).status_code == 303
        browser.cookies = cookies
        assert (await browser.get(back)).status_code == 410

    assert len(room.vaults.credentials) == 1
    assert room.outcomes.failures == []


@pytest.mark.threat(54)
async def test_of_two_callbacks_at_once_exactly_one_connects(room, alice):
    link = await room.issue(alice)
    room.vaults.may_go_on = asyncio.Event()

    async with room.browser() as browser, patience():
        back = await returning(browser, link)
        first = asyncio.create_task(browser.get(back))
        await room.vaults.is_reached.wait()
        second = await browser.get(back)
        room.vaults.may_go_on.set()

        assert ((await first).status_code, second.status_code) == (303, 410)

    assert len(room.vaults.credentials) == 1
    assert len(room.outcomes.connections) == 1
    assert room.outcomes.failures == []


@pytest.mark.threat(54)
@pytest.mark.parametrize(
    "change", [{"state": None}, {"state": ""}, {"state": "x" * 43}, {"state": "x" * 2000}, {"state": "\u0661"}]
)
async def test_a_wrong_state_finds_no_attempt_and_spoils_none(room, alice, change):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        refused = await browser.get(changed(back, **change))
        assert refused.status_code in (400, 410)
        assert (await browser.get(back)).status_code == 303


@pytest.mark.threat(53)
async def test_parameters_that_are_repeated_or_endless_are_refused(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        state = dict(parse_qsl(urlsplit(back).query))["state"]
        assert (await browser.get(f"{back}&state={state}")).status_code == 400
        assert (await browser.get(f"{back}&{'a=b&' * 60}")).status_code == 400
        assert (await browser.get(f"{back}&x={'y' * 20_000}")).status_code == 400
        assert (await browser.get(f"{back}&code=%FF")).status_code == 400
        assert (await browser.get(f"{back}&code=again")).status_code == 502

    assert nothing_connected(room)
    assert failures(room) == [Failure.SERVICE]


@pytest.mark.threat(42, 59)
@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_only_a_navigation_completes(room, alice, method):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        assert (await browser.get(back, method)).status_code in (400, 405)
        assert (await browser.get(back, **{"sec-purpose": "prefetch;prerender"})).status_code == 400
        assert (await browser.get(back)).status_code == 303


@pytest.mark.threat(55)
async def test_an_answer_at_another_services_path_connects_nothing(room, alice):
    """COAT (docs/reference/oauth.md#cross-toolkit-mix-up)."""
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        answer = await browser.get(back.replace("/oauth/callback/notes", "/oauth/callback/notion"))

    assert answer.status_code == 502
    assert nothing_connected(room)
    assert room.notes.tokens.keys() == {"anonymous"} or len(_live(room)) == 0


def _live(room: Room) -> list[object]:
    return [token for account in room.notes.accounts for token in room.notes.authority.live(account)]


@pytest.mark.threat(56)
@pytest.mark.parametrize("iss", [None, "https://evil.example", "/"])
async def test_an_answer_with_a_wrong_issuer_is_not_used(room, alice, iss):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        given = dict(parse_qsl(urlsplit(back).query))["iss"] + iss if iss == "/" else iss
        answer = await browser.get(changed(back, iss=given))

    assert answer.status_code == 502
    assert nothing_connected(room)
    assert _live(room) == []


@pytest.mark.threat(56)
async def test_an_error_of_a_wrong_issuer_is_not_shown(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        forged = changed(back, code=None, error="access_denied", iss="https://evil.example")
        answer = await browser.get(forged)

    assert answer.status_code == 502
    assert failures(room) == [Failure.SERVICE]


@pytest.mark.threat(57)
async def test_a_no_at_the_service_is_told_without_its_words(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        authorize_url = await browser.to_service(link)
        back = await room.notes.consent(authorize_url, allow=False)
        answer = await browser.get(
            changed(back, error_description="<script>alert(1)</script>", error_uri="javascript:x")
        )

    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "alert" not in answer.text
    assert "javascript" not in answer.text
    assert failures(room) == [Failure.DENIED]


async def test_an_attempt_that_took_too_long_ends_and_is_told(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        room.clock.simulated.advance(LINK_LIFE.total_seconds())
        answer = await browser.get(back)

    assert answer.status_code == 410
    assert failures(room) == [Failure.EXPIRED]
    assert nothing_connected(room)


@pytest.mark.threat(49)
async def test_a_member_who_is_voided_on_the_way_gets_no_connection(room, alice):
    link = await room.issue(alice)
    room.vaults.may_go_on = asyncio.Event()

    async with room.browser() as browser, patience():
        back = await returning(browser, link)
        completing = asyncio.create_task(browser.get(back))
        await room.vaults.is_reached.wait()
        await room.connections.void(alice)
        room.vaults.may_go_on.set()
        answer = await completing

    assert answer.status_code == 410
    assert room.outcomes.connections == []
    assert len(room.vaults.removed) == 1
    assert _live(room) == []


@pytest.mark.threat(60)
async def test_an_attempt_survives_a_restart_between_redirect_and_callback(room, alice, sender):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        fresh = room.restarted(sender)
        await fresh.recover()
        await fresh.callback.complete(NOTES, parse_qsl(urlsplit(back).query), browser.cookies)

    assert len(room.outcomes.connections) == 1


@pytest.mark.threat(49)
async def test_a_service_taken_from_the_catalogue_on_the_way_connects_nothing(room, alice, sender):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        fresh = room.restarted(sender, Catalog.load(None, {}))
        with pytest.raises(AttemptEnded):
            await fresh.callback.complete(NOTES, parse_qsl(urlsplit(back).query), browser.cookies)

    assert nothing_connected(room)
    assert _live(room) == []


@pytest.mark.fault("S23")
@pytest.mark.threat(49)
async def test_a_service_taken_away_while_the_browser_was_at_it_is_told_as_that(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        room.connections.catalog.offer(())
        answer = await browser.get(back)

    assert answer.status_code == 404
    assert "no longer offered" in answer.text
    assert failures(room) == [Failure.NOT_OFFERED]
    assert nothing_connected(room)


@pytest.mark.threat(33)
async def test_metadata_that_changes_on_the_way_changes_nothing(room, alice):
    """What was validated at the start holds: the code goes to the recorded endpoint."""
    link = await room.issue(alice)

    async with room.browser() as browser:
        back = await returning(browser, link)
        room.notes.extra_metadata = {"token_endpoint": f"{room.notes.url}/elsewhere", "issuer": "https://evil.example"}
        answer = await browser.get(back)

    assert answer.status_code == 303
    assert not [visit for visit in room.notes.visits if visit.path == "/elsewhere"]


@pytest.mark.threat(48)
async def test_two_connects_in_one_browser_do_not_disturb_each_other(room, alice, bob):
    """Two people at one machine: a cookie for each flow."""
    async with room.browser() as browser:
        first = await browser.to_service(await room.issue(alice))
        second = await browser.to_service(await room.issue(bob), bob.user_id)
        assert (await browser.get(await room.notes.consent(second, "bob@example.com"))).status_code == 303
        assert (await browser.get(await room.notes.consent(first))).status_code == 303

    assert [owner.user_id for owner, _, _ in room.vaults.credentials] == [bob.user_id, alice.user_id]


@pytest.mark.threat(60)
async def test_an_exchange_that_a_crash_cut_off_is_ended_and_told_once(room, alice):
    link = await room.issue(alice)
    async with room.browser() as browser:
        back = await returning(browser, link)
        attempts = room.connections._attempts
        attempt = await attempts.find_authorizing(parse_qsl(urlsplit(back).query), browser.cookies)
        await attempts.claim_exchange(attempt)

        await room.connections.recover()
        await room.connections.recover()

        assert (await browser.get(back)).status_code == 410
    assert failures(room) == [Failure.SERVICE]


# --- tokens and vault (docs/oauth-threats.md#f-token-response and #g-vault)


@pytest.mark.threat(69)
@pytest.mark.parametrize("kind", ["invalid_grant", "invalid_target", "slow_down", "500", "html", "error_200"])
async def test_a_refused_exchange_is_not_repeated_and_ends_kindly(room, alice, kind):
    link = await room.issue(alice)
    room.notes.fail_next_token = kind

    async with room.browser() as browser:
        answer = await browser.connect(link)

    assert answer.status_code == 502
    assert nothing_connected(room)
    assert failures(room) == [Failure.SERVICE]
    assert sum(visit.path == "/token" for visit in room.notes.visits) == 1


@pytest.mark.threat(39)
async def test_a_forgotten_client_registers_again_at_the_next_attempt(room, alice):
    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))
        first = set(room.notes.clients)
        room.notes.fail_next_token = "invalid_client"
        assert (await browser.connect(await room.issue(alice))).status_code == 502
        assert set(room.notes.clients) == first
        assert (await browser.connect(await room.issue(alice))).status_code == 303

    assert len(room.notes.clients) == 2


async def test_a_client_that_may_not_ask_for_the_scope_registers_again_at_the_next_attempt(room, alice):
    async with room.browser() as browser:
        back = await returning(browser, await room.issue(alice))
        assert (await browser.get(changed(back, code=None, error="invalid_scope"))).status_code == 502
        assert (await browser.connect(await room.issue(alice))).status_code == 303

    assert len(room.notes.clients) == 2


@pytest.mark.parametrize("fields", [{"token_type": "mac"}, {"access_token": 7}, {"scope": {"a": 1}}])
async def test_a_malformed_token_response_connects_nothing(room, alice, fields):
    room.notes.extra_token_fields = fields

    async with room.browser() as browser:
        answer = await browser.connect(await room.issue(alice))

    assert answer.status_code == 502
    assert nothing_connected(room)


@pytest.mark.threat(65, 67)
@pytest.mark.parametrize("fields", [{"expires_in": "soon"}, {"scope": ["notes:read"]}])
async def test_an_odd_hint_in_a_token_response_refuses_nothing(room, alice, fields):
    room.notes.extra_token_fields = fields

    async with room.browser() as browser:
        assert (await browser.connect(await room.issue(alice))).status_code == 303


@pytest.mark.threat(72, 73)
async def test_a_credential_that_the_vault_refuses_is_revoked(room, alice):
    room.vaults.refuses = True

    async with room.browser() as browser:
        answer = await browser.connect(await room.issue(alice))

    assert answer.status_code == 502
    assert "Claude did not store the access" in answer.text
    assert failures(room) == [Failure.VAULT]
    assert _live(room) == []


@pytest.mark.threat(73)
async def test_a_vault_that_is_full_is_told_as_full(room, alice):
    room.vaults.is_full = True

    async with room.browser() as browser:
        answer = await browser.connect(await room.issue(alice))

    assert answer.status_code == 502
    assert "no room" in answer.text
    assert failures(room) == [Failure.VAULT_FULL]
    assert _live(room) == []


@pytest.mark.threat(76)
async def test_a_credential_that_does_not_work_is_removed_and_revoked(room, alice):
    room.vaults.validity = Validity.INVALID

    async with room.browser() as browser:
        answer = await browser.connect(await room.issue(alice))

    assert "the access it gave did not work" in answer.text
    assert failures(room) == [Failure.NOT_WORKING]
    assert len(room.vaults.removed) == 1
    assert _live(room) == []


@pytest.mark.threat(76)
async def test_an_outage_of_the_check_is_no_verdict(room, alice):
    room.vaults.validity = Validity.UNKNOWN

    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))

    assert len(room.outcomes.connections) == 1


# --- the service (docs/oauth-threats.md#b-discovery and #c-registration)


@pytest.mark.threat(19)
@pytest.mark.parametrize(
    ("quirk", "value"),
    [
        ("resource_metadata", "other_origin"),
        ("resource_metadata", "missing"),
        ("resource_metadata", "no_servers"),
        ("resource_metadata", "no_resource"),
        ("metadata_issuer", "https://evil.example"),
        ("pkce_methods", None),
        ("pkce_methods", ["plain"]),
        ("no_registration", True),
        ("registration_auth_method", "private_key_jwt"),
        ("registration_error", "invalid_redirect_uri"),
        ("extra_metadata", {"token_endpoint": "http://169.254.169.254/token"}),
        ("extra_metadata", {"authorization_endpoint": "javascript:alert(1)"}),
        ("broken", {"/.well-known/oauth-authorization-server": "500"}),
        ("broken", {"/.well-known/oauth-authorization-server": "redirect"}),
        ("broken", {"/.well-known/oauth-authorization-server": "html"}),
        ("broken", {"/.well-known/oauth-authorization-server": "big"}),
        ("broken", {"/register": "html"}),
    ],
)
async def test_a_service_that_breaks_a_rule_is_not_trusted(room, alice, quirk, value):
    setattr(room.notes, quirk, value)
    link = await room.issue(alice)

    async with room.browser() as browser:
        answer = await browser.get(browser.sign_in(await browser.to_slack(link)))

    assert answer.status_code == 502
    [(_, failure, reference)] = room.outcomes.failures
    assert failure is Failure.SERVICE
    assert reference in answer.text
    assert "evil" not in answer.text
    assert "169.254" not in answer.text


@pytest.mark.threat(20, 21, 24)
@pytest.mark.parametrize(
    ("quirk", "value"),
    [
        ("open_initialize", True),
        ("bare_challenge", True),
        ("resource_metadata", "origin"),
        ("resource_metadata", "parent"),
        ("no_refresh_token", True),
        ("access_token_lifetime", None),
        ("registration_auth_method", "client_secret_post"),
        ("registration_auth_method", "client_secret_basic"),
    ],
)
async def test_a_service_that_is_merely_odd_connects(room, alice, quirk, value):
    setattr(room.notes, quirk, value)

    async with room.browser() as browser:
        answer = await browser.connect(await room.issue(alice))

    assert answer.status_code == 303, answer.text
    assert len(room.outcomes.connections) == 1


# --- the other doors


@pytest.mark.threat(79)
async def test_each_member_connects_their_own_account(room, alice, bob):
    async with room.browser() as one, room.browser() as other:
        await one.connect(await room.issue(alice))
        await other.connect(await room.issue(bob), bob.user_id, "bob@example.com")

    owners = [
        (owner.user_id, room.notes.tokens[credential.access_token.reveal()].subject)
        for owner, _, credential in room.vaults.credentials
    ]
    assert owners == [(alice.user_id, "alice@example.com"), (bob.user_id, "bob@example.com")]
    assert len(room.notes.clients) == 1


async def test_disconnecting_removes_the_connection_and_once_only(room, alice, bob):
    async with room.browser() as browser:
        await browser.connect(await room.issue(alice))

    with pytest.raises(NotConnected):
        await room.connections.disconnect(bob, NOTES)
    gone = await room.connections.disconnect(alice, NOTES)
    with pytest.raises(NotConnected):
        await room.connections.disconnect(alice, NOTES)

    assert [connection.id for connection in room.vaults.removed] == [gone.id]


@pytest.mark.threat(79)
async def test_disconnecting_ends_what_is_on_its_way(room, alice):
    async with room.browser() as browser:
        back = await returning(browser, await room.issue(alice))
        with pytest.raises(NotConnected):
            await room.connections.disconnect(alice, NOTES)
        assert (await browser.get(back)).status_code == 410

    assert nothing_connected(room)


async def test_a_service_that_is_not_there_gets_no_link(room, alice):
    with pytest.raises(UnknownService) as caught:
        await room.connections.issue(alice, ServiceName("notez"), room.clock.now())
    with pytest.raises(ServiceNotAvailable):
        await room.connections.issue(alice, ServiceName("github"), room.clock.now())

    assert "notes" in caught.value.near


@pytest.mark.threat(62)
async def test_every_answer_carries_the_security_headers(room, alice):
    link = await room.issue(alice)

    async with room.browser() as browser:
        answers = [
            await browser.get(link),
            await browser.get(f"{room.base_url}/connected"),
            await browser.get(f"{room.base_url}/connect/unknown"),
            await browser.get(f"{room.base_url}/oauth/callback/notes"),
            await browser.connect(link),
        ]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'; frame-ancestors 'none'; base-uri 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert "http:" not in answer.text
        assert "https:" not in answer.text


@pytest.mark.threat(36)
async def test_no_client_document_is_served_where_nobody_could_fetch_it(room):
    async with room.browser() as browser:
        assert (await browser.get(f"{room.base_url}/oauth/client/notes.json")).status_code == 404
        assert (await browser.get(f"{room.base_url}/oauth/client/nothing.json")).status_code == 404


@pytest.mark.threat(62)
async def test_no_secret_is_shown_or_logged_or_stored_on_any_way(room, alice, bob, logged, tmp_path):
    """62 of the threats: links, cookies, states, codes, verifiers and tokens, on the good way and on bad ones."""
    seen, links = [], []
    async with room.browser() as browser:
        for failing in (None, "invalid_grant", "html"):
            link = await room.issue(alice)
            links.append(link)
            room.notes.fail_next_token = failing
            to_slack = await browser.to_slack(link)
            back = browser.sign_in(to_slack)
            to_service = next_url(await browser.get(back))
            home = await room.notes.consent(to_service)
            for url in (to_slack, back, to_service, home):
                query = dict(parse_qsl(urlsplit(url).query))
                seen += [query[name] for name in ("state", "code", "nonce") if name in query]
            seen += [*browser.cookies.values(), link.rpartition("/")[2]]
            await browser.get(home)
            await browser.get(home)
    seen += [token for token in room.notes.tokens if len(token) > 12]
    seen += [room.slack.client_secret]

    shown, lines = "\n".join(room.shown), "\n".join(logged.lines)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("deputy.db*"))
    secrets = {secret for secret in seen if secret}
    assert len(secrets) > 20
    assert {secret for secret in secrets if secret in lines} == set()
    # The start page's form has the link it was opened with, and nothing else of all this.
    assert {secret for secret in secrets if secret in shown} == {link.rpartition("/")[2] for link in links}
    assert {token for token in room.notes.tokens if token.encode() in stored} == set()


@pytest.mark.threat(60)
async def test_a_connection_that_a_crash_left_unannounced_is_told_as_made(room, alice):
    link = await room.issue(alice)
    async with room.browser() as browser:
        back = await returning(browser, link)
        attempts = room.connections._attempts
        attempt = await attempts.find_authorizing(parse_qsl(urlsplit(back).query), browser.cookies)
        await attempts.claim_exchange(attempt)
        made = await room.vaults.put(alice, NOTES, Credential(room.notes.mcp_url, Secret("t"), None, None, None))

        await room.connections.recover()
        await room.connections.recover()

    assert [connection.id for _, connection in room.outcomes.connections] == [made.id]
    assert failures(room) == []


@pytest.mark.threat(60)
async def test_an_older_connection_is_not_taken_for_what_a_crash_cut_off(room, alice):
    await room.vaults.put(alice, NOTES, Credential(room.notes.mcp_url, Secret("t"), None, None, None))
    room.clock.simulated.advance(LINK_LIFE.total_seconds())
    link = await room.issue(alice)
    async with room.browser() as browser:
        back = await returning(browser, link)
        attempts = room.connections._attempts
        attempt = await attempts.find_authorizing(parse_qsl(urlsplit(back).query), browser.cookies)
        await attempts.claim_exchange(attempt)

        await room.connections.recover()

    assert failures(room) == [Failure.SERVICE]


@pytest.mark.fault("S23")
async def test_an_exchange_that_was_cut_off_is_ended_without_a_restart_once_nobody_can_be_at_it(room, alice, sender):
    """Of several processes any may find it, and one tells; before that it may be another's who is at it."""
    async with room.browser() as browser:
        back = await returning(browser, await room.issue(alice))
        attempts = room.connections._attempts
        attempt = await attempts.find_authorizing(parse_qsl(urlsplit(back).query), browser.cookies)
        await attempts.claim_exchange(attempt)
        room.clock.simulated.advance((LINK_LIFE + OVERDUE).total_seconds() - 60)
        await room.connections.recover_overdue()
        assert failures(room) == []

        room.clock.simulated.advance(61)
        other = room.restarted(sender)
        await asyncio.gather(room.connections.recover_overdue(), other.recover_overdue())

    assert failures(room) == [Failure.SERVICE]
    assert nothing_connected(room)
