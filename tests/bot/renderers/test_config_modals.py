"""Every view of the settings is one that Slack takes, whatever is in it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.config.fields import Kind, filled, place_at_fields, shown
from bot.config.forms import FORMS, RAISES
from bot.config.items import split
from bot.config.model import ChannelSettings, Config, MemberSettings, Profile, ServiceSettings
from bot.config.tool_rules import ToolRules
from bot.domain.admin.config_rows import channel_rows, member_rows, page_of, profile_rows, service_rows
from bot.model.config_views import (
    CONFIRMED,
    AddingUrl,
    Broke,
    Claim,
    ClientForm,
    ConfigNotice,
    ConfirmChange,
    Denied,
    Done,
    EditItem,
    LookingUp,
    MemberDisconnected,
    NotDone,
    Overview,
    ProbeResult,
    RaiseBudget,
    ServiceAdded,
    Wrong,
)
from bot.model.errors import Problem, Refusal
from bot.renderers.config_modals import render_panel, render_wrong
from oauth.catalog.probe_facts import ConnectWay, Quirk
from oauth.catalog.service import Service as Offered
from simulator.slack.blockkit import MODAL
from simulator.slack.viewkit import initial_values, parse_view
from store.records import Budget, BudgetKind
from tests.bot.config.strategies import configs
from tests.builders import a_member

NASTY = [
    "",
    " ",
    "x" * 5_000,
    "שלום עולם " * 50,
    "🎉👩‍👩‍👧‍👦" * 200,
    "<!channel> *b* `c` &amp; <@U1|x>",
    "a\nb\t\u202e\u2066c",
    "\ud83d",
]
WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
quick = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


FOUND = ProbeResult(
    url="https://mcp.example.com/mcp",
    fingerprint="f" * 64,
    host="mcp.example.com",
    told_name="Wiki",
    issuer="https://auth.example.com",
    endpoint_hosts=("auth.example.com",),
    foreign_hosts=(),
    told_scopes=("page:read",),
    ways=(ConnectWay.DYNAMIC,),
    quirks=(),
    name="wiki",
    title="Wiki",
    scopes="",
    needs_client=False,
    only_token=False,
)


def drawn(panel) -> dict:
    return parse_view(render_panel(panel), MODAL)


@quick
@given(
    st.sampled_from(sorted(FORMS)),
    st.sampled_from(["", "default", "n" * 64]),
    WORDS,
    st.lists(WORDS, max_size=3),
    configs(),
)
def test_every_form_of_every_item_is_a_view_that_slack_takes(name, item, title, notes, config):
    form = FORMS[name]
    bodies = [body for key, body in split(config).items() if key.kind == form.kind and form.only in {"", key.name}]
    choices = {
        field.path: tuple((f"n{n}", title or "t") for n in range(150))
        for field in form.fields
        if field.kind is Kind.SERVICES
    }
    choices["profile"] = (("default", "default"),)

    for body in [{}, *bodies]:
        drawn(EditItem(form, item, title, body, 3, choices, tuple(notes)))


@quick
@given(configs())
def test_a_form_sent_back_as_it_was_opened_changes_nothing(config):
    for key, body in split(config).items():
        for form in FORMS.values():
            has_no_rules = form.name == "service_tools" and "tools" not in body  # it opens with those that hold
            if form.kind != key.kind or form.only not in {"", key.name} or has_no_rules:
                continue
            choices = {
                "profile": ((body.get("profile") or "default", "x"),),
                "services": tuple((n, n) for n in listed(body)),
            }
            view = drawn(EditItem(form, key.name, "", body, 1, choices))

            sent = filled(form, body, sent_values(view))

            same = {name: value for name, value in body.items() if (name, value) != ("profile", "default")}
            assert Config.model_validate(document(key, sent)) == Config.model_validate(document(key, same))


def listed(body) -> list[str]:
    services = body.get("services")
    return services if isinstance(services, list) else ["all_of_them"]


def document(key, body) -> dict:
    if key.kind == "workspace":
        return {key.name: body.get("value", ())} if body else {}
    channel = {"profiles": {body["profile"]: {}}} if body.get("profile") and key.kind == "channel" else {}
    return {f"{key.kind}s": {key.name: body}} | channel


def sent_values(view) -> dict:
    from bot.listeners.config_forms import _values  # noqa: PLC0415  # as the listener reads them

    return _values({"state": {"values": initial_values(view["blocks"])}})


THOUSAND = tuple(f"tool_{number}_שלום🎉" for number in range(1_000))


def test_a_thousand_tools_are_kept_and_said_to_be_too_many_for_the_form():
    rules = {"tools": {"allowed_tools": list(THOUSAND), "default": "denied"}}
    view = drawn(EditItem(FORMS["service_tools"], "notes", "Notes", rules, 1, {}, (", ".join(THOUSAND),)))

    assert "Too long to be changed here" in str(view)
    assert filled(FORMS["service_tools"], rules, sent_values(view)) == rules


def test_people_beyond_what_a_menu_holds_are_not_lost():
    body = {"who_may_ask": [f"U{number:05}" for number in range(300)]}
    view = drawn(EditItem(FORMS["channel"], "C0123", "", body, 1, {"profile": (("default", "default"),)}))

    assert filled(FORMS["channel"], body, sent_values(view)) == body


def a_service(number: int, title: str) -> Offered:
    return Offered(f"{'s' * 55}{number}", title, "https://mcp.example.com/mcp", None)


@quick
@given(WORDS, st.integers(-1, 9))
def test_lists_of_any_length_are_pages_that_slack_takes(words, page):
    title = words or "t"
    line = "x" * 200
    config = Config(
        profiles={f"p{number}": Profile(description=line) for number in range(100)},
        channels={
            f"C{number:05}": ChannelSettings(who_may_ask=("U01",), budget_per_month=Decimal("0.01"))
            for number in range(100)
        },
        members={f"U{number:05}": MemberSettings(is_paused=True) for number in range(50)},
        services={
            a_service(1, "").name: ServiceSettings(tools=ToolRules(allowed_tools=THOUSAND), who_may_connect="admins")
        },
    )
    services = [a_service(number, title) for number in range(100)]
    people = [a_member(f"U1{number:05}", name=words) for number in range(100)]
    rows = {
        "services": service_rows(config, services, {services[0].name}),
        "profiles": profile_rows(config),
        "channels": channel_rows(config),
        "members": member_rows(config, people),
    }

    for section, listed_rows in rows.items():
        view = drawn(page_of(section, listed_rows, page, ServiceAdded(words)))
        assert len(view["blocks"]) < 30
    assert len(rows["members"]) == len({row.name for row in rows["members"]}) == 150


@quick
@given(WORDS, st.booleans(), st.booleans(), st.booleans())
def test_what_was_found_and_asked_and_done_are_views_that_slack_takes(words, is_token, needs_client, is_paused):
    found = replace(
        FOUND,
        url="https://mcp.example.com/" + "x" * 2_000,
        told_name=words,
        issuer=words,
        endpoint_hosts=(words,) * 20,
        foreign_hosts=(words,) * 20,
        told_scopes=(words,) * 100,
        ways=tuple(ConnectWay),
        quirks=tuple(Quirk),
        name=words,
        title=words,
        scopes=words,
        needs_client=needs_client,
        only_token=is_token,
        problem=words,
    )
    drawn(found)
    drawn(AddingUrl(words, words))
    drawn(Claim())
    drawn(ClientForm("n" * 64, words, words, words, is_token, words * 100, 3, words))
    for verb, kind in product(CONFIRMED, ("profile", "filter", "service")):
        drawn(ConfirmChange(verb, kind, words[:64] or "n", 3))  # a key of the settings
    for kind, form in RAISES.items():
        body = {"budget_per_month": words, "value": {"workspace_per_month": words}}
        drawn(RaiseBudget("sho_1", form, Budget(BudgetKind(kind), "U0ANN" * 6), body, 3, 1e12))
    drawn(LookingUp(words))
    for outcome in (*ConfigNotice, ServiceAdded(words), MemberDisconnected(10**6)):
        drawn(Done(outcome))
    drawn(NotDone(words or "no"))
    drawn(Broke("r" * 40))
    drawn(Overview(is_paused, dict.fromkeys(["services", "profiles", "channels", "members", "admins"], 10**6)))


@pytest.mark.parametrize("refusal", Refusal)
def test_every_no_has_a_view(refusal):
    drawn(Denied(refusal))


@pytest.mark.parametrize(
    ("form", "name", "problem", "block"),
    [
        ("environment", "x", "profiles.x.environment.allowed_hosts.3", "settings.environment.allowed_hosts"),
        ("environment", "x", "profiles.x.environment", "settings.environment.network"),
        ("profile", "x", "profiles.x.who_may_use.0", "settings.who_may_use"),
        ("profile", "x", "profiles.x", "settings.name"),
        ("profile", "x", "", "settings.name"),
        ("budgets", "budgets", "budgets.per_turn", "settings.value.per_turn"),
        ("admins", "admins", "admins.0", "settings.value"),
        ("service_tools", "notes", "services.notes.tools.denied_tools.1", "settings.tools.denied_tools"),
    ],
)
def test_what_is_wrong_stands_at_its_field(form, name, problem, block):
    fields = (FORMS[form].new, *FORMS[form].fields)
    sent = {field.block for field in fields if field}

    assert place_at_fields(FORMS[form], name, [Problem(problem, "is wrong")], sent) == {block: "is wrong"}
    assert render_wrong(Wrong({block: "is wrong"})) == {block: "Is wrong"}


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.name)
def test_what_is_wrong_stands_at_a_field_that_is_in_the_view_for_slack_knows_no_other(form):
    view = drawn(EditItem(form, "notes", "", {"tools": {"allowed_tools": THOUSAND}}, 1, {"profile": (("p", "p"),)}))
    sent = sent_values(view)
    places = ["", "services.notes.tools", "profiles.notes", "profiles.notes.name", f"{form.only}.nothing"]
    problems = [Problem(place, "is wrong") for place in [*places, *(field.path for field in form.fields)]]

    for problem in problems:
        [block] = place_at_fields(form, "notes", [problem], sent)
        assert block in sent and not block.endswith(".listed")


def test_what_is_wrong_with_a_form_without_fields_stands_at_none():
    assert place_at_fields(FORMS["profile_words"], "x", [Problem("", "is wrong")], {}) == {}


def test_nobody_listed_is_not_everybody():
    values = {"settings.who_may_use": "listed", "settings.who_may_use.listed": []}

    body = filled(FORMS["profile"], {"who_may_use": ["U01"]}, values)

    assert body == {"who_may_use": []}
    assert shown(FORMS["profile"].fields[-1], {"who_may_use": ["U01"]}) == ["U01"]


@pytest.mark.parametrize(("length", "is_shown"), [(20, True), (1_999, True), (2_001, False), (0, False)])
def test_an_address_that_cannot_be_is_there_again_whole_or_not_at_all(length, is_shown):
    url = "h" * length

    [field] = [block for block in render_panel(AddingUrl(url, "no"))["blocks"] if block["type"] == "input"]

    assert field["element"].get("initial_value") == (url if is_shown else None)


@pytest.mark.parametrize(("times", "is_shown"), [(60, True), (600, False), (0, False)])
def test_scopes_of_a_service_are_offered_whole_or_not_at_all(times, is_shown):
    scopes = "page:read " * times
    panel = replace(FOUND, scopes=scopes)

    labels = {block["label"]["text"]: block for block in render_panel(panel)["blocks"] if block["type"] == "input"}

    assert labels["Scopes to ask for"]["element"].get("initial_value") == (scopes if is_shown else None)
