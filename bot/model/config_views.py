"""What admins see of the settings, as data; `renderers/config_modals.py` draws it as modals."""

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
    """The first page of the settings: the sections, and whether everything is paused."""

    is_paused: bool
    counts: Mapping[str, int]
    """Section → number of items in it."""


class ConfigNotice(StrEnum):
    """What was just done, for outcomes without data."""

    SAVED = "saved"
    DONE = "done"
    REGISTERS_AFRESH = "registers_afresh"
    FIRST_ADMIN = "first_admin"


@dataclass(frozen=True, slots=True)
class ServiceAdded:
    """A service was added; members can connect it from now on."""

    title: str


@dataclass(frozen=True, slots=True)
class MemberDisconnected:
    """A member's connections were deleted, `count` of them."""

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
    """An agent profile."""

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
    """A filter for requests and answers, built in or an admin's own."""

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
    """What was just done, shown above the list."""


@dataclass(frozen=True, slots=True)
class KnownTools:
    """The names of a service's tools; empty until somebody has connected it, since only then they can be listed."""

    names: tuple[str, ...]
    reading: tuple[str, ...]
    """The tools that only read, by the service's own hints."""


@dataclass(frozen=True, slots=True)
class FixedAdmins:
    """Admins named in the environment (`DEPUTY_ADMINS`), whom no setting can remove."""

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
    """Path of a field → its options as `(value, words)`, for options that depend on other settings."""
    note: KnownTools | FixedAdmins | None = None


@dataclass(frozen=True, slots=True)
class RaiseBudget:
    """The form, of one field, that raises a budget which is used up."""

    shortfall_id: str
    form: Form
    budget: Budget
    body: Mapping[str, Any]
    """The settings item with the limit as it is now."""
    version: int
    spent_cents: float


@dataclass(frozen=True, slots=True)
class ConfirmChange:
    """The question before a change that is hard to undo."""

    verb: str
    """One of `CONFIRMED`."""
    kind: str
    name: str
    version: int


# Slack cannot ask back before the option of a menu acts, so these open a modal with a question.
CONFIRMED = frozenset({"remove", "reset", "disconnect", "register", "drop"})
"""Verbs that are carried out only after a question."""


@dataclass(frozen=True, slots=True)
class AddingUrl:
    """The form for a service's address; `problem` says what was wrong with the last one (`bot.config`)."""

    url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LookingUp:
    """Shown while something takes longer than Slack's three seconds: probing `url`, or saving if it is empty."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found at an address, for an admin to look at before saving it."""

    url: str
    fingerprint: str
    host: str
    told_name: str
    """The server's own name for itself."""
    issuer: str
    endpoint_hosts: tuple[str, ...]
    foreign_hosts: tuple[str, ...]
    """The endpoint hosts that belong to another registrable domain than `host`."""
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
    """The form for a pre-registered OAuth client of a service, and for the scopes to ask for."""

    service: str
    title: str
    redirect_uri: str
    client_id: str
    has_secret: bool
    scopes: str
    version: int
    note: str = ""
    """What an admin must do at the service first."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Asks an owner of the workspace, while there is no admin, whether they want to be the first."""


@dataclass(frozen=True, slots=True)
class Done:
    """Shown after a change that went well."""

    outcome: ConfigOutcome


@dataclass(frozen=True, slots=True)
class NotDone:
    """A change is not valid, for a reason that belongs to no field of the form (`bot.config.validation_messages`)."""

    problem: str


@dataclass(frozen=True, slots=True)
class Broke:
    """A bug of ours; `reference` finds it in the log."""

    reference: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The admin may not do this, or somebody else changed it first."""

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
    """A form that was not accepted: `block_id` of a field → what is wrong with it."""

    fields: Mapping[str, str]
