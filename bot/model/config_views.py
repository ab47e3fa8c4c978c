"""What admins see of the settings, as data; `renderers/config_modals.py` draws it as views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.config.fields import Form
from bot.model.errors import Refusal
from store.records import Budget


@dataclass(frozen=True, slots=True)
class Overview:
    """The way into the settings: what there is, and whether everything is paused."""

    is_paused: bool
    counts: Mapping[str, int]
    """Section → how many things are in it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing in a list; `choices` are what can be done with it: verb and words."""

    name: str
    title: str
    detail: str
    choices: tuple[tuple[str, str], ...]
    kind: str = ""
    """`channel` or `member` where the title is such an id."""


@dataclass(frozen=True, slots=True)
class ConfigList:
    """One page of a section."""

    section: str
    rows: tuple[Row, ...]
    page: int
    pages: int
    said: str = ""
    """What was just done, to be seen above the list."""


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
    notes: tuple[str, ...] = ()
    """Further lines in small print."""


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
class AskForReason:
    """One question before something that cannot be undone at once."""

    verb: str
    kind: str
    name: str
    version: int
    question: str
    yes: str


@dataclass(frozen=True, slots=True)
class AddingUrl:
    """The address of a service to look at; `problem` says why the last one could not be."""

    url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LookingUp:
    """Something takes longer than Slack waits."""

    words: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What is behind an address, to be looked at before it is saved."""

    url: str
    fingerprint: str
    facts: tuple[tuple[str, str], ...]
    """What, and how it is; the other side's words, none of ours."""
    warnings: tuple[str, ...]
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
    """The end of something, in a sentence."""

    words: str
    is_well: bool = True


@dataclass(frozen=True, slots=True)
class Denied:
    """They may not, or somebody was faster."""

    refusal: Refusal


Panel = (
    Overview
    | ConfigList
    | EditItem
    | RaiseBudget
    | AskForReason
    | AddingUrl
    | LookingUp
    | ProbeResult
    | ClientForm
    | Claim
    | Done
    | Denied
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What cannot be as it was filled in: block of the field → why."""

    fields: Mapping[str, str]
