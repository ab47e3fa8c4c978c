"""Every modal and App Home there is, made of extremes, is one that Slack takes; what is new is found by itself."""

import dataclasses
import importlib
import inspect
import pkgutil
import typing

import pytest

from bot import renderers
from bot.config.forms import FORMS, RAISES, Field, Form, Kind
from bot.config.model import SECRETS, ChannelSettings, Filter, MemberSettings, Profile
from bot.config.tool_rules import Rule, Rules
from bot.domain.admin.config_rows import PAGE
from bot.model.config_views import (
    ChannelRow,
    ClientForm,
    ConfigList,
    ConfirmChange,
    EditItem,
    FilterRow,
    FixedAdmins,
    KnownTools,
    MemberRow,
    Panel,
    ProbeResult,
    ProfileRow,
    RaiseBudget,
    Row,
    ServiceRow,
)
from bot.renderers.block_kit import View
from bot.renderers.config_modals import SECTIONS, render_panel
from simulator.slack.messages import interpreted_texts, mentions_in
from simulator.slack.viewkit import parse_view
from tests.bot.renderers.extremes import ADDRESS, COUNTS, NAMES, Extreme, an_extreme_thread, built, cut_markup

PANELS = typing.get_args(Panel)
FORMS_OF = {EditItem: FORMS, RaiseBudget: RAISES}
ITEM = "n" * 64
OURS = {
    (ConfirmChange, "name"): ITEM,
    (ConfirmChange, "verb"): "remove",
    (ConfirmChange, "kind"): "filter",
    (ServiceRow, "name"): ITEM,
    (ProfileRow, "name"): ITEM,
    (ChannelRow, "name"): "C" * 20,
    (MemberRow, "name"): "U" * 20,
    (EditItem, "name"): ITEM,
    (RaiseBudget, "shortfall_id"): ITEM,
    (ClientForm, "service"): ITEM,
    (ProbeResult, "fingerprint"): "f" * 64,
}
USERS = [f"U{number:010}" for number in range(1_000)]


def renders_a_view(function):
    return inspect.isfunction(function) and typing.get_type_hints(function).get("return") is View


VIEWS = {
    name: function
    for module in pkgutil.iter_modules(renderers.__path__)
    for name, function in vars(importlib.import_module(f"{renderers.__name__}.{module.name}")).items()
    if name.startswith("render_") and renders_a_view(function)
}
"""Whoever opens a modal or publishes a home has to give a `View`, by type: no other function can make one."""
GIVEN = {
    ("render_ask_form", "where"): {"channel": "C" * 20, "thread_ts": "1763899200.000100", "response_url": ADDRESS},
    ("render_code_form", "ticket_id"): "tkt_" + "1" * 60,
    ("render_home", "team_url"): "https://acme.slack.com/",
}
"""Function and parameter → value, where it is ours or Slack's."""


@pytest.fixture(params=NAMES.values(), ids=NAMES)
def extremes(request):
    thread = an_extreme_thread(request.param)
    return [Extreme(request.param, thread, count, which, OURS) for which, count in enumerate((*COUNTS, 30))]


def taken(view):
    """Return a view as Slack has it, which mentions nobody by the words of others."""
    checked = parse_view(view, view["type"])
    assert cut_markup(checked) == []
    assert not {"channel", "U0BOB"}.intersection(mentions_in(list(interpreted_texts(checked))))
    return checked


def values_of(field: Field, one: Extreme):
    """Return what the item may say at a field; a new kind of field has no entry here yet."""
    text = (one.name * 1_000)[: one.count * 40]
    return {
        Kind.LINE: lambda: one.name,
        Kind.TEXT: lambda: text,
        Kind.LINES: lambda: [f"{one.name}{number}" for number in range(one.count)],
        Kind.PACKAGES: lambda: {"pip": [one.name] * one.count},
        Kind.SKILLS: lambda: [{"type": "custom", "skill_id": one.name, "version": "1"}] * one.count,
        Kind.AMOUNT: lambda: "1000000.00",
        Kind.FLAG: lambda: one.which % 2 == 0,
        Kind.CHOICE: lambda: [one.name, "", *(value for value, _ in field.options)][one.which % 2],
        Kind.SERVICES: lambda: [f"n{number}" for number in range(one.count)] if one.which % 2 else "all",
        Kind.USERS: lambda: USERS[: one.count],
        Kind.WHO: lambda: USERS[: one.count] if one.which % 2 else "admins",
    }[field.kind]()


