"""The forms that each change one item of the settings: their fields and labels; pure.

`model` validates the values.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.config.fields import LISTED, Field, Form, Kind
from bot.config.tool_rules import BuiltIn, Preset, Rule

_RULES = (
    (str(Rule.ALLOWED), "Runs without asking"),
    (str(Rule.AUTO), "Claude judges each call"),
    (str(Rule.USER_APPROVED), "Asks the owner"),
    (str(Rule.DENIED), "Switched off"),
)
# Without “runs without asking”: a tool that a service adds tomorrow must not run unseen.
_UNLISTED = (_RULES[2], _RULES[3], _RULES[1])
_PRESETS = (
    (str(Preset.CAREFUL), "Careful: commands and fetched pages ask first"),
    (str(Preset.READ_ONLY), "Read-only: looks things up, changes nothing"),
    (str(Preset.TRUSTED), "Trusted: commands run in its sandbox"),
)
_RESULTS = (("", "In channels too"), ("private", "Only in direct messages, where nobody reads along"))
_ANSWERS = (("", "Into the thread"), ("private", "To whoever asked, by direct message"))
_ALWAYS = (
    ("", "Tools that destroy nothing and reach nobody else"),
    ("any", "Every tool that asks"),
    ("never", "None: each call is decided on its own"),
)
_SECOND = (("admins", "The admins"), (LISTED, "Those listed below"))
_SEES = (("", "Which tool, and for whom"), ("full", "The arguments too, secrets masked"))
_ASKED = (
    ("", "The agent gets the request without it"),
    ("refuse", "Nothing is sent, and who asked is told"),
    ("off", "Not checked"),
)
_ANSWERED = (
    ("", "The answer is shown without it"),
    ("withhold", "The answer isn't shown; all appear only when complete"),
    ("off", "Not checked"),
)
_USD = "US dollars, such as 2.50"
_BUILT_IN = {
    BuiltIn.BASH: "Run commands",
    BuiltIn.READ: "Read files",
    BuiltIn.WRITE: "Write files",
    BuiltIn.EDIT: "Edit files",
    BuiltIn.GLOB: "Look for files",
    BuiltIn.GREP: "Search files",
    BuiltIn.WEB_FETCH: "Fetch web pages",
    BuiltIn.WEB_SEARCH: "Search the web",
}
_TOOL_LISTS = (
    ("allowed_tools", "Run without asking"),
    ("auto_tools", "Claude judges each call"),
    ("user_approved_tools", "Ask the owner"),
    ("denied_tools", "Switched off"),
)


_WAYS = (
    Field("asked", "Found in a request", Kind.CHOICE, options=_ASKED),
    Field("answered", "Found in an answer", Kind.CHOICE, options=_ANSWERED),
)
_OF_SERVICES = (
    Form(
        "service",
        "Service",
        "service",
        (
            Field("is_paused", "Paused: no agent may use it", Kind.FLAG),
            Field("who_may_connect", "Who may connect it", Kind.WHO),
            Field("results", "Where it is used", Kind.CHOICE, options=_RESULTS),
        ),
    ),
    Form(
        "service_tools",
        "Tool rules",
        "service",
        (
            *(Field(f"tools.{name}", label, Kind.LINES, "One tool a line") for name, label in _TOOL_LISTS),
            Field("tools.default", "Every other tool, today's and tomorrow's", Kind.CHOICE, options=_UNLISTED),
        ),
    ),
)
_OF_AGENTS = (
    Form(
        "profile",
        "Agent",
        "profile",
        (
            Field("description", "What it is for", Kind.LINE, "Looks things up, changes nothing"),
            Field("preset", "Rules to begin with", Kind.CHOICE, options=_PRESETS),
            Field("services", "Services", Kind.SERVICES, "Which ones"),
            Field("model", "Model", Kind.LINE, "Empty: this installation's default"),
            Field("budget_per_turn", "Budget for one request", Kind.AMOUNT, _USD),
            Field("who_may_use", "Who may use it", Kind.WHO),
        ),
        new=Field("name", "Name", Kind.LINE, "research", is_needed=True),
    ),
    Form(
        "profile_words",
        "Agent's words",
        "profile",
        (Field("system_prompt", "Added to Deputy's own words", Kind.TEXT, "Answer with numbers."),),
    ),
    Form(
        "profile_tools",
        "Agent's tools",
        "profile",
        (
            *(
                Field(f"built_in_tools.{tool}", label, Kind.CHOICE, options=(("", "As the preset says"), *_RULES))
                for tool, label in _BUILT_IN.items()
            ),
            Field("skills", "Skills", Kind.SKILLS, "anthropic xlsx"),
        ),
    ),
    Form(
        "environment",
        "Agent's environment",
        "profile",
        (
            Field(
                "environment.network",
                "Network",
                Kind.CHOICE,
                options=(("limited", "Only the hosts below"), ("unrestricted", "The whole internet")),
            ),
            Field("environment.allowed_hosts", "Hosts it can reach", Kind.LINES, "data.example.com"),
            Field(
                "environment.allow_mcp_servers",
                "Services",
                Kind.CHOICE,
                options=(("true", "Reachable"), ("false", "Only if their hosts are listed")),
            ),
            Field(
                "environment.allow_package_managers",
                "Package registries",
                Kind.CHOICE,
                options=(("false", "Not reachable"), ("true", "Reachable")),
            ),
            Field("environment.packages", "Packages to install", Kind.PACKAGES, "pip pandas"),
        ),
    ),
)
_OF_CHANNELS = (
    Form(
        "channel",
        "Channel",
        "channel",
        (
            Field("profile", "Its agent", Kind.CHOICE),
            Field("who_may_ask", "Who may ask here", Kind.WHO),
            Field("answers", "Where answers go", Kind.CHOICE, options=_ANSWERS),
            Field("budget_per_month", "Budget per month", Kind.AMOUNT, _USD),
        ),
        new=Field("name", "Channel", Kind.CHANNEL, is_needed=True),
    ),
)
_OF_MEMBERS = (
    Form(
        "member",
        "Member",
        "member",
        (
            Field("is_paused", "Paused: asks nothing, what runs is stopped", Kind.FLAG),
            Field("budget_per_month", "Budget per month", Kind.AMOUNT, _USD),
        ),
        new=Field("name", "Member", Kind.USER, is_needed=True),
    ),
)
_OF_FILTERS = (
    Form(
        "filter",
        "Filter",
        "filter",
        (
            Field("pattern", "What to look for, in each line", Kind.LINE, "RE2: (?i)falcon", is_needed=True),
            Field("description", "What people are told it is", Kind.LINE, "Names of secret projects"),
            *_WAYS,
        ),
        new=Field("name", "Name", Kind.LINE, "projects", is_needed=True),
    ),
    Form("secrets", "Secrets", "filter", _WAYS),
)
_OF_THE_WORKSPACE = (
    Form(
        "budgets",
        "Budgets",
        "workspace",
        (
            Field("value.workspace_per_month", "All together, per month", Kind.AMOUNT, _USD),
            Field("value.member_per_month", "Each member, per month", Kind.AMOUNT, _USD),
            Field("value.channel_per_month", "Each channel, per month", Kind.AMOUNT, _USD),
            Field("value.per_turn", "One request", Kind.AMOUNT, _USD),
        ),
        only="budgets",
    ),
    Form(
        "approvals",
        "Approvals",
        "workspace",
        (
            Field("value.always_allow", "What owners may allow for a whole thread", Kind.CHOICE, options=_ALWAYS),
            Field("value.second_tools", "Tools that need a second yes", Kind.LINES, "notes/delete_note"),
            Field("value.second_approvers", "Who gives it, never the owner", Kind.WHO, options=_SECOND),
            Field("value.second_sees", "What they see", Kind.CHOICE, options=_SEES),
        ),
        only="approvals",
    ),
    Form(
        "audience",
        "Audience",
        "workspace",
        (
            Field("value.guests", "Guests may ask and connect services of their own", Kind.FLAG),
            Field("value.shared_channels", "Work in channels that other organisations read", Kind.FLAG),
        ),
        only="audience",
    ),
    Form(
        "admins",
        "Admins",
        "workspace",
        (Field("value", "Admins", Kind.USERS, "People"),),
        only="admins",
    ),
)

# By the name that a modal's `private_metadata` carries.
FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (*_OF_SERVICES, *_OF_AGENTS, *_OF_CHANNELS, *_OF_MEMBERS, *_OF_FILTERS, *_OF_THE_WORKSPACE)
}


def _raise(name: str, kind: str, path: str, only: str = "") -> Form:
    return Form(
        name, "Raise a Budget", kind, (Field(path, "Budget per month", Kind.AMOUNT, _USD, is_needed=True),), only
    )


RAISES: Mapping[str, Form] = {
    "member": _raise("raise_member", "member", "budget_per_month"),
    "channel": _raise("raise_channel", "channel", "budget_per_month"),
    "workspace": _raise("raise_workspace", "workspace", "value.workspace_per_month", "budgets"),
}
"""The form that raises a budget, by `BudgetKind`."""
