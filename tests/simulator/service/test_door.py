"""The strict rules of the OAuth endpoints, and the scenarios that bend them."""

import asyncio
import base64

import httpx
import pytest

from simulator.service.authority import Access
from simulator.service.server import RefusedByService

REDIRECT = "http://127.0.0.1:9/oauth/callback/notes"


async def test_registering_consenting_and_exchanging_gives_tokens_with_the_mark(app, notes):
    tokens = await app.connect("bob@example.com")

    assert tokens["access_token"].startswith("canary-")
    assert tokens["refresh_token"].startswith("canary-")
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "notes:read notes:write")
    assert notes.tokens[tokens["access_token"]].subject == "bob@example.com"
    assert (await app.mcp(tokens["access_token"])).status_code == 200


async def test_the_authorization_response_carries_state_and_issuer(app, notes):
    await app.register()

    answer = await app.answer()

    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("s1", notes.url)


async def test_a_denial_is_access_denied_with_issuer(app, notes):
    await app.register()

    answer = await app.answer(allow=False)

    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "s1", notes.url)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"resource": None}, "invalid_target"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
    ],
)
async def test_a_wrong_authorization_request_goes_back_as_an_error_with_issuer(app, notes, changes, error):
    await app.register()

    answer = await app.answer(**changes)

    assert (answer["error"], answer["state"], answer["iss"]) == (error, "s1", notes.url)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": REDIRECT + "?x=1"},
        {"redirect_uri": REDIRECT.replace("127.0.0.1", "localhost")},
        {"redirect_uri": None},
    ],
)
async def test_an_unknown_client_or_redirect_uri_is_never_redirected_to(app, changes):
    await app.register()

    with pytest.raises(RefusedByService) as refused:
        await app.answer(**changes)

    assert refused.value.args[0] == 400


async def test_a_code_works_once_and_its_second_use_revokes_what_it_gave(app):
    await app.register()
    code = (await app.answer())["code"]
    tokens = (await app.token(code)).json()

    again = await app.token(code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await app.mcp(tokens["access_token"])).status_code == 401


async def test_of_two_exchanges_at_once_one_wins(app):
    await app.register()
    code = (await app.answer())["code"]

    answers = await asyncio.gather(app.token(code), app.token(code))

    assert sorted(answer.status_code for answer in answers) == [200, 400]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_grant"),
        ({"resource": None}, "invalid_target"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"code": "canary-code-unknown"}, "invalid_grant"),
        ({"grant_type": "password"}, "invalid_request"),
    ],
)
async def test_a_wrong_exchange_is_refused(app, changes, error):
    await app.register()
    code = (await app.answer())["code"]

    answer = await app.token(**({"code": code} | changes))

    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_code_is_bound_to_its_client(app):
    await app.register()
    code = (await app.answer())["code"]
    await app.register()

    answer = await app.token(code)

    assert answer.json()["error"] == "invalid_grant"


async def test_an_old_code_is_refused(app, clock):
    await app.register()
    code = (await app.answer())["code"]
    clock.advance(61)

    assert (await app.token(code)).json()["error"] == "invalid_grant"


async def test_an_old_consent_page_is_over(app, clock, notes):
    await app.register()
    page = (await app.http.get(app.authorize_url())).headers["location"]
    clock.advance(601)

    assert (await app.http.get(page)).status_code == 410


async def test_repeated_parameters_json_bodies_and_double_credentials_are_refused(app):
    await app.register()
    code = (await app.answer())["code"]
    form = f"grant_type=authorization_code&code={code}&code={code}"

    answers = [
        await app.http.post("/token", content=form, headers={"content-type": "application/x-www-form-urlencoded"}),
        await app.http.post("/token", json={"grant_type": "authorization_code", "code": code}),
        await app.http.post("/token", data={"client_secret": "x", "client_id": "y"}, auth=("y", "x")),
    ]

    assert [answer.json()["error"] for answer in answers] == ["invalid_request"] * 3


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
async def test_a_confidential_client_proves_itself_as_it_registered(app, method):
    await app.register(token_endpoint_auth_method=method)
    client_id, secret = app.client["client_id"], app.client["client_secret"]
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()

    without = await app.token((await app.answer())["code"])
    if method == "client_secret_basic":
        app.http.headers["authorization"] = f"Basic {basic}"
        proven = await app.token((await app.answer())["code"], client_id=None)
    else:
        proven = await app.token((await app.answer())["code"], client_secret=secret)

    assert (without.status_code, without.json()["error"]) == (401, "invalid_client")
    assert proven.status_code == 200
    assert secret.startswith("canary-")


