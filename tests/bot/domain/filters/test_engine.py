"""What filters make of requests and answers, for every way in which an answer can grow."""

from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.model import Config
from bot.domain.filters.engine import AnswerFilter, FilterMatch, Told, closed, grown, look_through, mask, may_be_sent
from bot.model import events as e
from bot.model.errors import Allowed, Refusal, Refused
from bot.model.progress import Outcome, OutcomeKind, Progress, Task, TaskState
from store.records import EventId

TOKEN = "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4xY7z"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEow\nabc\n-----END PRIVATE KEY-----"
OVER = Outcome(OutcomeKind.ANSWERED)


def config(**filters) -> Config:
    return Config.model_validate({"filters": filters})


def test_secrets_are_taken_out_of_requests_without_any_setting():
    looked = look_through(Config(), f"use {TOKEN} please")

    assert looked.text == "use [GitHub token removed] please"
    assert looked.masked == (FilterMatch("secrets", "GitHub token"),)
    assert look_through(Config(), "nothing here").masked == ()


def test_a_pattern_is_taken_out_of_requests_and_named_as_its_admin_named_it():
    rules = config(projects={"pattern": r"(?i)project\s+\w+", "description": "Secret projects"})

    looked = look_through(rules, "about Project Falcon and\nproject x")

    assert looked.text == "about [projects removed] and\n[projects removed]"
    assert looked.masked == (FilterMatch("projects", "Secret projects"),)


def test_a_refusing_filter_refuses_and_what_is_off_is_not_looked_for():
    rules = config(projects={"pattern": "falcon", "asked": "refuse"}, secrets={"asked": "off"})

    assert look_through(rules, "the falcon").refused_by == FilterMatch("projects", "projects")
    assert look_through(rules, TOKEN).text == TOKEN
    assert may_be_sent(rules, "the falcon") == Refused(Refusal.FILTERED, "projects")
    assert isinstance(may_be_sent(rules, "a dove"), Allowed)


def test_a_pattern_is_looked_for_in_each_line_and_not_across():
    rules = config(a={"pattern": "^one.*two$"})

    assert look_through(rules, "one\ntwo").text == "one\ntwo"
    assert look_through(rules, "x\none and two\ny").text == "x\n[a removed]\ny"


PIECES = [
    TOKEN,
    f" {TOKEN} ",
    KEY,
    "falcon",
    "fal",
    "con ",
    "-----BEGIN ",
    "Bearer ",
    "hello ",
    "\n",
    "\n\n",
    "secret: ",
    "日本語 ",
    "a.b",
]
RULES = {
    "nothing but secrets": Config(),
    "a pattern": config(projects={"pattern": "(?i)fal ?con"}),
    "a pattern over whole lines": config(lines={"pattern": "^hello.*falcon"}, secrets={"answered": "off"}),
    "a pattern that meets what was put in": config(odd={"pattern": "removed. ?falcon"}),
    "nothing": config(secrets={"answered": "off"}),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=6), max_size=5))
def test_what_was_shown_of_an_answer_is_how_the_whole_of_it_begins(rules, messages):
    """Every message is written piece by piece, then said as a whole; nothing shown is ever taken back."""
    sieve, progress, shown = AnswerFilter(rules), Progress(), ""
    for pieces in messages:
        gap = "\n\n" if progress.text else ""
        for count in range(1, len(pieces) + 1):
            draft = "".join(pieces[:count])
            seen = sieve.sift(replace(progress, draft=gap + draft)).shown_text
            assert seen.startswith(shown)
            shown = seen
        progress = replace(progress, text=progress.text + gap + "".join(pieces))
        seen = sieve.sift(progress).shown_text
        assert seen.startswith(shown)
        shown = seen
    whole = sieve.sift(replace(progress, outcome=OVER))
    assert whole.shown_text.startswith(shown)
    assert rules == RULES["nothing"] or "secrets" in rules.filters or f" {TOKEN} " not in whole.shown_text


ODD = [
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "[private key removed]",
    "removed] ",
    "**",
    "&#10;",
    "](日",
    ")",
]


