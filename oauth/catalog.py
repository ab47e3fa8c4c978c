"""The services on offer: read from `catalog.toml` and the operator's own file, checked as a whole.

What a service's metadata then says, and what of it holds, is for `oauth/discovery.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from oauth.discovery import Pins
from oauth.errors import CatalogInvalid, ServiceNotAvailable, ServicePaused, UnknownService, UrlRefused
from oauth.registration import PreRegistered
from oauth.urls import Policy, get_place, require_url
from store.records import RegistrationKind, ServiceName

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RULES = ("allowed_tools", "user_approved_tools", "denied_tools")
_DEFAULTS = ("user_approved", "denied")
_TEXTS = ("title", "mcp_url", "manage_url", "registration", "trusted_issuer", "token_profile", "resource")
_LISTS = ("scopes", "endpoint_hosts")
_FLAGS = ("pkce_unadvertised_ok",)
_NUMBERS = ("grant_days",)
_TABLES = ("tools", "authorize_params")
_LOOSE = Policy(allow_loopback=True)
"""For the shape of a URL only: the sender holds the real policy whenever one is used."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The rule for each tool of a service, in the seed's words."""

    allowed_tools: tuple[str, ...] = ()
    user_approved_tools: tuple[str, ...] = ()
    denied_tools: tuple[str, ...] = ()
    default: str = "user_approved"
    """For tools that are not listed: `user_approved` or `denied`."""


@dataclass(frozen=True, slots=True)
class Service:
    """One thing to connect; immutable, as reviewed."""

    name: ServiceName
    title: str
    mcp_url: str
    """Exactly as the agent declares it, since the vault matches it (mcp-oauth.md §2.4)."""
    manage_url: str | None
    """The provider's own page for revoking access."""
    scopes: tuple[str, ...] = ()
    """What to ask for; empty: as the service advertises."""
    tools: Tools = field(default_factory=Tools)
    pins: Pins = field(default_factory=Pins)
    resource: str | None = None
    """The `resource` its metadata must carry, where the catalogue knows it."""
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    token_profile: str = "standard"  # noqa: S105  # the name of a parser
    registration: RegistrationKind = RegistrationKind.AUTO
    grant_days: int | None = None
    """After so many days its grants end, refreshed or not, and the member has to connect again."""
    client: PreRegistered | None = None
    is_paused: bool = False
    """An admin stopped it for now: nobody connects it, no session declares it."""

    @property
    def needs_client(self) -> bool:
        """Whether an operator or admin must configure a client: it has no registration of its own."""
        return self.registration is RegistrationKind.PRE_REGISTERED

    @property
    def is_available(self) -> bool:
        """Whether a member can connect it in this deployment, now."""
        return not self.is_paused and (self.client is not None or not self.needs_client)


class Catalog:
    """Every service by name: what is shipped and configured, and what admins saved (`oauth/services.py`).

    One per process; what is on offer is exchanged as a whole when an admin saves, and whoever reads it
    sees the old or the new, never half of each.
    """

    def __init__(self, services: Mapping[ServiceName, Service]) -> None:
        self.shipped: Mapping[ServiceName, Service] = MappingProxyType(dict(services))
        self._services = dict(services)

    def offer(self, services: Iterable[Service]) -> None:
        """Put these on offer, in place of everything that was."""
        self._services = {service.name: service for service in services}

    @classmethod
    def load(cls, extra: Path | None, clients: Mapping[ServiceName, PreRegistered]) -> Catalog:
        """Return our catalogue with the operator's file merged over it, entry by entry.

        Raises:
            CatalogInvalid: with every problem of both files and of the clients.
        """
        entries, problems = _read(files("oauth").joinpath("catalog.toml").read_text("utf-8"), "catalog.toml")
        if extra is not None:
            more, found = _read_extra(extra)
            entries |= more
            problems += found
        services = {ServiceName(name): _service(name, entry, clients, problems) for name, entry in entries.items()}
        problems += _list_client_problems(services, clients)
        problems += _list_shared_servers(services)
        if problems:
            raise CatalogInvalid(tuple(problems))
        return cls(services)

    @property
    def services(self) -> tuple[Service, ...]:
        """Every service, available or not, by title."""
        return tuple(sorted(self._services.values(), key=lambda service: service.title.lower()))

    @property
    def titles(self) -> Mapping[str, str]:
        """Name → title of what is on offer at the moment of each look."""
        return _Titles(self)

    def get(self, name: ServiceName) -> Service:
        """Return the service. Raises `UnknownService` with the nearest names."""
        service = self._services.get(name)
        if service is None:
            near = get_close_matches(name.lower(), self._services, n=3, cutoff=0.5)
            raise UnknownService(name, tuple(near))
        return service

    def get_available(self, name: ServiceName) -> Service:
        """Return the service if it can be connected.

        Raises `UnknownService`, `ServicePaused`, `ServiceNotAvailable`.
        """
        service = self.get(name)
        if service.is_paused:
            raise ServicePaused(name)
        if not service.is_available:
            raise ServiceNotAvailable(name)
        return service


class _Titles(Mapping[str, str]):
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __getitem__(self, name: str) -> str:
        return self._catalog._services[ServiceName(name)].title  # noqa: SLF001  # its own view

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalog._services)  # noqa: SLF001  # its own view

    def __len__(self) -> int:
        return len(self._catalog._services)  # noqa: SLF001  # its own view


