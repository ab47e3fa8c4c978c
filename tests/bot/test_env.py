import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.env import Settings
from bot.model.errors import ConfigurationError
from store.sealing import new_key

RIGHT = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1-A1-2-3",
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": "hush",
    "ANTHROPIC_API_KEY": "sk-ant-1",
    "DEPUTY_SECRET_KEYS": new_key(),
    "DEPUTY_PUBLIC_URL": "https://deputy.example.com",
}
NAMES = (
    *RIGHT,
    "SLACK_SIGNING_SECRET",
    "SLACK_API_URL",
    "ANTHROPIC_BASE_URL",
    "DATABASE_URL",
    "HOST",
    "PORT",
    "DEPUTY_ADMINS",
    "DEPUTY_CATALOG",
    "DEPUTY_SERVICES",
    "DEPUTY_CLIENTS",
    "DEPUTY_MODEL",
    "DEPUTY_APPROVAL_MINUTES",
    "DEPUTY_LOG_LEVEL",
    "DEPUTY_ALLOW_LOOPBACK",
)


def problems_of(environ):
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environ(environ)
    return caught.value.problems


def test_what_is_required_is_enough_and_the_rest_has_defaults():
    settings = Settings.from_environ(RIGHT)

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.slack_base_url == "https://slack.com/"
    assert settings.database_url == "sqlite+aiosqlite:///deputy.db"
    assert settings.admins == frozenset()
    assert not settings.allow_loopback


def test_everything_that_is_missing_is_told_at_once():
    problems = problems_of({})

    assert [problem.split()[0] for problem in problems] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_CLIENT_ID",
        "SLACK_CLIENT_SECRET",
        "ANTHROPIC_API_KEY",
        "DEPUTY_SECRET_KEYS",
        "DEPUTY_PUBLIC_URL",
    ]
    assert all("missing: " in problem or "is needed: " in problem for problem in problems)


