"""Which tools run, which ask first, and which are off; pure.

`bot.agents.profiles` writes the rules as the API's toolset configuration, and the API enforces them
(docs/reference/managed-agents.md#permission-policies).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.model.tool_risk import is_reading_name

ToolName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^\S(.*\S)?$")]
"""A tool's name as its service lists it (docs/reference/managed-agents.md#permission-policies)."""


class Rule(StrEnum):
    """What happens when the agent calls a tool."""

    ALLOWED = "allowed"
    """It runs without asking."""
    AUTO = "auto"
    """The API judges each call: run, ask or deny. It may take other people's words in a request for the owner's
    intent, so this is for tools with which a wrong decision harms nobody."""
    USER_APPROVED = "user_approved"
    """It is held until the owner decides."""
    DENIED = "denied"
    """It is switched off."""


STRICTNESS = (Rule.ALLOWED, Rule.AUTO, Rule.USER_APPROVED, Rule.DENIED)
"""All rules, the loosest first."""


def stricter(one: Rule, other: Rule) -> Rule:
    """Return the stricter of two rules."""
    return max(one, other, key=STRICTNESS.index)


class Preset(StrEnum):
    """Where a profile's rules begin, and for `READ_ONLY` the most that its services may do."""

    READ_ONLY = "read_only"
    """Changes nothing: of a service only those `allowed_tools` whose names say that they only read."""
    CAREFUL = "careful"
    """Services follow their own rules; commands and fetching web pages ask first."""
    TRUSTED = "trusted"
    """Services follow their own rules; commands run without asking, inside the session's sandbox and network."""


class BuiltIn(StrEnum):
    """Claude's built-in tools."""

    BASH = "bash"
    READ = "read"
    WRITE = "write"
    EDIT = "edit"
    GLOB = "glob"
    GREP = "grep"
    WEB_FETCH = "web_fetch"
    WEB_SEARCH = "web_search"


_LOOKING = {BuiltIn.READ, BuiltIn.GLOB, BuiltIn.GREP, BuiltIn.WEB_SEARCH}
_OWN_FILES = {BuiltIn.WRITE, BuiltIn.EDIT}
BUILT_IN_RULES: Mapping[Preset, Mapping[BuiltIn, Rule]] = {
    # Not even asking: whoever picked this preset wants no changes at all.
    Preset.READ_ONLY: {tool: Rule.ALLOWED if tool in _LOOKING else Rule.DENIED for tool in BuiltIn},
    # Files stay inside the session's sandbox; tools that run code or fetch an address ask first.
    Preset.CAREFUL: {tool: Rule.ALLOWED if tool in _LOOKING | _OWN_FILES else Rule.USER_APPROVED for tool in BuiltIn},
    # `web_fetch` runs outside the sandbox's network, so an address can carry data out: it still asks
    # (docs/reference/managed-agents.md#environments).
    Preset.TRUSTED: {tool: Rule.USER_APPROVED if tool is BuiltIn.WEB_FETCH else Rule.ALLOWED for tool in BuiltIn},
}

_LISTS = {
    "allowed_tools": Rule.ALLOWED,
    "auto_tools": Rule.AUTO,
    "user_approved_tools": Rule.USER_APPROVED,
    "denied_tools": Rule.DENIED,
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a service: one for each listed tool, and one for all others."""

    listed: Mapping[str, Rule] = field(default_factory=lambda: MappingProxyType({}))
    default: Rule = Rule.USER_APPROVED

    def of(self, tool: str) -> Rule:
        """Return the rule of a tool."""
        return self.listed.get(tool, self.default)


class ToolLists(BaseModel):
    """Lists of tools, one per rule; a tool is in one list only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed_tools: tuple[ToolName, ...] = Field(default=(), description="Run without asking.")
    auto_tools: tuple[ToolName, ...] = Field(
        default=(),
        description="The API judges each call: run, ask or deny. It takes words of others in a request for intent, so "
        "never list here what a person must decide.",
    )
    user_approved_tools: tuple[ToolName, ...] = Field(default=(), description="Held until the owner decides.")
    denied_tools: tuple[ToolName, ...] = Field(default=(), description="Switched off.")

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [name for listed in _LISTS for name in getattr(self, listed)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return self

    @property
    def listed(self) -> Mapping[str, Rule]:
        """Return tool → rule for the listed tools."""
        return {name: rule for listed, rule in _LISTS.items() for name in getattr(self, listed)}


class ToolRules(ToolLists):
    """The rules of a service; a tool that is not listed never runs without asking."""

    default: Literal["auto", "user_approved", "denied"] = Field(
        default="user_approved", description="For every tool that is not listed, today's and tomorrow's."
    )

    @property
    def rules(self) -> Rules:
        """Return them for asking."""
        return Rules(self.listed, Rule(self.default))


class TighterTools(ToolLists):
    """A profile's own rules for a service; for each tool the stricter one of these and the service's holds."""

    default: Rule = Field(
        default=Rule.ALLOWED, description="For every tool that is not listed; `allowed`: as the service's rules say."
    )

    @property
    def rules(self) -> Rules:
        """Return them for asking."""
        return Rules(self.listed, self.default)


@dataclass(frozen=True, slots=True)
class KnownTool:
    """A tool as its service describes it; `says_it_reads` is the service's claim and not enough by itself."""

    name: str
    says_it_reads: bool = False


def narrowed(rules: Rules, by: Rules) -> Rules:
    """Return the stricter of two rules for each tool, also for tools that neither lists."""
    names = {*rules.listed, *by.listed}
    # `of` falls back to the default, so a tool that only one side lists is judged by both.
    listed = {name: stricter(rules.of(name), by.of(name)) for name in names}
    return Rules(listed, stricter(rules.default, by.default))


def under(preset: Preset, rules: Rules) -> Rules:
    """Return a service's rules under a profile's preset, which never loosens them."""
    # The other presets are about built-in tools only.
    if preset is not Preset.READ_ONLY:
        return rules
    listed = {
        name: Rule.ALLOWED if rule is Rule.ALLOWED and is_reading_name(name) else Rule.DENIED
        for name, rule in rules.listed.items()
    }
    return Rules(listed, Rule.DENIED)


def suggest(preset: Preset, tools: Iterable[KnownTool]) -> ToolRules:
    """Return rules to begin with for a service's tools; an admin looks at them before they are saved."""
    reading = tuple(sorted(tool.name for tool in tools if tool.says_it_reads and is_reading_name(tool.name)))
    if preset is Preset.READ_ONLY:
        return ToolRules(allowed_tools=reading, default="denied")
    return ToolRules(allowed_tools=reading if preset is Preset.TRUSTED else ())
