"""The pages: readable, without effect on GET, deaf to foreign forms, and the account page."""

import re

import pytest

REDIRECT = "http://127.0.0.1:9/oauth/callback/notes"


async def opened(app):
    """The address of the consent page and its hidden field; the cookie stays in `app.http`."""
    await app.register()
    address = (await app.http.get(app.authorize_url())).headers["location"]
    return address, await csrf_of(app, address)


async def csrf_of(app, address):
    return re.search(r'name="csrf" value="([^"]+)"', (await app.http.get(address)).text)[1]


async def test_the_pages_ask_for_the_account_and_then_for_the_permission(app, notes):
    address, csrf = await opened(app)
    choice = (await app.http.get(address)).text

    chosen = await app.http.post(f"{address}/account", data={"csrf": csrf, "account": "bob@example.com"})
    question = (await app.http.get(chosen.headers["location"])).text

    assert all(account in choice for account in notes.accounts)
    assert "Allow Deputy to read and write your notes?" in question
    assert "Signed in as bob@example.com" in question


@pytest.mark.parametrize("hint", ["U0B0B0000", "bob", "bob@example.com"])
async def test_the_persona_of_the_browser_is_suggested_first(app, notes, hint):
    notes.personas["U0B0B0000"] = "bob@example.com"
    app.http.cookies.set("sim_user", hint)
    address, _ = await opened(app)

    accounts = re.findall(r'name="account" value="([^"]+)"', (await app.http.get(address)).text)

    assert accounts[0] == "bob@example.com"
    assert len(accounts) == 3


async def test_looking_changes_nothing(app, notes):
    address, _ = await opened(app)
    for _ in range(3):
        await app.http.get(address)
    await app.http.head(address)

    consent = notes.authority.consents[address.rpartition("/")[2]]

    assert (consent.account, consent.settled, notes.tokens.keys() - {"canary-at-anonymous"}) == (None, False, set())


@pytest.mark.parametrize(
    ("headers", "changes", "keep_cookie"),
    [
        ({"origin": "https://evil.example"}, {}, True),
        ({"origin": "null"}, {}, True),
        ({"sec-fetch-site": "cross-site"}, {}, True),
        ({"sec-fetch-site": "same-site"}, {}, True),
        ({}, {"csrf": "guessed"}, True),
        ({}, {}, False),
        ({}, {"account": "mallory@example.com"}, True),
    ],
)
async def test_a_form_from_elsewhere_has_no_effect(app, notes, headers, changes, keep_cookie):
    address, csrf = await opened(app)
    if not keep_cookie:
        app.http.cookies.clear()

    form = {"csrf": csrf, "account": "alice@example.com"} | changes
    answer = await app.http.post(f"{address}/account", data=form, headers=headers)

    assert answer.status_code == 403
    assert notes.authority.consents[address.rpartition("/")[2]].account is None


async def test_a_decision_without_an_account_or_without_meaning_is_refused(app):
    address, csrf = await opened(app)

    early = await app.http.post(f"{address}/decision", data={"csrf": csrf, "decision": "allow"})
    await app.http.post(f"{address}/account", data={"csrf": csrf, "account": "alice@example.com"})
    strange = await app.http.post(f"{address}/decision", data={"csrf": csrf, "decision": "maybe"})

    assert (early.status_code, strange.status_code) == (403, 403)


async def test_a_decision_counts_once(app):
    address, csrf = await opened(app)
    await app.http.post(f"{address}/account", data={"csrf": csrf, "account": "alice@example.com"})
    cookies = dict(app.http.cookies)

    first = await app.http.post(f"{address}/decision", data={"csrf": csrf, "decision": "allow"})
    app.http.cookies.update(cookies)
    second = await app.http.post(f"{address}/decision", data={"csrf": csrf, "decision": "allow"})

    assert first.headers["location"].startswith(f"{REDIRECT}?code=canary-code-")
    assert second.status_code == 410


async def test_a_redirect_uri_with_a_query_keeps_it(app):
    await app.register(redirect_uris=[REDIRECT + "?a=1"])

    answer = await app.answer(redirect_uri=REDIRECT + "?a=1")

    assert answer.keys() == {"a", "code", "state", "iss"}


async def test_a_client_name_cannot_write_html(app):
    await app.register(client_name="<img src=x onerror=alert(1)>")

    page = (await app.http.get((await app.http.get(app.authorize_url())).headers["location"])).text

    assert "<img" not in page


async def test_pages_cannot_be_framed_and_may_lead_back_to_the_client_only(app, notes):
    address, _ = await opened(app)

    policy = (await app.http.get(address)).headers["content-security-policy"]

    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self' http://127.0.0.1:9")


async def test_the_owner_revokes_on_the_account_page(app, notes):
    alice = await app.connect("alice@example.com")
    bob = (await app.token((await app.answer("bob@example.com"))["code"])).json()
    csrf = await csrf_of(app, notes.manage_url)
    form = {"csrf": csrf, "account": "alice@example.com"}

    foreign = await app.http.post("/account/revoke", data=form, headers={"origin": "https://evil.example"})
    revoked = await app.http.post("/account/revoke", data=form)

    assert (foreign.status_code, revoked.status_code) == (403, 303)
    assert (await app.mcp(alice["access_token"])).status_code == 401
    assert (await app.mcp(bob["access_token"])).status_code == 200
