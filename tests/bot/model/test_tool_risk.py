"""Names and claims decide how a question is asked; a claim of harmlessness decides nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.tool_risk import Hazard, hazard_of, is_reading_name, only_reads, words_of


@pytest.mark.parametrize(
    ("tool", "hazard"),
    [
        ("delete_note", Hazard.DESTRUCTIVE),
        ("notesTrashPage", Hazard.DESTRUCTIVE),
        ("sendMail", Hazard.OUTWARD),
        ("API-pay-invoice", Hazard.OUTWARD),
        ("send_and_delete", Hazard.DESTRUCTIVE),
        ("deletenote", Hazard.DESTRUCTIVE),
        ("read_note", Hazard.NONE),
        ("postpone_reading", Hazard.NONE),
    ],
)
def test_a_name_says_what_a_call_may_do(tool, hazard):
    assert hazard_of(tool) is hazard


def test_what_a_service_calls_destructive_is_so_and_what_it_calls_harmless_is_not_believed():
    assert hazard_of("tidy_up", {"destructiveHint": True}) is Hazard.DESTRUCTIVE
    assert hazard_of("delete_note", {"readOnlyHint": True, "destructiveHint": False}) is Hazard.DESTRUCTIVE
    assert hazard_of("read_note", {"readOnlyHint": True, "destructiveHint": True}) is Hazard.NONE


def test_a_name_is_read_in_words():
    assert words_of("notes_sendMail-2x") == ["notes", "send", "mail", "2x"]


READS = (
    "search", "get_page", "listIssues", "notion-fetch", "getTransitionsForJiraIssue", "settings_view", "API-get-user",
    "pull_request_read", "jira.search.issues", "whoami",
)  # fmt: skip
ACTS = (
    "transitionJiraIssue", "destroy_cluster", "refund_payment", "deletenote", "get_and_delete", "fetch_and_run",
    "execute_sql", "manage_x", "create_payment", "disable_mfa", "bash", "web_fetch", "getOrCreate", "get2delete",
    "getDELETEnote", "get_deletenote", "getSQLDelete", "readThenObliterate", "frobnicate_list", "obliterate.search",
    "posts", "fetch_url",
    "get_access_token", "readSecret", "list_api_keys", "show_password", "get_click",
    "", "\uff47et_page", "g\u0435t_page", "get_\u200bpage", "getpage",
)  # fmt: skip


@pytest.mark.fault("F37", "S11")
@pytest.mark.parametrize("tool", READS)
def test_a_name_that_reads_and_does_nothing_else_is_known_to_read(tool):
    assert only_reads("notes", tool)


@pytest.mark.fault("F37", "S11", "C4")
@pytest.mark.parametrize("tool", ACTS)
def test_a_name_that_may_do_more_than_read_is_not_safe_whatever_its_service_says(tool):
    assert not only_reads("notes", tool, {"readOnlyHint": True, "destructiveHint": False})


@pytest.mark.fault("S11")
@pytest.mark.parametrize("hints", [{"readOnlyHint": False}, {"destructiveHint": True}])
def test_a_service_can_take_away_that_a_tool_only_reads(hints):
    assert not only_reads("notes", "get_page", hints)


@pytest.mark.fault("S11")
@pytest.mark.parametrize("tool", ["bash", "web_fetch", "write", "edit", "get_page"])
def test_of_the_sandbox_only_what_looks_is_known_to_read(tool):
    assert not only_reads(None, tool)


DEEDS = st.sampled_from(["delete", "nuke", "pay", "frobnicate", "yeet", "obliterate", "run", "Send", "x9"])
READING = st.sampled_from(["get", "list", "search", "Fetch"])


@pytest.mark.fault("F37", "S11")
@given(DEEDS, READING, st.sampled_from(["_", "-", ".", "_and_", "_then_"]))
def test_a_reading_word_after_an_unknown_deed_or_joined_to_one_makes_no_tool_safe(deed, reading, between):
    assert not is_reading_name(f"{deed}{between}{reading}")
    assert not is_reading_name(f"{reading}_and_{deed}")
    assert not is_reading_name(f"{deed}_thing")


@pytest.mark.fault("F37", "S11")
@given(st.text(alphabet=st.characters(min_codepoint=0x80), min_size=1, max_size=3), st.integers(0, 8))
def test_no_letter_outside_the_alphabet_is_in_a_name_that_is_known_to_read(letters, at):
    assert not is_reading_name("get_page"[:at] + letters + "get_page"[at:])
