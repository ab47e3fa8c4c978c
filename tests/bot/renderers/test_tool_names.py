"""Tools in sentences: a service's by their own names, ours in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.events import ToolCall
from bot.renderers.tool_names import phrase, plural, service_title, subject

TITLES = {"notion": "Notion", "notes": "Notes", "github": "GitHub"}


@pytest.mark.fault("F31", "F36")
@pytest.mark.parametrize(
    ("service", "name", "what"),
    [
        ("notion", "notion-search", "notion-search in Notion"),
        ("github", "pull_request_read", "pull_request_read in GitHub"),
        ("github", "star_repository", "star_repository in GitHub"),
        ("github", "getIssue", "getIssue in GitHub"),
        ("notes", "suche_notizen", "suche_notizen in Notes"),
        ("notes", "", "a tool in Notes"),
        ("notes", "get\u200bnote", "get\\u200bnote in Notes"),
        ("my-crm", "list_leads", "list_leads in My Crm"),
        (None, "new_tool", "new_tool"),
    ],
)
def test_a_services_tool_stands_under_its_own_name_and_no_english_is_made_of_it(service, name, what):
    words = phrase(ToolCall("sevt_1", service, name, {}), TITLES)

    assert (words.infinitive, words.doing, words.done) == (f"use {what}", f"using {what}", f"used {what}")


@pytest.mark.fault("F31", "F36")
@given(st.text(st.characters(codec="ascii", categories=("L", "Pd", "Pc")), min_size=1, max_size=60))
def test_every_name_is_there_as_it_is(name):
    words = phrase(ToolCall("sevt_1", "notes", name, {}), TITLES)

    assert all(name in said for said in (words.infinitive, words.doing, words.done))


@pytest.mark.fault("F36")
def test_a_title_stands_in_quotation_marks_and_who_decides_reads_the_name_beside_it():
    words = phrase(ToolCall("sevt_1", "notion", "notion-search", {}, title="Search pages"), TITLES)

    assert words.infinitive == "use “Search pages” (notion-search) in Notion"
    assert (words.doing, words.done) == ("using “Search pages” in Notion", "used “Search pages” in Notion")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bash", ("run a command", "running a command", "ran a command")),
        ("web_search", ("search the web", "searching the web", "searched the web")),
    ],
)
def test_what_claude_brings_along_has_words_of_its_own(name, words):
    said = phrase(ToolCall("sevt_1", None, name, {}), TITLES)

    assert (said.infinitive, said.doing, said.done) == words
    assert phrase(ToolCall("sevt_1", "notes", name, {}), TITLES).done == f"used {name} in Notes"


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
