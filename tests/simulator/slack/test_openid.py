"""Sign in with Slack, verified with joserfc as `oauth` does."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from slack_sdk.errors import SlackApiError

# slack_sdk 3.47 still uses what aiohttp 3.14 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

BACK = "http://127.0.0.1:1/oauth/slack/callback"


def address(slack, **more) -> str:
    query = {"client_id": slack.client_id, "redirect_uri": BACK, "scope": "openid profile", "response_type": "code"}
    return f"{slack.url}/openid/connect/authorize?{urlencode(query | {'state': 's', 'nonce': 'n'} | more)}"


async def exchange(slack, client, code, **more):
    given = {"client_id": slack.client_id, "client_secret": slack.client_secret, "code": code, "redirect_uri": BACK}
    return await client.openid_connect_token(**given | more)


@pytest.fixture
async def code(slack):
    slack.redirect_uris.add(BACK)
    query = parse_qs(urlsplit(await slack.authorize_openid(address(slack), slack.alice)).query)
    assert query["state"] == ["s"]
    return query["code"][0]


async def keys(slack, client) -> KeySet:
    async with client.session.get(slack.url + "/openid/connect/keys") as response:
        return KeySet.import_key_set(await response.json())


async def test_id_token_says_who_signed_in(slack, client, code):
    answer = await exchange(slack, client, code)
    claims = jwt.decode(answer["id_token"], await keys(slack, client), algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"], claims["nonce"]) == ("https://slack.com", slack.client_id, "n")
    assert claims["https://slack.com/user_id"] == slack.alice
    assert claims["https://slack.com/team_id"] == slack.team_id
    assert claims["exp"] > slack.clock.now()


async def test_code_is_good_once_for_ten_minutes_and_one_address(slack, client, code):
    with pytest.raises(SlackApiError, match="bad_redirect_uri"):
        await exchange(slack, client, code, redirect_uri=BACK + "2")
    with pytest.raises(SlackApiError, match="bad_client_secret"):
        await exchange(slack, client, code, client_secret="x")
    await exchange(slack, client, code)
    with pytest.raises(SlackApiError, match="code_already_used"):
        await exchange(slack, client, code)
    late = parse_qs(urlsplit(await slack.authorize_openid(address(slack), slack.bob)).query)["code"][0]
    slack.clock.advance(601)
    with pytest.raises(SlackApiError, match="code_expired"):
        await exchange(slack, client, late)


async def test_lies_are_told_when_asked_for(slack, client, code):
    slack.openid.lies.claims = {"aud": "somebody-else", "nonce": None}
    slack.openid.lies.wrong_key = True
    answer = await exchange(slack, client, code)
    with pytest.raises(BadSignatureError):
        jwt.decode(answer["id_token"], await keys(slack, client), algorithms=["RS256"])


async def test_browser_continues_as_the_person_of_its_cookie(slack, client, code):
    async with client.session.get(address(slack)) as response:
        assert "Who are you?" in await response.text()
    cookies = {"sim_user": slack.bob}
    async with client.session.get(address(slack), cookies=cookies) as response:
        page = await response.text()
    assert "Sign in to Deputy as Bob" in page
    form = {key: values[0] for key, values in parse_qs(urlsplit(address(slack)).query).items()}
    approve = slack.url + "/openid/connect/authorize"
    async with client.session.post(approve, data=form | {"as_user": slack.bob}, allow_redirects=False) as response:
        assert response.status == 302
        assert response.headers["Location"].startswith(BACK + "?code=")


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "x"}, {"redirect_uri": "http://evil.example"}, {"scope": "profile"}, {"response_type": "token"}],
)
async def test_wrong_authorize_requests_stay_on_the_page(slack, client, code, wrong):
    async with client.session.get(address(slack, **wrong), allow_redirects=False) as response:
        assert response.status == 400
    with pytest.raises(ValueError, match="_"):
        await slack.authorize_openid(address(slack, **wrong), slack.alice)
