"""What admins set, as one pydantic document with its limits and defaults; pure.

Field descriptions are published in docs/schema/config.schema.json. `yaml_file` reads and compares it as a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from bot.config.patterns import Pattern
from bot.config.tool_rules import BUILT_IN_RULES, BuiltIn, Preset, Rule, TighterTools, ToolRules
from bot.model.visible_text import is_one_line

DEFAULT_PROFILE = "default"
# Built in, since a filter that every workspace has to add is missing in most.
SECRETS = "secrets"
"""The built-in filter, which is always there; it finds keys, tokens and passwords by their shapes."""
# Lower case and at least one dot, as in certificates; no address, no port.
HOST = r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"


def _printable(text: str) -> str:
    if not is_one_line(text):
        raise ValueError("must be one line of visible characters")
    return text


def _exact(given: object) -> object:
    # As text, so that 0.1 in a file is exactly a tenth of a dollar and not the nearest binary fraction.
    return str(given) if isinstance(given, float) else given


# Slack ids and nothing else: they are shown between angle brackets, as mentions.
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,30}$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,30}$")]
ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Host = Annotated[str, StringConstraints(to_lower=True, max_length=253, pattern=HOST)]
# No characters that a shell would act on: the API passes these names to package managers.
Package = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9@][^\s;|&$`<>]*$")]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
_AS_NUMBER = PlainSerializer(float, return_type=float, when_used="json")
Usd = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, le=1_000_000, decimal_places=2),
    _AS_NUMBER,
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1_000_000}),
]
"""US dollars with at most two decimals."""
UsdAboveZero = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(gt=0, le=1_000_000, decimal_places=2),
    _AS_NUMBER,
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000}),
]
Who = Literal["everyone", "admins"] | Annotated[tuple[UserId, ...], Field(min_length=1, max_length=500)]
"""Everyone, the admins, or the members listed."""


class Section(BaseModel):
    """A part of the settings: immutable, and without unknown fields."""

    # A misspelt setting must be an error: an admin would believe that something is forbidden.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Budgets(Section):
    """General limits, which more specific ones replace; in US dollars, per month in UTC."""

    workspace_per_month: Usd | None = Field(default=None, description="All requests of a month together.")
    member_per_month: Usd | None = Field(default=None, description="For each member who has none of their own.")
    channel_per_month: Usd | None = Field(default=None, description="For each channel that has none of its own.")
    per_turn: UsdAboveZero = Field(
        default=Decimal(5), description="For one request, where the profile says nothing else."
    )


# A service's tools may have any printable name, so only the service before the slash is strict.
ToolPattern = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_-]{0,63}/)?[!-~]([ -~]{0,126}[!-~])?$")]
"""`service/tool`, `service/*`, or the name of a built-in tool."""


class ApprovalSettings(Section):
    """How held calls are decided; the tool rules say which calls are held."""

    always_allow: Literal["harmless", "any", "never"] = Field(
        default="harmless",
        description="What owners may allow for the rest of a thread. `harmless`: tools that are known to only "
        "read. `any`: every tool.",
    )
    second_tools: Annotated[tuple[ToolPattern, ...], Field(max_length=500)] = Field(
        default=(),
        description="Tools that need a second approver after the owner: `notes/delete_note`, `notes/*`, `bash`.",
    )
    second_approvers: Literal["admins"] | Annotated[tuple[UserId, ...], Field(min_length=1, max_length=100)] = Field(
        default="admins", description="Who may be the second; never the owner."
    )
    second_sees: Literal["redacted", "full"] = Field(
        default="redacted", description="`redacted`: which tool, for whom. `full`: its arguments too, secrets masked."
    )

    def needs_second(self, service: str | None, tool: str) -> bool:
        """Tell whether a tool needs a second approver."""
        names = {tool} if service is None else {f"{service}/{tool}", f"{service}/*"}
        return not names.isdisjoint(self.second_tools)


class Audience(Section):
    """Who apart from full members of the workspace is served, and where."""

    guests: bool = Field(default=False, description="Guests may ask and connect services of their own.")
    shared_channels: bool = Field(
        default=False, description="Deputy works in channels that other organisations read; only members may ask."
    )


class ServiceSettings(Section):
    """The settings of one service, from the catalogue or added."""

    is_paused: bool = Field(default=False, description="Kill switch: no agent may use it, running ones are stopped.")
    who_may_connect: Who = Field(default="everyone", description="Others are not offered it.")
    tools: ToolRules | None = Field(default=None, description="Its tool rules; left out: those of the catalogue.")
    results: Literal["thread", "private"] = Field(
        default="thread", description="`private`: used in direct messages only, never where others read along."
    )


class Skill(Section):
    """A skill at the API: Anthropic's or a custom one."""

    type: Literal["anthropic", "custom"]
    skill_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] | None = Field(
        default=None, description="Left out: the latest."
    )


