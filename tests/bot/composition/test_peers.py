"""What is read from files when Deputy is opened; that it becomes a whole Deputy is shown by the journeys."""

import pytest

from bot.composition.peers import load_catalog, read_app_id
from bot.env import Settings
from bot.model.errors import ConfigurationError
from store.sealing import new_key

CATALOG = '[services.wiki]\ntitle = "Wiki"\nmcp_url = "https://wiki.example.com/mcp"\n'


@pytest.fixture
def offered(tmp_path):
    """Return how files and settings become what is on offer."""

    def read(catalog: str = CATALOG, clients: str | None = None, **changes: str):
        files = {"DEPUTY_CATALOG": catalog} | ({"DEPUTY_CLIENTS": clients} if clients is not None else {})
        for name, text in files.items():
            (tmp_path / name).write_text(text, "utf-8")
        environ = {
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_APP_TOKEN": "xapp-1",
            "SLACK_CLIENT_ID": "1",
            "SLACK_CLIENT_SECRET": "1",
            "ANTHROPIC_API_KEY": "1",
            "DEPUTY_SECRET_KEYS": new_key(),
            "DEPUTY_PUBLIC_URL": "https://deputy.example.com",
        }
        return load_catalog(Settings.from_environ(environ | {name: str(tmp_path / name) for name in files} | changes))

    return read


def test_own_services_come_beside_the_shipped_ones(offered):
    names = [str(service.name) for service in offered().services]

    assert "wiki" in names
    assert len(names) > 1


def test_only_the_named_services_are_on_offer(offered):
    assert [str(service.name) for service in offered(DEPUTY_SERVICES="wiki").services] == ["wiki"]


@pytest.mark.parametrize(
    ("files", "changes", "problem"),
    [
        ({}, {"DEPUTY_SERVICES": "wiki, wikki"}, "DEPUTY_SERVICES: there is no service `wikki`"),
        ({"catalog": "[services.wiki"}, {}, "TOML"),
        ({"catalog": '[services.wiki]\ntitle = "Wiki"\n'}, {}, "wiki"),
        ({"clients": "[clients"}, {}, "DEPUTY_CLIENTS: cannot be read"),
        ({"clients": '[clients.wiki]\nclient_secret = "hush"\n'}, {}, "DEPUTY_CLIENTS: cannot be read"),
        ({"clients": "clients = 1\n"}, {}, "DEPUTY_CLIENTS: cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_wrong_setting(offered, files, changes, problem):
    with pytest.raises(ConfigurationError) as wrong:
        offered(**files, **changes)

    assert problem in str(wrong.value)
    assert "hush" not in str(wrong.value)


def test_a_service_that_needs_a_client_is_available_once_it_has_one(offered):
    pinned = 'trusted_issuer = "https://wiki.example.com"\nendpoint_hosts = ["wiki.example.com"]\n'
    catalog = f'{CATALOG}registration = "pre_registered"\n{pinned}'
    client = '[clients.wiki]\nclient_id = "1"\nclient_secret = "hush"\n'
    without = offered(catalog, DEPUTY_SERVICES="wiki").services
    having = offered(catalog, client, DEPUTY_SERVICES="wiki").services

    assert [service.is_available for service in [*without, *having]] == [False, True]


@pytest.mark.fault("D14")
@pytest.mark.parametrize(
    ("token", "app"),
    [("xapp-1-A012ABCDEF-123-0a", "A012ABCDEF"), ("xapp-lab-sock", None), ("xapp-1-sock-1", None), ("xapp-1", None)],
)
def test_an_app_is_named_by_a_token_that_names_one(token, app):
    assert read_app_id(token) == app