def _read_extra(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        return _read(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{path.name}: cannot be read ({type(error).__name__})"]


def _read(text: str, source: str) -> tuple[dict[str, Any], list[str]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{source}: not TOML ({error})"]
    problems = [f"{source}: unknown key `{key}`" for key in document if key != "services"]
    services = document.get("services", {})
    if not isinstance(services, dict) or not all(isinstance(entry, dict) for entry in services.values()):
        return {}, [*problems, f"{source}: services must be tables `[services.NAME]`"]
    return services, problems


def _service(
    name: str, entry: dict[str, Any], clients: Mapping[ServiceName, PreRegistered], problems: list[str]
) -> Service:
    found = _list_entry_problems(name, entry)
    problems += [f"services.{name}: {problem}" for problem in found]
    if found:
        return Service(ServiceName(name), name, "", None)
    pins = Pins(
        trusted_issuer=entry.get("trusted_issuer"),
        endpoint_hosts=tuple(entry.get("endpoint_hosts", ())),
        pkce_unadvertised_ok=entry.get("pkce_unadvertised_ok", False),
    )
    return Service(
        name=ServiceName(name),
        title=entry["title"],
        mcp_url=entry["mcp_url"],
        manage_url=entry.get("manage_url"),
        scopes=tuple(entry.get("scopes", ())),
        tools=_tools(entry.get("tools", {})),
        pins=pins,
        resource=entry.get("resource"),
        authorize_params=entry.get("authorize_params", {}),
        token_profile=entry.get("token_profile", "standard"),
        registration=RegistrationKind(entry.get("registration", "auto")),
        grant_days=entry.get("grant_days"),
        client=clients.get(ServiceName(name)),
    )


def _tools(table: dict[str, Any]) -> Tools:
    rules = {rule: tuple(table.get(rule, ())) for rule in _RULES}
    return Tools(**rules, default=table.get("default", "user_approved"))


def _list_entry_problems(name: str, entry: dict[str, Any]) -> list[str]:
    known = {*_TEXTS, *_LISTS, *_FLAGS, *_NUMBERS, *_TABLES}
    problems = [] if _NAME.fullmatch(name) else ["the name must be a-z, 0-9, - and _, at most 64"]
    problems += [f"unknown key `{key}`" for key in entry if key not in known]
    problems += [f"`{key}` is missing" for key in ("title", "mcp_url") if key not in entry]
    problems += [f"`{key}` must be text" for key in _TEXTS if not _is_text(entry.get(key, "-"))]
    problems += [f"`{key}` must be a list of texts" for key in _LISTS if not _is_texts(entry.get(key, []))]
    problems += [f"`{key}` must be true or false" for key in _FLAGS if not isinstance(entry.get(key, False), bool)]
    problems += [f"`{key}` must be a number from 1 to 3650" for key in _NUMBERS if not _is_number(entry.get(key, 1))]
    problems += [f"`{key}` must be a table" for key in _TABLES if not isinstance(entry.get(key, {}), dict)]
    return problems or [*_list_value_problems(entry), *_list_tool_problems(entry.get("tools", {}))]


def _list_value_problems(entry: dict[str, Any]) -> list[str]:
    problems = []
    for key in ("mcp_url", "manage_url", "resource"):
        try:
            require_url(entry.get(key, "https://example.com"), _LOOSE)
        except UrlRefused as error:
            problems.append(f"`{key}` cannot be used: {error.rule}")
    if entry.get("registration", "auto") not in set(RegistrationKind):
        problems.append("`registration` must be auto, pre_registered or token")
    if entry.get("token_profile", "standard") not in ("standard", "slack"):
        problems.append("`token_profile` must be standard or slack")
    if "trusted_issuer" in entry and not entry.get("endpoint_hosts"):
        problems.append("`trusted_issuer` needs `endpoint_hosts`, or a false server could name any")
    if not all(_is_text(value) for value in entry.get("authorize_params", {}).values()):
        problems.append("`authorize_params` must hold texts")
    return problems


def _list_tool_problems(table: dict[str, Any]) -> list[str]:
    problems = [f"unknown key `tools.{key}`" for key in table if key not in (*_RULES, "default")]
    problems += [f"`tools.{rule}` must be a list of texts" for rule in _RULES if not _is_texts(table.get(rule, []))]
    if table.get("default", "user_approved") not in _DEFAULTS:
        problems.append("`tools.default` must be user_approved or denied")
    if problems:
        return problems
    listed = [tool for rule in _RULES for tool in table.get(rule, [])]
    twice = sorted({tool for tool in listed if listed.count(tool) > 1})
    return [f"tool `{tool}` is listed twice" for tool in twice]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 3650


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _list_client_problems(
    services: Mapping[ServiceName, Service], clients: Mapping[ServiceName, PreRegistered]
) -> list[str]:
    problems = [f"a client is configured for `{name}`, which is no service" for name in clients if name not in services]
    return problems + [
        f"services.{service.name}: a configured client needs `trusted_issuer`, to be bound to it (mcp-oauth.md §1.3)"
        for service in services.values()
        if service.client is not None and service.pins.trusted_issuer is None
    ]


def _list_shared_servers(services: Mapping[ServiceName, Service]) -> list[str]:
    # A vault holds one credential per server: two entries for one would overwrite each other.
    seen: dict[str, ServiceName] = {}
    problems = []
    for service in services.values():
        if not service.mcp_url:
            continue
        place = get_place(service.mcp_url)
        if place in seen:
            problems.append(f"services.{service.name}: has the mcp_url of `{seen[place]}`")
        seen[place] = service.name
    return problems