@pytest.mark.fault("S6", "S10")
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@given(st.lists(st.sampled_from(PIECES + ODD), max_size=20), st.data())
def test_a_text_that_was_looked_at_as_it_came_is_the_whole_of_it_looked_at_once(rules, pieces, data):
    filters, text = rules.every_filter, "".join(pieces)
    sizes = cycle(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=9)))
    whole, told, at = mask(filters, text), Told(), 0

    while at < len(text):
        new = text[at : at + next(sizes)]
        told, at = grown(filters, told, new), at + len(new)
        assert whole.startswith(told.text)

    assert closed(filters, told).text == whole


@pytest.mark.fault("S6")
def test_a_draft_that_another_text_takes_the_place_of_is_not_told():
    sieve = AnswerFilter(config(projects={"pattern": "falcon"}))

    for draft in ("\n\nIt is\n", "\n\nIt is\nthe fal", "\n\nNo", "\n\nNo.\nIt is x"):
        seen = sieve.sift(Progress(text="So", draft=draft))
        assert seen.shown_text == ("So" + draft)[: ("So" + draft).rfind("\n") + 1]
    assert sieve.sift(Progress(text="So\n\nIt is the falcon")).shown_text == "So\n\nIt is the [projects removed]"
    assert sieve.sift(Progress(text="It is another falcon")).shown_text == "It is another [projects removed]"


@pytest.mark.fault("S6")
def test_a_private_key_ends_its_line_so_that_what_is_before_it_is_told():
    sieve = AnswerFilter(config(lines={"pattern": "hello.*falcon"}))

    begun = sieve.sift(Progress(text="hello -----BEGIN PRIVATE KEY-----\nMII"))
    over = sieve.sift(Progress(text="hello -----BEGIN PRIVATE KEY-----\nMII\n\n-----END PRIVATE KEY----- falcon\n"))

    assert begun.shown_text == "hello [private key removed]"
    assert over.shown_text == "hello [private key removed] falcon\n"


def test_the_draft_of_a_turn_that_was_cut_short_is_looked_through_whole():
    cut = AnswerFilter(Config()).sift(Progress(text="So: ", draft=TOKEN, outcome=Outcome(OutcomeKind.STOPPED)))

    assert cut.shown_text == "So: [GitHub token removed]"


def test_words_are_shown_as_they_come_and_with_a_pattern_line_by_line():
    growing = Progress(draft="First line.\nThe second li")

    assert AnswerFilter(Config()).sift(growing).shown_text == "First line.\nThe second "
    assert AnswerFilter(config(a={"pattern": "x"})).sift(growing).shown_text == "First line.\n"
    assert AnswerFilter(config(secrets={"answered": "off"})).sift(growing).shown_text == "First line.\nThe second li"


def test_a_withholding_filter_shows_the_answer_whole_or_not_at_all():
    sieve = AnswerFilter(
        config(projects={"pattern": "falcon", "answered": "withhold", "description": "Secret projects"})
    )

    assert sieve.sift(Progress(text="It is ", draft="the")).shown_text == ""
    assert sieve.sift(Progress(text="It is fine.", outcome=OVER)).shown_text == "It is fine."
    ended = sieve.sift(Progress(text="It is the falcon.", outcome=OVER))
    assert (ended.shown_text, ended.withheld_by, ended.outcome) == ("", "Secret projects", OVER)
    assert sieve.found(Progress(text="It is the falcon.")) == (FilterMatch("projects", "Secret projects"),)


@pytest.mark.parametrize("answered", ["mask", "withhold"])
def test_what_is_shown_of_a_step_goes_through_the_filters_too(answered):
    sieve = AnswerFilter(config(projects={"pattern": "falcon", "answered": answered}))
    call = e.ToolCall(EventId("t1"), "notes", "read_note", {"title": f"falcon {TOKEN}", "limit": 3})
    running = Task(call, TaskState.RUNNING)
    done = Task(call, TaskState.DONE, result=f"found {TOKEN}")

    for task in (running, done, done):
        [seen] = sieve.sift(Progress(tasks=(task,))).tasks
        assert seen.call.arguments == {"title": "[projects removed] [GitHub token removed]", "limit": 3}
        assert seen.state is task.state
    assert seen.result == "found [GitHub token removed]"
    assert call.arguments["title"] == f"falcon {TOKEN}"
