"""What admins see of the settings, as data; `renderers/config_modals.py` draws it as views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.config.fields import Form
from bot.config.model import ChannelSettings, Filter, MemberSettings, Profile, Who
from bot.config.tool_rules import Rules
from bot.model.errors import Refusal
from oauth.catalog.probe_facts import ConnectWay, Quirk
from store.records import Budget


@dataclass(frozen=True, slots=True)
class Overview:
    """The way into the settings: what there is, and whether everything is paused."""

    is_paused: bool
    counts: Mapping[str, int]
    """Section → how many things are in it."""


class ConfigNotice(StrEnum):
    """What was just done, where nothing has to be named."""

    SAVED = "saved"
    DONE = "done"
    REGISTERS_AFRESH = "registers_afresh"
    FIRST_ADMIN = "first_admin"


@dataclass(frozen=True, slots=True)
class ServiceAdded:
    """A service can be connected from now on."""

    title: str


@dataclass(frozen=True, slots=True)
class MemberDisconnected:
    """A member's connections are deleted."""

    count: int


ConfigOutcome = ConfigNotice | ServiceAdded | MemberDisconnected


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service of the catalogue, or one that an admin added."""

    name: str
    title: str
    rules: Rules
    who: Who
    is_paused: bool
    needs_client: bool
    """Nobody can connect it before an admin gives it a client."""
    takes_client: bool
    registers_itself: bool
    is_added: bool


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """An agent."""

    name: str
    profile: Profile


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel that has settings; its name is its id."""

    name: str
    channel: ChannelSettings


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member, with settings or without; their name is their id."""

    name: str
    member: MemberSettings


@dataclass(frozen=True, slots=True)
class FilterRow:
    """A filter."""

    name: str
    filter: Filter


Row = ServiceRow | ProfileRow | ChannelRow | MemberRow | FilterRow


@dataclass(frozen=True, slots=True)
class ConfigList:
    """One page of a section."""

    section: str
    rows: tuple[Row, ...]
    page: int
    pages: int
    outcome: ConfigOutcome | None = None
    """What was just done, to be seen above the list."""


@dataclass(frozen=True, slots=True)
class KnownTools:
    """A service's tools by their names, none of them before somebody has connected it."""

    names: tuple[str, ...]
    reading: tuple[str, ...]
    """Those that the service says to only read."""


@dataclass(frozen=True, slots=True)
class FixedAdmins:
    """Who is an admin by the environment, whatever is set here."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditItem:
    """One form for one item; `name` is empty for a new one."""

    form: Form
    name: str
    title: str
    body: Mapping[str, Any]
    version: int
    choices: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Path of a field → value and words, where they depend on what is set."""
    note: KnownTools | FixedAdmins | None = None


@dataclass(frozen=True, slots=True)
class RaiseBudget:
    """One field: a budget that is used up, to be raised."""

    shortfall_id: str
    form: Form
    budget: Budget
    body: Mapping[str, Any]
    """The item with the limit that holds now."""
    version: int
    spent_cents: float


@dataclass(frozen=True, slots=True)
class ConfirmChange:
    """One question before something that cannot be undone at once."""

    verb: str
    """One of `CONFIRMED`."""
    kind: str
    name: str
    version: int


CONFIRMED = frozenset({"remove", "reset", "disconnect", "register", "drop"})
"""What is asked about before it is done."""


@dataclass(frozen=True, slots=True)
class AddingUrl:
    """The address of a service to look at; `problem` says why the last one could not be (`bot.config`)."""

    url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LookingUp:
    """Something takes longer than Slack waits: looking at an address, or saving where there is none."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What is behind an address, to be looked at before it is saved."""

    url: str
    fingerprint: str
    host: str
    told_name: str
    """What it calls itself, in its own words."""
    issuer: str
    endpoint_hosts: tuple[str, ...]
    foreign_hosts: tuple[str, ...]
    """Those that belong to somebody else than `host`."""
    told_scopes: tuple[str, ...]
    ways: tuple[ConnectWay, ...]
    quirks: tuple[Quirk, ...]
    name: str
    title: str
    scopes: str
    needs_client: bool
    only_token: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ClientForm:
    """Your own client of a service in the catalogue, and the scopes to ask for."""

    service: str
    title: str
    redirect_uri: str
    client_id: str
    has_secret: bool
    scopes: str
    version: int
    note: str = ""
    """What must be done at the service first."""


@dataclass(frozen=True, slots=True)
class Claim:
    """To an owner of the workspace, while there is no admin: do they want to be the first?"""


@dataclass(frozen=True, slots=True)
class Done:
    """The end of something that went well."""

    outcome: ConfigOutcome


@dataclass(frozen=True, slots=True)
class NotDone:
    """A change cannot be, and no field of the form has its problem (`bot.config.validation_messages`)."""

    problem: str


@dataclass(frozen=True, slots=True)
class Broke:
    """A bug, under its reference."""

    reference: str


@dataclass(frozen=True, slots=True)
class Denied:
    """They may not, or somebody was faster."""

    refusal: Refusal


Panel = (
    Overview
    | ConfigList
    | EditItem
    | RaiseBudget
    | ConfirmChange
    | AddingUrl
    | LookingUp
    | ProbeResult
    | ClientForm
    | Claim
    | Done
    | NotDone
    | Broke
    | Denied
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What cannot be as it was filled in: block of the field → why."""

    fields: Mapping[str, str]
