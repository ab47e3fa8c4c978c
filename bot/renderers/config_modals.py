"""The settings as Slack modals: overview, lists, forms, and the result of a probe.

This draws the panels of `bot.model.config_views` within Slack's lengths (docs/reference/slack.md#block-limits).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.config.fields import LONGEST, Field, Kind, shown
from bot.model import action_ids
from bot.model.config_views import (
    AddingUrl,
    Broke,
    Claim,
    ClientForm,
    ConfigList,
    ConfigNotice,
    ConfigOutcome,
    ConfirmChange,
    Denied,
    Done,
    EditItem,
    FixedAdmins,
    KnownTools,
    LookingUp,
    MemberDisconnected,
    NotDone,
    Overview,
    Panel,
    ProbeResult,
    RaiseBudget,
    Row,
    ServiceAdded,
    Wrong,
)
from bot.model.visible_text import one_line
from bot.renderers import slack_limits
from bot.renderers.block_kit import Block, View, button, confirm, context, divider, modal, plain, section
from bot.renderers.block_kit import actions as row
from bot.renderers.budget_cards import budget_line, raise_metadata, spent_line
from bot.renderers.config_inputs import input_block, option, render_field, render_input, whole_line
from bot.renderers.config_lists import describe_row
from bot.renderers.probe_words import list_facts, list_warnings
from bot.renderers.refusals import REFUSALS
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import HEADING_MAX, LINE_MAX, TITLE_MAX
from bot.renderers.tool_names import capital

_URL_LONGEST = 2_000
# Characters of a form's title or address, of what is wrong with a field, of what stands in a list or is asked before a
# change, and of all notes of a form.
_TITLE_MAX, _NOTE_MAX, _DETAIL_MAX, _NOTES_MAX = 150, 500, 400, 1_500
_WARNINGS_MAX = 10
SECTIONS = {
    "services": ("Services", "What can be connected, its tool rules, and who may"),
    "profiles": ("Agents", "Models, words, tools and environments"),
    "channels": ("Channels", "Which agent, who may ask, how much"),
    "members": ("Members", "Pause, budget, disconnect"),
    "filters": ("Filters", "What may not be asked, and not be shown"),
    "budgets": ("Budgets", "How much a request, a person and a month may cost"),
    "approvals": ("Approvals", "What may be allowed for a thread, and what needs a second yes"),
    "audience": ("Audience", "Guests, and channels shared with other organisations"),
    "admins": ("Admins", "Who sees this"),
}
_EMPTY = {
    "services": "No services are on offer yet.",
    "channels": "Every channel uses the agent `default`, for everybody. Add one to change that.",
    "members": "Nobody has settings of their own.",
}
_ADD = {
    "services": "Add by URL",
    "profiles": "New Agent",
    "channels": "Add Channel",
    "members": "Add Member",
    "filters": "Add Filter",
}
# By verb (the keys of `CONFIRMED`): the question, and the words on the button that says yes
_QUESTIONS = {
    "remove": ("Remove “{name}”? {follows}", "Remove"),
    "reset": ("Set everything about “{name}” back to its defaults?", "Reset"),
    "disconnect": (
        "Delete all connections of this member? They can connect again unless you pause them.",
        "Disconnect",
    ),
    "register": (
        "Register with “{name}” again when somebody next connects? Existing connections keep working.",
        "Register",
    ),
    "drop": ("Remove “{name}” and everybody's connection to it?", "Remove"),
}
# By kind: what else happens when an item is removed
_FOLLOWS = {
    "profile": "Threads that use it can't go on.",
    "filter": "What it looks for is no longer kept from the agent, or from Slack.",
}
_OUTCOMES = {
    ConfigNotice.SAVED: "Saved.",
    ConfigNotice.DONE: "Done.",
    ConfigNotice.REGISTERS_AFRESH: "Deputy registers again when somebody next connects.",
    ConfigNotice.FIRST_ADMIN: "You are my first admin. /agent admin opens the settings; name others under Admins.",
}
_TYPED = (
    "Slack carries what you type here; I seal it at once. To keep a secret out of Slack, name a variable in the file: "
    "`python -m bot config`."
)
# Safe to put between angle brackets: the settings' model only takes Slack ids as names of channels and members.
_MENTIONS = {"channel": "<#{}>", "member": "<@{}>"}


def render_panel(panel: Panel) -> View:
    """Return the modal of any panel."""
    return _PANELS[type(panel)](panel)


def render_wrong(wrong: Wrong) -> dict[str, str]:
    """Return Slack's `errors` for a form that was not accepted: what is wrong, by `block_id`."""
    return {block: capital(one_line(what, _NOTE_MAX)) for block, what in wrong.fields.items()}


