"""Loads the catalogue's files: validated as a whole, every problem reported at once.

A pin in our own file needs a source; an operator's file need not name any.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from oauth.catalog.service import Service, ServiceQuirk, Tools
from oauth.errors import CatalogInvalid, UrlRefused
from oauth.protocol.discovery import Pins
from oauth.protocol.registration import PreRegistered
from oauth.protocol.url_policy import UrlPolicy, get_place, require_url
from store.records import RegistrationKind, ServiceName

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RULES = ("allowed_tools", "user_approved_tools", "denied_tools")
_DEFAULTS = ("user_approved", "denied")
_TEXTS = (
    "title", "mcp_url", "manage_url", "registration", "trusted_issuer", "token_profile", "resource", "token_page",
    "note",
)  # fmt: skip
_LISTS = ("scopes", "endpoint_hosts", "quirks")
_FLAGS = ("pkce_unadvertised_ok",)
_TABLES = ("tools", "authorize_params", "sources")
_NUMBERS = ("grant_days",)
PINS = (
    "authorize_params", "endpoint_hosts", "grant_days", "mcp_url", "pkce_unadvertised_ok", "quirks", "registration",
    "resource", "scopes", "token_page", "token_profile", "trusted_issuer",
)  # fmt: skip
"""What is held against the service's own word, or stands in for it: each needs a source."""
_LOOSE = UrlPolicy(allow_loopback=True)
"""For the shape of a URL only: the sender holds the real policy whenever one is used."""


def read_services(extra: Path | None, clients: Mapping[ServiceName, PreRegistered]) -> dict[ServiceName, Service]:
    """Return our services with the operator's file merged over them, entry by entry.

    Raises:
        CatalogInvalid: with every problem of both files and of the clients.
    """
    entries, problems = _read(read_shipped(), "catalog.toml")
    problems += [f"services.{name}: {problem}" for name, entry in entries.items() for problem in list_unsourced(entry)]
    if extra is not None:
        more, found = _read_extra(extra)
        entries |= more
        problems += found
    services = {ServiceName(name): _service(name, entry, clients, problems) for name, entry in entries.items()}
    problems += _list_client_problems(services, clients)
    problems += _list_shared_servers(services)
    if problems:
        raise CatalogInvalid(tuple(problems))
    return services


def read_shipped() -> str:
    """Return our own file, as it is."""
    return files("oauth.catalog").joinpath("catalog.toml").read_text("utf-8")


def list_unsourced(entry: Mapping[str, Any]) -> list[str]:
    """Return each pin of an entry that does not say where it is known from, and each source of no pin."""
    pinned = {key for key in PINS if key in entry}
    sources = entry.get("sources", {})
    missing = [f"`{key}` has no source" for key in sorted(pinned - set(sources))]
    return missing + [f"a source for `{key}`, which is not pinned" for key in sorted(set(sources) - pinned)]


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
    except ValueError:
        return {}, [f"{source}: there is a number that cannot be read"]  # of more digits than Python takes
    except RecursionError:
        return {}, [f"{source}: nested too deeply"]
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
        client=clients.get(ServiceName(name)),
        token_page=entry.get("token_page"),
        grant_days=entry.get("grant_days"),
        quirks=tuple(ServiceQuirk(quirk) for quirk in entry.get("quirks", ())),
        note=entry.get("note"),
    )


def _tools(table: dict[str, Any]) -> Tools:
    rules = {rule: tuple(table.get(rule, ())) for rule in _RULES}
    return Tools(**rules, default=table.get("default", "user_approved"))


def _list_entry_problems(name: str, entry: dict[str, Any]) -> list[str]:
    known = {*_TEXTS, *_LISTS, *_FLAGS, *_TABLES, *_NUMBERS}
    problems = [] if _NAME.fullmatch(name) else ["the name must be a-z, 0-9, - and _, at most 64"]
    problems += [f"unknown key `{key}`" for key in entry if key not in known]
    problems += [f"`{key}` is missing" for key in ("title", "mcp_url") if key not in entry]
    problems += [f"`{key}` must be text" for key in _TEXTS if not _is_text(entry.get(key, "-"))]
    problems += [f"`{key}` must be a list of texts" for key in _LISTS if not _is_texts(entry.get(key, []))]
    problems += [f"`{key}` must be true or false" for key in _FLAGS if not isinstance(entry.get(key, False), bool)]
    problems += [f"`{key}` must be a number from 1 to 3650" for key in _NUMBERS if not _is_days(entry.get(key, 1))]
    problems += [f"`{key}` must be a table" for key in _TABLES if not isinstance(entry.get(key, {}), dict)]
    return problems or [*_list_value_problems(entry), *_list_tool_problems(entry.get("tools", {}))]


def _list_value_problems(entry: dict[str, Any]) -> list[str]:
    problems = []
    for key in ("mcp_url", "manage_url", "resource", "token_page"):
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
    tables = ("authorize_params", "sources")
    problems += [
        f"`{table}` must hold texts" for table in tables if not all(map(_is_text, entry.get(table, {}).values()))
    ]
    unknown = sorted(set(entry.get("quirks", ())) - set(ServiceQuirk))
    return problems + [f"quirk `{quirk}` is not known" for quirk in unknown]


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


def _is_days(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 3650


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _list_client_problems(
    services: Mapping[ServiceName, Service], clients: Mapping[ServiceName, PreRegistered]
) -> list[str]:
    problems = [f"a client is configured for `{name}`, which is no service" for name in clients if name not in services]
    return problems + [
        f"services.{service.name}: a configured client needs `trusted_issuer`, to be bound to it"
        " (docs/reference/oauth.md#client-binding)"
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
