from __future__ import annotations

from itertools import combinations
from typing import get_args

from bot.composition import handlers
from bot.model import commands as c


class Anything:
    """Has every part that a table takes a handler from."""

    def __getattr__(self, _name):
        return self


def test_each_command_is_carried_out_by_one_handler_or_by_the_dispatcher_itself():
    table = handlers.build_table(Anything())

    registered = table.commands.keys() | table.forms.keys()
    assert set(get_args(c.Command)) - registered == {c.HearMention, c.TellOutcome, c.TellRefused}
    assert not table.commands.keys() & table.forms.keys()


def test_no_command_is_in_two_tables():
    tables = (
        handlers._request_handlers,
        handlers._turn_handlers,
        handlers._connection_handlers,
        handlers._other_handlers,
    )

    for one, another in combinations(tables, 2):
        assert not one(Anything()).keys() & another(Anything()).keys()