async def test_refreshing_rotates_and_the_old_token_revokes_the_family(app):
    first = await app.connect()
    second = (await app.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await app.mcp(second["access_token"])).status_code == 200

    reused = await app.refresh(first["refresh_token"])

    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (await app.mcp(second["access_token"])).status_code == 401
    assert (await app.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"


async def test_without_rotation_the_refresh_token_stays(app, notes):
    notes.rotate_refresh_tokens = False
    first = await app.connect()

    second = (await app.refresh(first["refresh_token"])).json()

    assert second["refresh_token"] == first["refresh_token"]


async def test_a_refresh_for_another_resource_is_refused_and_costs_nothing(app):
    tokens = await app.connect()

    refused = await app.refresh(tokens["refresh_token"], resource="https://elsewhere.example/mcp")

    assert refused.json()["error"] == "invalid_target"
    assert (await app.refresh(tokens["refresh_token"])).status_code == 200


async def test_another_client_cannot_refresh(app):
    tokens = await app.connect()
    await app.register()

    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_tokens_end_by_the_clock(app, notes, clock):
    notes.access_token_lifetime, notes.refresh_token_lifetime = 50, 500
    tokens = await app.connect()

    clock.advance(51)
    assert (await app.mcp(tokens["access_token"])).status_code == 401
    clock.advance(500)
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_tokens_without_a_lifetime_never_end(app, notes, clock):
    notes.access_token_lifetime = None
    tokens = await app.connect()

    clock.advance(10**8)

    assert "expires_in" not in tokens
    assert (await app.mcp(tokens["access_token"])).status_code == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_revoking_one_token_revokes_the_grant_and_nobody_elses(app, notes, which):
    tokens = await app.connect()
    other = (await app.token((await app.answer("bob@example.com"))["code"])).json()

    revoked = await app.http.post("/revoke", data={"token": tokens[which], "client_id": app.client["client_id"]})
    unknown = await app.http.post("/revoke", data={"token": "nothing", "client_id": app.client["client_id"]})

    assert (revoked.status_code, unknown.status_code) == (200, 200)
    assert (await app.mcp(tokens["access_token"])).status_code == 401
    assert (await app.refresh(tokens["refresh_token"])).status_code == 400
    assert (await app.mcp(other["access_token"])).status_code == 200


async def test_metadata_names_what_is_there(app, notes):
    server = (await app.http.get("/.well-known/oauth-authorization-server")).json()
    resource = (await app.http.get("/.well-known/oauth-protected-resource/mcp")).json()

    assert server["issuer"] == notes.url
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["authorization_response_iss_parameter_supported"] is True
    assert "none" in server["token_endpoint_auth_methods_supported"]
    assert (resource["resource"], resource["authorization_servers"]) == (notes.mcp_url, [notes.url])
    assert (await app.http.get("/.well-known/oauth-protected-resource")).status_code == 404
    assert (await app.http.get("/.well-known/openid-configuration")).status_code == 404


async def test_metadata_bends_to_the_scenario(app, notes):
    notes.pkce_methods, notes.require_iss, notes.no_registration = None, False, True
    notes.metadata_issuer = "https://elsewhere.example"
    notes.extra_metadata = {"revocation_endpoint": None, "token_endpoint": 7}

    server = (await app.http.get("/.well-known/oauth-authorization-server")).json()

    absent = {
        "code_challenge_methods_supported",
        "authorization_response_iss_parameter_supported",
        "registration_endpoint",
        "revocation_endpoint",
    }
    assert not absent & server.keys()
    assert (server["issuer"], server["token_endpoint"]) == ("https://elsewhere.example", 7)
    assert (await app.register()).status_code == 404


@pytest.mark.parametrize(
    ("quirk", "resource"),
    [("parent", "{url}/"), ("origin", "{url}"), ("other_origin", "https://notes.elsewhere.example/mcp")],
)
async def test_the_resource_may_be_named_otherwise_and_tokens_for_that_name_work(app, notes, quirk, resource):
    notes.resource_metadata = quirk
    named = (await app.http.get("/.well-known/oauth-protected-resource/mcp")).json()["resource"]
    await app.register()
    code = (await app.answer(resource=named))["code"]

    tokens = (await app.token(code, resource=named)).json()

    assert named == resource.format(url=notes.url)
    assert (await app.mcp(tokens["access_token"])).status_code == 200
    notes.resource_metadata = "exact"
    assert (await app.mcp(tokens["access_token"])).status_code == 401


async def test_resource_metadata_may_be_missing_at_the_root_or_hollow(app, notes):
    path, root = "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"
    notes.resource_metadata = "missing"
    assert [(await app.http.get(at)).status_code for at in (path, root)] == [404, 404]
    notes.resource_metadata = "root"
    assert [(await app.http.get(at)).status_code for at in (path, root)] == [404, 200]
    notes.resource_metadata = "no_servers"
    assert (await app.http.get(path)).json()["authorization_servers"] == []
    notes.resource_metadata = "no_resource"
    assert "resource" not in (await app.http.get(path)).json()


async def test_issuer_scenarios(app, notes):
    await app.register()
    notes.omit_iss = True
    assert "iss" not in await app.answer()
    notes.omit_iss, notes.wrong_iss = False, "https://elsewhere.example"
    assert (await app.answer())["iss"] == "https://elsewhere.example"
    assert (await app.answer(allow=False))["iss"] == "https://elsewhere.example"


async def test_authorize_may_deny_without_a_page(app, notes):
    notes.deny_authorize = True
    await app.register()

    answer = await app.answer()

    assert (answer["error"], answer["iss"]) == ("access_denied", notes.url)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("invalid_grant", 400),
        ("invalid_client", 401),
        ("slow_down", 400),
        ("500", 500),
        ("html", 200),
        ("error_200", 200),
    ],
)
async def test_the_next_token_request_fails_as_told_and_the_one_after_works(app, notes, kind, status):
    await app.register()
    code = (await app.answer())["code"]
    notes.fail_next_token = kind

    failed = await app.token(code)

    assert failed.status_code == status
    assert "access_token" not in failed.text
    assert (await app.token(code)).status_code == 200


