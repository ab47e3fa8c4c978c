"""The rows of the settings' lists in words: what each item is, and what an admin can do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.config.model import DEFAULT_PROFILE, SECRETS, Who
from bot.config.tool_rules import Rule, Rules
from bot.model.config_views import ChannelRow, FilterRow, MemberRow, ProfileRow, Row, ServiceRow

Choices = tuple[tuple[str, str], ...]
"""The menu of a row: `(verb, words)`; the verb is what `action_ids.SETTINGS_MENU` carries."""

# In the words of the forms, so that a row and its form say the same.
_ASKED = {"mask": "taken out of requests", "refuse": "requests refused", "off": "requests not checked"}
_ANSWERED = {"mask": "taken out of answers", "withhold": "answers withheld", "off": "answers not checked"}
_ONE = {Rule.ALLOWED: "runs", Rule.AUTO: "is judged", Rule.USER_APPROVED: "asks", Rule.DENIED: "is off"}
_MANY = {Rule.ALLOWED: "run", Rule.AUTO: "are judged", Rule.USER_APPROVED: "ask", Rule.DENIED: "are off"}


@dataclass(frozen=True, slots=True)
class RowWords:
    """A row of a list: its title, a line about it, and its menu."""

    title: str
    detail: str
    choices: Choices
    kind: str = ""
    """`channel` or `member` if the title is a Slack id, which is then drawn as a mention."""


def describe_row(row: Row) -> RowWords:
    """Return any kind of row in words."""
    return _ROWS[type(row)](row)


def _service(row: ServiceRow) -> RowWords:
    detail = _join(
        "paused" if row.is_paused else "",
        "needs a client of yours" if row.needs_client else "",
        describe_rules(row.rules),
        _who(row.who, "may connect"),
    )
    choices = (
        ("service", "Who and Pause"),
        ("service_tools", "Tool Rules"),
        *((("client", "Client and Scopes"),) if row.takes_client else ()),
        *((("register service", "Register Again"),) if row.registers_itself else ()),
        ("reset service", "Back to Defaults"),
        *((("drop service", "Remove Service"),) if row.is_added else ()),
    )
    return RowWords(row.title, detail, choices)


def _profile(row: ProfileRow) -> RowWords:
    profile = row.profile
    detail = _join(
        str(profile.preset).replace("_", "-"),
        profile.description or "",
        profile.model or "",
        "all services" if profile.services == "all" else ", ".join(profile.services) or "no services",
        _who(profile.who_may_use, "may use it"),
    )
    choices = (
        ("profile", "Edit"),
        ("profile_words", "Words"),
        ("profile_tools", "Tools"),
        ("environment", "Environment"),
        ("reset profile", "Back to Defaults") if row.name == DEFAULT_PROFILE else ("remove profile", "Remove"),
    )
    return RowWords(row.name, detail, choices)


def _channel(row: ChannelRow) -> RowWords:
    channel = row.channel
    detail = _join(
        f"agent {channel.profile or DEFAULT_PROFILE}",
        _who(channel.who_may_ask, "may ask"),
        f"{channel.budget_per_month} USD a month" if channel.budget_per_month is not None else "",
    )
    return RowWords(row.name, detail, (("channel", "Edit"), ("reset channel", "Back to Defaults")), "channel")


def _member(row: MemberRow) -> RowWords:
    budget = row.member.budget_per_month
    detail = _join(
        "paused" if row.member.is_paused else "",
        f"{budget} USD a month" if budget is not None else "",
    )
    choices = (("member", "Edit"), ("disconnect member", "Disconnect Everything"), ("reset member", "Back to Defaults"))
    return RowWords(row.name, detail or "same as everybody", choices, "member")


def _filter(row: FilterRow) -> RowWords:
    one, is_built_in = row.filter, row.name == SECRETS
    detail = _join(
        "keys, tokens and passwords by their shapes" if is_built_in else one.description or "",
        one.pattern or "",
        _ASKED[one.asked],
        _ANSWERED[one.answered],
    )
    if is_built_in:
        return RowWords(row.name, detail, (("secrets", "Edit"), ("reset filter", "Back to Defaults")))
    return RowWords(row.name, detail, (("filter", "Edit"), ("remove filter", "Remove")))


def describe_rules(rules: Rules) -> str:
    """Return a service's tool rules in one line: `2 run, 1 is off, the rest asks`."""
    counts = {rule: sum(given is rule for given in rules.listed.values()) for rule in Rule}
    listed = [f"{count} {(_ONE if count == 1 else _MANY)[rule]}" for rule, count in counts.items() if count]
    rest = _ONE[rules.default]
    return ", ".join([*listed, f"the rest {rest}" if listed else f"every tool {rest}"])


def _who(who: Who, what: str) -> str:
    if who == "everyone":
        return ""
    return f"admins {what}" if who == "admins" else f"{len(who)} people {what}"


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


_ROWS: Mapping[type, Callable[[Any], RowWords]] = {
    ServiceRow: _service,
    ProfileRow: _profile,
    ChannelRow: _channel,
    MemberRow: _member,
    FilterRow: _filter,
}