def _overview(panel: Overview) -> View:
    blocks: list[Block] = []
    if panel.is_paused:
        blocks.append(_alert("Deputy is paused for everybody.", "warning"))
    for name, (title, about) in SECTIONS.items():
        count = panel.counts.get(name)
        words = f"*{title}*" + (f"  ({count})" if count is not None else "") + f"\n{about}"
        blocks.append(section(words, button("Open", action_ids.SETTINGS, f"list {name}", label=f"Open {title}")))
    blocks.append(divider())
    blocks.append(row(_pause_button(is_paused=panel.is_paused)))
    blocks.append(context("Every change is recorded with who made it, what was before, and what is now."))
    return _view("Settings", blocks)


def _pause_button(*, is_paused: bool) -> Block:
    if is_paused:
        return button("Resume Everything", action_ids.SETTINGS, "resume all", style="primary")
    question = confirm(
        "Pause everything?",
        "Running requests are stopped and nobody can ask until you resume.",
        "Pause",
        "Keep Going",
        is_dangerous=True,
    )
    return button("Pause Everything", action_ids.SETTINGS, "pause all", style="danger", confirm=question)


def _listing(panel: ConfigList) -> View:
    title = SECTIONS[panel.section][0]
    blocks: list[Block] = [_alert(_outcome(panel.outcome), "success")] if panel.outcome else []
    if panel.section in _ADD:
        blocks.append(row(button(_ADD[panel.section], action_ids.SETTINGS, f"new {panel.section}", style="primary")))
    blocks.extend(_row(one) for one in panel.rows)
    if not panel.rows:
        blocks.append(section(_EMPTY.get(panel.section, "Nothing here yet.")))
    if panel.pages > 1:
        blocks.extend(_turning(panel))
    metadata = json.dumps({"section": panel.section, "page": panel.page})
    return _view(title, blocks, callback_id=action_ids.SETTINGS_LIST, metadata=metadata)


def _row(one: Row) -> Block:
    words = describe_row(one)
    options = [option(label, f"{verb} {one.name}") for verb, label in words.choices]
    # An overflow menu has one to five options.
    menu = {
        "type": "overflow",
        "action_id": action_ids.SETTINGS_MENU,
        "options": options[: slack_limits.OVERFLOW_OPTIONS_MAX],
    }
    name = _MENTIONS.get(words.kind, "*{}*").format(_line(words.title, TITLE_MAX))
    return section(f"{name}\n{escape(one_line(words.detail, _DETAIL_MAX))}", menu if options else None)


def _turning(panel: ConfigList) -> list[Block]:
    buttons = []
    if panel.page > 0:
        buttons.append(button("Previous", f"{action_ids.SETTINGS}/back", f"page {panel.section} {panel.page - 1}"))
    if panel.page + 1 < panel.pages:
        buttons.append(button("Next", f"{action_ids.SETTINGS}/on", f"page {panel.section} {panel.page + 1}"))
    return [context(f"Page {panel.page + 1} of {panel.pages}"), row(*buttons)]


