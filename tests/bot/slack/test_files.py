"""Where the bot's token may go with a request for a file's bytes."""

from types import SimpleNamespace

import pytest

from bot.slack.files import SlackFiles

pytestmark = pytest.mark.fault("F14")


@pytest.mark.parametrize(
    ("base", "url", "is_slacks"),
    [
        ("https://slack.com/api/", "https://files.slack.com/files-pri/T1-F1/a.csv", True),
        ("https://slack.com/api/", "https://acme.enterprise.slack.com/files-pri/a.csv", True),
        ("https://slack.com/api/", "https://files.slack.com:443/a", True),
        ("https://slack.com/api/", "https://files.slack.com:8443/a", False),
        ("https://slack.com/api/", "http://files.slack.com/a", False),
        ("https://slack.com/api/", "https://slack.com.evil.example/a", False),
        ("https://slack.com/api/", "https://files.slack.com@evil.example/a", False),
        ("https://slack.com/api/", "https://evilslack.com/a", False),
        ("https://slack.com/api/", "https://files.slack-gov.com/a", False),
        ("https://slack.com/api/", "https://[evil/a", False),
        ("https://slack.com/api/", "https://files.slack.com:x/a", False),
        ("https://slack-gov.com/api/", "https://files.slack-gov.com/a", True),
        ("http://127.0.0.1:5/api/", "http://127.0.0.1:5/files-pri/a", True),
        ("http://127.0.0.1:5/api/", "http://127.0.0.1:6/files-pri/a", False),
    ],
)
def test_the_token_goes_to_slack_alone(base, url, is_slacks):
    files = SlackFiles(api=SimpleNamespace(base_url=base), session=None, token=None)

    assert files._is_slacks(url) is is_slacks