class Packages(Section):
    """Packages to install in the sandbox, by package manager; versions in the manager's own syntax."""

    apt: tuple[Package, ...] = ()
    cargo: tuple[Package, ...] = ()
    gem: tuple[Package, ...] = ()
    go: tuple[Package, ...] = ()
    npm: tuple[Package, ...] = ()
    pip: tuple[Package, ...] = ()

    @property
    def are_any(self) -> bool:
        """Tell whether there are any."""
        return any(self.model_dump().values())


class Environment(Section):
    """The sandbox that an agent works in."""

    network: Literal["limited", "unrestricted"] = Field(
        default="limited", description="`limited`: the hosts below and nothing else."
    )
    allowed_hosts: Annotated[tuple[Host, ...], Field(max_length=100)] = Field(
        default=(), description="Hosts that the sandbox can reach; `*.example.com` for all below one."
    )
    allow_mcp_servers: bool = Field(
        default=True, description="Services can be reached; without it none works unless its host is allowed."
    )
    allow_package_managers: bool = Field(default=False, description="Package registries can be reached.")
    packages: Packages = Packages()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.network == "unrestricted" and self.allowed_hosts:
            raise ValueError("allowed_hosts: only with `network: limited`")
        if self.packages.are_any and self.network == "limited" and not self.allow_package_managers:
            raise ValueError("packages: a limited network needs `allow_package_managers: true` to install them")
        return self


class Profile(Section):
    """An agent: its model, words, tools and environment."""

    model: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/@-]{1,256}$")] | None = Field(
        default=None, description="Left out: DEPUTY_MODEL."
    )
    description: Line | None = Field(default=None, description="For people who choose between agents.")
    system_prompt: Annotated[str, StringConstraints(max_length=90_000)] = Field(
        default="", description="Added to Deputy's own, which says whose agent it is and what is not an instruction."
    )
    preset: Preset = Field(default=Preset.CAREFUL, description="The rules to begin with; see docs/admin.md.")
    built_in_tools: Mapping[BuiltIn, Rule] = Field(default={}, description="Where they differ from the preset.")
    services: Literal["all"] | tuple[ServiceName, ...] = Field(
        default="all", description="Those that the owner has connected, of these."
    )
    service_tools: Mapping[ServiceName, TighterTools] = Field(
        default={}, description="Narrows a service's tool rules; the stricter rule holds."
    )
    skills: Annotated[tuple[Skill, ...], Field(max_length=20)] = ()
    environment: Environment = Environment()
    budget_per_turn: UsdAboveZero | None = Field(default=None, description="Left out: the general one.")
    who_may_use: Who = "everyone"

    @model_validator(mode="after")
    def _can_read_skills(self) -> Self:
        # The API refuses skills without a usable `read` (docs/reference/managed-agents.md#agents).
        if self.skills and self.built_in_rules[BuiltIn.READ] is Rule.DENIED:
            raise ValueError("skills: the agent needs the built-in tool `read` to use them")
        return self

    @property
    def built_in_rules(self) -> Mapping[BuiltIn, Rule]:
        """Return the rule of every built-in tool."""
        return {**BUILT_IN_RULES[self.preset], **self.built_in_tools}


class ChannelSettings(Section):
    """The settings of one channel."""

    profile: ProfileName | None = Field(default=None, description="Its agent; left out: `default`.")
    who_may_ask: Who = "everyone"
    budget_per_month: Usd | None = Field(default=None, description="Left out: the general one.")
    answers: Literal["thread", "private"] = Field(
        default="thread", description="`private`: what is asked here is answered in direct messages."
    )