def _editing(panel: EditItem) -> View:
    form = panel.form
    blocks: list[Block] = []
    if panel.title.strip():
        blocks.append(section(_MENTIONS.get(form.kind, "*{}*").format(_line(panel.title, _TITLE_MAX))))
    if form.new is not None and not panel.name:
        blocks.append(render_input(form.new, None, ()))
    for one in form.fields:
        blocks.extend(render_field(one, panel))
    blocks.extend(context(_line(note, _NOTES_MAX)) for note in _notes(panel.note))
    metadata = json.dumps({"form": form.name, "name": panel.name, "version": panel.version})
    return _view(form.title, blocks, callback_id=action_ids.SETTINGS_FORM, metadata=metadata, submit="Save")


def _notes(note: KnownTools | FixedAdmins | None) -> list[str]:
    """Return the small print of a form."""
    match note:
        case KnownTools(names=()):
            return ["Its tools are known once somebody has connected it."]
        case KnownTools(names=names, reading=reading):
            says = f"It says that these only read: {', '.join(reading)}"
            return [f"Its tools: {', '.join(names)}", *([says] if reading else [])]
        case FixedAdmins(user_ids=user_ids) if user_ids:
            return [f"Always admins, by DEPUTY_ADMINS: {', '.join(user_ids)}"]
        case _:
            return []


def _raising(panel: RaiseBudget) -> View:
    [field] = panel.form.fields
    blocks = [
        section(budget_line(panel)),
        render_input(field, shown(field, panel.body), ()),
        context(spent_line(panel)),
    ]
    metadata = raise_metadata(panel)
    return _view(panel.form.title, blocks, callback_id=action_ids.RAISE_FORM, metadata=metadata, submit="Raise")


def _confirm(panel: ConfirmChange) -> View:
    question, yes = _QUESTIONS[panel.verb]
    question = question.format(name=panel.name[:HEADING_MAX], follows=_FOLLOWS.get(panel.kind, ""))
    metadata = json.dumps({"verb": panel.verb, "kind": panel.kind, "name": panel.name, "version": panel.version})
    blocks = [section(_line(question, _DETAIL_MAX))]
    return _view("Are you sure?", blocks, callback_id=action_ids.SETTINGS_ASK, metadata=metadata, submit=yes)


# Two steps: an admin sees what answers at an address before anything is saved (docs/decisions/0020).
def _adding(panel: AddingUrl) -> View:
    blocks = [_alert(panel.problem, "error")] if panel.problem else []
    field = Field("url", "Address of its MCP server", Kind.LINE, "https://mcp.example.com/mcp", is_needed=True)
    blocks.append(input_block(field.block, field.label, whole_line(field, panel.url, _URL_LONGEST), is_optional=False))
    blocks.append(context("I look at it first and show you what is there. Nothing is saved before you say so."))
    return _view("Add a service", blocks, callback_id=action_ids.SETTINGS_URL, submit="Look at It")


def _waiting(panel: LookingUp) -> View:
    words = f"Looking at {panel.url[:_TITLE_MAX]} …" if panel.url else "Saving …"
    return _view("Settings", [section(_line(words, _DETAIL_MAX))])


def _probed(panel: ProbeResult) -> View:
    blocks = [_alert(panel.problem, "error")] if panel.problem else []
    blocks += [_alert(words, "warning") for words in list_warnings(panel)[:_WARNINGS_MAX]]
    blocks += [
        section(f"*{escape(one_line(what, HEADING_MAX))}*\n{escape(one_line(how, LINE_MAX))}")
        for what, how in list_facts(panel)
    ]
    blocks.append(divider())
    fields = [Field("name", "Short name", Kind.LINE, "wiki", is_needed=True)]
    fields.append(Field("title", "Name that people see", Kind.LINE, "Wiki", is_needed=True))
    values = {"name": panel.name, "title": panel.title, "scopes": panel.scopes}
    if not panel.only_token:
        fields.append(Field("scopes", "Scopes to ask for", Kind.LINE, "Empty: what the service asks for"))
    if panel.needs_client:
        fields.append(Field("client_id", "Client id, made at the service", Kind.LINE, is_needed=True))
        fields.append(Field("client_secret", "Client secret, if it has one", Kind.LINE))
    for one in fields:
        element = whole_line(one, values.get(one.path) or "")
        blocks.append(input_block(one.block, one.label, element, is_optional=not one.is_needed))
    blocks += [context(_TYPED)] if panel.needs_client else []
    way = "token" if panel.only_token else "client" if panel.needs_client else "auto"
    # The fingerprint is what the admin was shown: saving fails if the service looks different by then.
    metadata = json.dumps({"url": panel.url, "shown": panel.fingerprint, "way": way})
    return _view("What I found", blocks, callback_id=action_ids.SETTINGS_PROBED, metadata=metadata, submit="Save")


