"""Tool names are read in people's words."""

import pytest

from bot.events import ToolCall
from bot.renderers.wording import phrase, plural, service_title, subject

TITLES = {"notion": "Notion", "notes": "Notes", "github": "GitHub"}


@pytest.mark.parametrize(
    ("service", "name", "todo", "doing", "done"),
    [
        ("notion", "search", "search Notion", "searching Notion", "searched Notion"),
        ("notion", "notion-create-tag", "create tag in Notion", "creating tag in Notion", "created tag in Notion"),
        ("notes", "search_notes", "search notes", "searching notes", "searched notes"),
        ("github", "getIssue", "get issue in GitHub", "getting issue in GitHub", "got issue in GitHub"),
        ("notes", "API-post-page", "post page in Notes", "posting page in Notes", "posted page in Notes"),
        ("notes", "copy", "copy something in Notes", "copying something in Notes", "copied something in Notes"),
        ("notes", "frobnicate", "use frobnicate in Notes", "using frobnicate in Notes", "used frobnicate in Notes"),
        ("notes", "", "use a tool in Notes", "using a tool in Notes", "used a tool in Notes"),
        ("my-crm", "list_leads", "list leads in My Crm", "listing leads in My Crm", "listed leads in My Crm"),
        (None, "bash", "run a command", "running a command", "ran a command"),
        (None, "web_search", "search the web", "searching the web", "searched the web"),
        (None, "new_tool", "use new tool", "using new tool", "used new tool"),
    ],
)  # fmt: skip
def test_a_call_is_said_in_words(service, name, todo, doing, done):
    words = phrase(ToolCall("sevt_1", service, name, {}), TITLES)

    assert (words.infinitive, words.doing, words.done) == (todo, doing, done)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"query": "roadmap"}, "roadmap"),
        ({"id": "x", "title": "Plan\nB"}, "Plan B"),
        ({"query": 7, "page_id": "secret"}, ""),
        ({"query": "x" * 500}, "x" * 99 + "…"),
        ({"text": ' {"a": 1}', "prompt": "a plan"}, "a plan"),
        ({"file_path": "/mnt/session/uploads/trn_0a1b/1-report.csv"}, "report.csv"),
        ({"path": "/mnt/session/outputs/report.csv"}, "report.csv"),
        ({"command": "cat /mnt/session/uploads/trn_0a1b/12-a.csv > /mnt/session/outputs/b.csv"}, "cat a.csv > b.csv"),
        ({}, ""),
    ],
)
def test_a_call_is_about_its_most_telling_argument(arguments, words):
    assert subject(ToolCall("sevt_1", "notes", "search", arguments)) == words


def test_titles_and_numbers():
    assert service_title("acme_wiki", {}) == "Acme Wiki"
    assert (plural(1, "step"), plural(2, "step")) == ("1 step", "2 steps")