class MemberSettings(Section):
    """The settings of one member."""

    is_paused: bool = Field(default=False, description="Kill switch: asks nothing, what runs is stopped.")
    budget_per_month: Usd | None = Field(default=None, description="Left out: the general one.")


class Filter(Section):
    """A filter for requests, before the agent gets them, and for answers, before Slack shows them."""

    pattern: Pattern | None = Field(
        default=None,
        description="An RE2 expression, looked for in each line: `(?i)project falcon`. The filter `secrets` has none.",
    )
    description: Line | None = Field(default=None, description="What people are told that it looks for.")
    asked: Literal["mask", "refuse", "off"] = Field(
        default="mask", description="`mask`: the agent gets the request without it. `refuse`: nothing is sent."
    )
    answered: Literal["mask", "withhold", "off"] = Field(
        default="mask",
        description="`withhold`: an answer with it in is not shown at all, and every answer only once it is whole.",
    )


class Config(Section):
    """Everything that admins set, for one workspace."""

    # For a later form of the file, which this version must refuse instead of misreading it.
    version: Literal[1] = Field(default=1, description="The form of this file.")
    admins: tuple[UserId, ...] = Field(default=(), description="Besides those in DEPUTY_ADMINS.")
    is_paused: bool = Field(default=False, description="Kill switch: nobody asks anything, what runs is stopped.")
    budgets: Budgets = Budgets()
    approvals: ApprovalSettings = ApprovalSettings()
    audience: Audience = Audience()
    services: Mapping[ServiceName, ServiceSettings] = {}
    profiles: Mapping[ProfileName, Profile] = {}
    channels: Mapping[ChannelId, ChannelSettings] = {}
    members: Mapping[UserId, MemberSettings] = {}
    filters: Annotated[Mapping[ProfileName, Filter], Field(max_length=100)] = {}

    @model_validator(mode="after")
    def _filters_look_for_something(self) -> Self:
        for name, one in self.filters.items():
            # A pattern would replace the shapes by something weaker without anybody noticing.
            if name == SECRETS and one.pattern is not None:
                raise ValueError(f"filters.{name}.pattern: this filter has shapes of its own; add another filter")
            if name != SECRETS and one.pattern is None:
                raise ValueError(f"filters.{name}.pattern: is missing")
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        known = {DEFAULT_PROFILE, *self.profiles}
        if lost := sorted({one.profile for one in self.channels.values() if one.profile} - known):
            raise ValueError(f"channels: there is no profile {', '.join(lost)}")
        return self

    def service(self, name: str) -> ServiceSettings:
        """Return a service's settings, the defaults if it has none."""
        return self.services.get(name) or ServiceSettings()

    def profile(self, name: str) -> Profile | None:
        """Return a profile, None if there is none; `default` is always there."""
        return self.profiles.get(name) or (Profile() if name == DEFAULT_PROFILE else None)

    def channel(self, channel: str) -> ChannelSettings:
        """Return a channel's settings, the defaults if it has none."""
        return self.channels.get(channel) or ChannelSettings()

    def member(self, user_id: str) -> MemberSettings:
        """Return a member's settings, the defaults if they have none."""
        return self.members.get(user_id) or MemberSettings()

    @property
    def every_filter(self) -> Mapping[str, Filter]:
        """Return the filters by name; `secrets` is always there, and first."""
        return {SECRETS: Filter(), **self.filters}

    @property
    def profile_names(self) -> tuple[str, ...]:
        """Return every profile's name, `default` first."""
        return (DEFAULT_PROFILE, *sorted(name for name in self.profiles if name != DEFAULT_PROFILE))


def is_among(who: Who, user_id: str, *, is_admin: bool) -> bool:
    """Tell whether `who` includes a member."""
    if who == "everyone":
        return True
    return is_admin if who == "admins" else user_id in who


def dump(part: Section) -> dict[str, Any]:
    """Return a part as JSON-compatible data, without values that are defaults."""
    return part.model_dump(mode="json", exclude_defaults=True)