def filled_in(form: Form | None, one: Extreme):
    body: dict = {}
    for field in form.fields if form else ():
        *outer, last = field.path.split(".")
        place = body
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = values_of(field, one)
    return body


def offered(form: Form, one: Extreme):
    """Return the options that depend on what is set; a choice has at least the one that holds."""
    least = {Kind.CHOICE: 1, Kind.SERVICES: 0}
    return {
        field.path: tuple((f"n{number}", one.name) for number in range(max(one.count, least[field.kind])))
        for field in form.fields
        if field.kind in least and not field.options
    }


def panels(kind, one: Extreme):
    """Return the panel of a type, or for each of its forms one with the form filled in and one that is empty."""
    if kind is ConfigList:
        page = with_ours(paged(one), set_in_rows(one))
        section = {(kind, "section"): list(SECTIONS)[one.which]}
        rows = [built(tuple[row, ...], page) for row in typing.get_args(Row)]
        return [built(kind, with_ours(one, {**section, (kind, "rows"): some})) for some in rows]
    return [
        built(kind, with_ours(one, {(kind, "form"): form, (kind, "body"): body, **around(kind, form, one)}))
        for form in FORMS_OF.get(kind, {"": None}).values()
        for body in (filled_in(form, one), {})
    ]


def set_in_rows(one: Extreme):
    """Return what rows show of the settings, longer than anybody can set it."""
    users = tuple(USERS[: one.count])
    names = tuple(f"{one.name}{number}" for number in range(one.count))
    profile = Profile.model_construct(description=one.name, model=one.name, services=names, who_may_use=users)
    pattern = Filter.model_construct(description=one.name, pattern=one.name)
    return {
        (ServiceRow, "rules"): Rules({name: list(Rule)[len(name) % len(Rule)] for name in names}),
        (ServiceRow, "who"): users,
        (ProfileRow, "profile"): profile,
        (ChannelRow, "channel"): ChannelSettings.model_construct(profile=one.name, who_may_ask=users),
        (MemberRow, "member"): MemberSettings(is_paused=one.which % 2 == 0, budget_per_month="1000000.00"),
        (FilterRow, "name"): SECRETS if one.which % 2 else ITEM,
        (FilterRow, "filter"): pattern,
    }


def note_of(one: Extreme):
    names = (one.name,) * one.count
    return FixedAdmins(names) if one.which % 2 else KnownTools(names, names)


def around(kind, form: Form | None, one: Extreme):
    if form is None:
        return {}
    return {(kind, "choices"): offered(form, one), (kind, "note"): note_of(one)}


def paged(one: Extreme) -> Extreme:
    return dataclasses.replace(one, count=min(one.count, PAGE))


def with_ours(one: Extreme, more) -> Extreme:
    return dataclasses.replace(one, ours={**one.ours, **more})


@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.__name__)
def test_every_panel_there_is(kind, extremes):
    for one in extremes:
        for panel in panels(kind, one):
            assert taken(render_panel(panel))["type"] == "modal"


@pytest.mark.parametrize("form", [*FORMS.values(), *RAISES.values()], ids=lambda form: form.name)
def test_every_form_for_something_new(form, extremes):
    for one in extremes:
        panel = EditItem(form, "", one.name, {}, 0, offered(form, one), note_of(one))
        assert taken(render_panel(panel))


@pytest.mark.parametrize("render", [one for one in VIEWS.values() if one is not render_panel])
def test_every_other_view_there_is(render, extremes):
    hints = typing.get_type_hints(render)
    for one in extremes:
        given = {name: GIVEN.get((render.__name__, name)) or built(hint, one) for name, hint in hints.items()}
        del given["return"]
        assert taken(render(**given))


def test_the_views_are_found_where_they_are():
    assert {"render_panel", "render_home", "render_details", "render_reason_form", "render_ask_form"} <= VIEWS.keys()
    assert {"render_token_form", "render_code_form"} <= VIEWS.keys()
