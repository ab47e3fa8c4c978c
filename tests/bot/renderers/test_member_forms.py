"""The form for a task, and what travels with it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.renderers.member_forms import render_ask_form
from simulator.slack.viewkit import parse_view

WHERE = {
    "channel": "C1",
    "thread_ts": None,
    "response_url": "https://hooks.slack.com/commands/T1/" + "1" * 200,
    "is_direct": False,
}


@given(st.none() | st.text(max_size=100).map(lambda text: text * 60))
def test_whatever_is_quoted_the_form_is_one_that_slack_takes(quoted):
    view = parse_view(render_ask_form(WHERE, quoted), "modal")
    carried = json.loads(view["private_metadata"])

    assert {name: carried[name] for name in WHERE} == WHERE
    assert view["blocks"][0]["element"]["max_length"] == 3_000