def _client(panel: ClientForm) -> View:
    secret = "Client secret; empty keeps the one that is stored" if panel.has_secret else "Client secret, if it has one"
    fields = [
        (Field("client_id", "Client id, made at the service", Kind.LINE), panel.client_id),
        # Never filled in: a stored secret does not go back to Slack.
        (Field("client_secret", secret, Kind.LINE), None),
        (Field("scopes", "Scopes to ask for", Kind.LINE, "Empty: those of the catalogue"), panel.scopes),
    ]
    blocks = [section(f"*{_line(panel.title, _TITLE_MAX)}*\nRedirect address: {_line(panel.redirect_uri, LINE_MAX)}")]
    blocks += [context(_line(panel.note, _NOTE_MAX))] if panel.note.strip() else []
    for one, value in fields:
        if value and len(value) > LONGEST:
            blocks.append(section(f"*{escape(one.label)}*\nToo long to be changed here. It is kept as it is."))
            continue
        blocks.append(input_block(one.block, one.label, whole_line(one, value or ""), is_optional=True))
    blocks.append(context(_TYPED))
    metadata = json.dumps({"service": panel.service, "version": panel.version})
    return _view("Client and scopes", blocks, callback_id=action_ids.SETTINGS_CLIENT, metadata=metadata, submit="Save")


def _claim(_panel: Claim) -> View:
    words = "I have no admin yet. You own this workspace, so you can be the first."
    what = "Admins choose services, tool rules, agents and budgets, and name other admins. They cannot act as others."
    blocks = [section(words), section(what), context("It is recorded that you became the first.")]
    return _view("Become Admin?", blocks, callback_id=action_ids.SETTINGS_CLAIM, submit="Become Admin")


def _done(panel: Done) -> View:
    more = " Every tool asks until you set its rules." if isinstance(panel.outcome, ServiceAdded) else ""
    return _view("Settings", [_alert(_outcome(panel.outcome) + more, "success")])


def _outcome(outcome: ConfigOutcome) -> str:
    match outcome:
        case ServiceAdded(title=title):
            return f"{title} is on offer."
        case MemberDisconnected(count=count):
            return f"Disconnected {count}."
        case _:
            return _OUTCOMES[outcome]


def _failed(words: str) -> View:
    return _view("Settings", [_alert(words, "error")])


def _alert(words: str, level: str) -> Block:
    return {"type": "alert", "level": level, "text": plain(words, slack_limits.ALERT_TEXT_MAX)}


def _line(text: str, limit: int) -> str:
    return escape(one_line(text, limit) or "…")


def _view(title: str, blocks: list[Block], *, callback_id: str = "", metadata: str = "", submit: str = "") -> View:
    # Most panels lie on one that they lead back to.
    close = "" if submit else "Back"
    callback = callback_id or action_ids.SETTINGS
    return modal(title, callback, *blocks, private_metadata=metadata, submit=submit, close=close)


# The renderer of each panel
_PANELS: Mapping[type, Callable[[Any], View]] = {
    Overview: _overview,
    ConfigList: _listing,
    EditItem: _editing,
    RaiseBudget: _raising,
    ConfirmChange: _confirm,
    AddingUrl: _adding,
    LookingUp: _waiting,
    ProbeResult: _probed,
    ClientForm: _client,
    Claim: _claim,
    Done: _done,
    NotDone: lambda panel: _failed(panel.problem),
    Broke: lambda panel: _failed(f"Something broke on my side. Reference {panel.reference}."),
    Denied: lambda panel: _failed(REFUSALS[panel.refusal]),
}
