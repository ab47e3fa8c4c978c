"""What looks like a secret is hidden, what only sounds like one is not."""

import pytest

from bot.renderers.arguments import argument_pages, masked, preview


@pytest.mark.parametrize(
    "name", ["password", "apiKey", "api_key", "client_secret", "token", "accessToken", "Authorization", "dbPwd", "pin"]
)
def test_a_value_with_a_secret_name_is_hidden_at_any_depth(name):
    assert masked({"a": [{name: "hunter2hunter2"}]}) == {"a": [{name: "•••••• (14 characters hidden)"}]}


@pytest.mark.parametrize(
    "name", ["title", "page_count", "author", "spinner", "keyboard", "monkey", "passage", "tokens"]
)
def test_a_value_with_an_ordinary_name_is_shown(name):
    assert masked({name: "hunter2"}) == {name: "hunter2"}


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-" + "1234567890-abcdef",
        "sk-ant-" + "api03-abcdefghijkl",
        "ghp_" + "a" * 36,
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "eyJhbGciOiJI" + ".eyJzdWIiOiIx.c2ln",
        "Bearer " + "abcdef0123456789",
        "-----BEGIN PRIVATE " + "KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    ],
)
def test_a_secret_shape_is_hidden_inside_other_words(secret):
    shown = masked(f"deploy with {secret} please")

    assert secret not in str(shown)
    assert str(shown).startswith("deploy with •••••• (") and str(shown).endswith("hidden) please")


def test_what_is_nested_without_end_is_said_to_be():
    deep: object = "bottom"
    for _ in range(200):
        deep = [deep]

    assert "nested too deeply" in str(masked({"deep": deep}))
    assert argument_pages({"deep": deep})


def test_a_preview_has_a_line_for_each_argument_and_hides_secrets():
    shown = preview({"title": "Plan\nto: all", "count": 3, "token": "abcdefgh"}, 500)

    assert shown == 'title: "Plan\\nto: all"\ncount: 3\ntoken: •••••• (8 characters hidden)'
    assert preview({}, 500) == "No arguments"
    assert len(preview({"text": "x" * 5_000}, 500)) == 500


def test_many_arguments_are_all_there():
    pages = argument_pages({f"name{number}": number for number in range(1_000)})

    assert sum(str(block).count("'bold'") for page in pages for block in page) == 1_000