@pytest.mark.parametrize(
    ("name", "wrong", "rule"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-1", "begins with xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-1", "begins with xapp-"),
        ("SLACK_API_URL", "https://slack.com", "must end with /api/"),
        ("DEPUTY_PUBLIC_URL", "http://deputy.example.com", "must be https://HOST"),
        ("DEPUTY_PUBLIC_URL", "https://deputy.example.com/deputy", "must be https://HOST"),
        ("DEPUTY_PUBLIC_URL", "https://me@deputy.example.com", "must be https://HOST"),
        ("DEPUTY_PUBLIC_URL", "https://[bad", "must be https://HOST"),
        ("DEPUTY_PUBLIC_URL", "http://127.0.0.1:8080", "must be https://HOST"),
        ("DATABASE_URL", "mysql://me:hush@db/deputy", "must be sqlite:///FILE or postgresql://"),
        ("DATABASE_URL", "deputy.db", "must be sqlite:///FILE or postgresql://"),
        ("DEPUTY_SECRET_KEYS", "hush", "make a key with"),
        ("PORT", "eighty", "from 1 to 65535"),
        ("PORT", "0", "from 1 to 65535"),
        ("PORT", "²", "from 1 to 65535"),
        ("PORT", "9" * 5_000, "from 1 to 65535"),
        ("DEPUTY_APPROVAL_MINUTES", "1441", "from 1 to 1440"),
        ("DEPUTY_LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        ("DEPUTY_ALLOW_LOOPBACK", "yes", "must be one of 0, 1"),
        ("DEPUTY_CATALOG", "/nowhere/catalog.toml", "a file that is not there"),
        ("DEPUTY_CLIENTS", "/nowhere/\0", "a file that is not there"),
    ],
)
def test_a_wrong_value_is_told_with_the_rule_and_without_the_value(name, wrong, rule):
    [problem] = problems_of(RIGHT | {name: wrong})

    assert problem.startswith(name)
    assert rule in problem
    assert wrong not in problem


def test_everything_that_is_wrong_is_told_at_once():
    problems = problems_of(RIGHT | {"PORT": "x", "DEPUTY_COMMAND": "x y", "SLACK_BOT_TOKEN": "x", "DATABASE_URL": "x"})

    assert sorted(problem.split()[0] for problem in problems) == [
        "DATABASE_URL",
        "PORT",
        "SLACK_BOT_TOKEN",
    ]


def test_a_code_as_proof_needs_no_client_of_slacks():
    without = {name: value for name, value in RIGHT.items() if not name.startswith("SLACK_CLIENT")}

    assert Settings.from_environ(without | {"DEPUTY_IDENTITY_CHECK": "Code"}).identity_check == "code"
    assert [line.split()[0] for line in problems_of(without)] == ["SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"]


def test_what_is_wrong_with_loopback_hides_nothing_else():
    problems = problems_of(
        RIGHT | {"DEPUTY_ALLOW_LOOPBACK": "yes", "DEPUTY_PUBLIC_URL": "http://x", "DEPUTY_IDENTITY_CHECK": "x"}
    )

    assert [line.split()[0] for line in problems] == [
        "DEPUTY_IDENTITY_CHECK",
        "DEPUTY_ALLOW_LOOPBACK",
        "DEPUTY_PUBLIC_URL",
    ]


def test_slack_over_http_needs_no_app_token():
    settings = Settings.from_environ({**RIGHT, "SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "hush"})

    assert settings.slack_app_token is None
    assert settings.slack_signing_secret


def test_this_machine_is_a_public_address_only_where_that_is_allowed():
    settings = Settings.from_environ(
        RIGHT | {"DEPUTY_PUBLIC_URL": "http://127.0.0.1:8080/", "DEPUTY_ALLOW_LOOPBACK": "1"}
    )

    assert settings.public_url == "http://127.0.0.1:8080"


@pytest.mark.fault("F28")
@pytest.mark.parametrize(
    "given",
    [
        "https://Deputy.Example.com",
        "HTTPS://deputy.example.com/",
        "https://deputy.example.com:443",
        "https://deputy.example.com.",
        " https://DEPUTY.EXAMPLE.COM:443// ",
    ],
)
def test_a_public_address_is_taken_as_browsers_name_it(given):
    settings = Settings.from_environ(RIGHT | {"DEPUTY_PUBLIC_URL": given})

    assert settings.public_url == "https://deputy.example.com"


@pytest.mark.fault("F28")
def test_a_public_address_in_foreign_letters_is_taken_in_ascii():
    settings = Settings.from_environ(RIGHT | {"DEPUTY_PUBLIC_URL": "https://Bücher.example:8443"})

    assert settings.public_url == "https://xn--bcher-kva.example:8443"


def test_lists_are_taken_apart():
    settings = Settings.from_environ(RIGHT | {"DEPUTY_ADMINS": "U1, U2,,", "DEPUTY_SERVICES": " notes "})

    assert settings.admins == {"U1", "U2"}
    assert settings.services == ("notes",)


def test_settings_show_no_secret():
    database = "postgresql://deputy:hush-hush@db/deputy"
    shown = repr(Settings.from_environ(RIGHT | {"SLACK_SIGNING_SECRET": "hush-hush", "DATABASE_URL": database}))

    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANTHROPIC_API_KEY", "DEPUTY_SECRET_KEYS"):
        assert RIGHT[name] not in shown
    assert "hush" not in shown


words = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["1", "0", "https://x", "http://127.0.0.1", "sqlite://", "postgresql://h/d", "xoxb-", "xapp-", ",", "/agent"]
)


@given(st.dictionaries(st.sampled_from(NAMES), words))
def test_no_environment_raises_anything_but_a_configuration_error(environ):
    try:
        settings = Settings.from_environ(RIGHT | environ)
    except ConfigurationError as error:
        assert error.problems
    else:
        assert all(getattr(settings, field) is not ... for field in Settings.model_fields)


@given(st.dictionaries(st.sampled_from(NAMES), st.text(string.ascii_letters + string.digits + ":/@-_", min_size=12)))
def test_no_value_is_ever_printed(environ):
    try:
        Settings.from_environ(environ)
    except ConfigurationError as error:
        assert not [value for value in environ.values() if value in str(error)]
        assert error.__cause__ is error.__context__ is None  # a traceback would show pydantic's, which has them