async def test_a_lost_answer_has_used_the_code_up(app, notes):
    await app.register()
    code = (await app.answer())["code"]
    notes.fail_next_token = "lost"

    assert (await app.token(code)).status_code == 500
    assert (await app.token(code)).json()["error"] == "invalid_grant"


async def test_only_the_next_refresh_fails(app, notes):
    await app.register()
    notes.fail_next_refresh = "invalid_grant"
    tokens = (await app.token((await app.answer())["code"])).json()

    assert (await app.refresh(tokens["refresh_token"])).status_code == 400
    assert (await app.refresh(tokens["refresh_token"])).status_code == 200


async def test_token_answers_bend_to_the_scenario(app, notes):
    notes.no_refresh_token, notes.granted_scopes = True, ["notes:read"]
    notes.extra_token_fields = {"token_type": "mac", "expires_in": "3600.5"}

    tokens = await app.connect()

    assert "refresh_token" not in tokens
    assert (tokens["scope"], tokens["token_type"], tokens["expires_in"]) == ("notes:read", "mac", "3600.5")


@pytest.mark.parametrize(
    "uri",
    [
        "http://elsewhere.example/cb",
        "javascript:alert(1)",
        "https://elsewhere.example/cb#x",
        "https://me@elsewhere.example/cb",
    ],
)
async def test_registering_a_redirect_uri_that_is_not_safe_is_refused(app, uri):
    answer = await app.register(redirect_uris=[uri])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


async def test_registration_bends_to_the_scenario(app, notes):
    notes.registration_auth_method = "client_secret_basic"
    assert (await app.register()).json()["token_endpoint_auth_method"] == "client_secret_basic"
    notes.registration_auth_method = "private_key_jwt"
    assert (await app.register()).json()["token_endpoint_auth_method"] == "private_key_jwt"
    notes.extra_registration_fields = {"client_id": None, "issuer": "https://elsewhere.example"}
    assert "client_id" not in (await app.http.post("/register", json={"redirect_uris": [REDIRECT]})).json()
    notes.registration_error = "invalid_redirect_uri"
    assert (await app.register()).json()["error"] == "invalid_redirect_uri"


async def test_a_forgotten_client_is_an_invalid_client(app, notes, clock):
    notes.client_lifetime = 100
    tokens = await app.connect()
    clock.advance(101)

    refused = await app.refresh(tokens["refresh_token"])

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    await app.register()
    notes.forget_clients()
    assert (await app.token("canary-code-any")).json()["error"] == "invalid_client"


async def test_a_client_made_by_hand_works_without_registration(app, notes):
    notes.no_registration = True
    client = notes.preregister(REDIRECT)
    app.client = {"client_id": client.client_id}

    tokens = await app.token((await app.answer())["code"], client_secret=client.client_secret)

    assert tokens.status_code == 200


async def test_the_record_of_requests_has_no_credentials(app, notes):
    tokens = await app.connect()
    await app.mcp(tokens["access_token"])

    assert [visit.path for visit in notes.visits][-1] == "/mcp"
    assert "canary-" not in repr([visit.headers for visit in notes.visits])
    assert "canary-" not in repr(notes.calls)
    assert all(isinstance(token, Access) for token in notes.authority.live("alice@example.com"))


async def ask_who(app, token: str | None, query: str = "") -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return await app.http.get(f"/userinfo{query}", headers=headers)


async def test_who_may_is_told_whose_a_token_is(app, notes):
    notes.tells_account = True
    notes.granted_scopes = ["notes:read", "openid"]
    token = (await app.connect("bob@example.com"))["access_token"]

    told = await ask_who(app, token)

    assert told.json() == {"sub": "user-bob@example.com", "email": "bob@example.com", "email_verified": True}
    assert (await ask_who(app, token, f"?access_token={token}")).status_code == 400
    assert (await ask_who(app, None)).status_code == 401
    assert (await ask_who(app, "canary-of-nobody")).status_code == 401
    notes.tells_account = False
    assert (await ask_who(app, token)).status_code == 404


async def test_nobody_is_told_without_the_scope(app, notes):
    notes.tells_account = True
    token = (await app.connect("bob@example.com"))["access_token"]

    refused = await ask_who(app, token)

    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
