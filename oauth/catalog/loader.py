"""Loads the catalogue's files, and reports every problem of them at once.

In our own file each pin needs a source; in an operator's it does not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from oauth.catalog.catalog_file import CatalogFile, Entry, list_problems, list_unsourced
from oauth.catalog.service import Service, Tools
from oauth.errors import CatalogInvalid
from oauth.protocol.discovery import Pins
from oauth.protocol.registration import PreRegistered
from oauth.protocol.url_policy import get_place
from store.records import ServiceName


@dataclass(frozen=True, slots=True)
class _Reading:
    """A file's valid entries, the names of all its entries, and its problems."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


def read_services(extra: Path | None, clients: Mapping[ServiceName, PreRegistered]) -> dict[ServiceName, Service]:
    """Return the shipped services; an operator's entry replaces the shipped one of the same name as a whole.

    Raises:
        CatalogInvalid: with every problem of both files and of the configured clients.
    """
    ours, theirs = _read(read_shipped(), "catalog.toml"), _Reading() if extra is None else _read_extra(extra)
    unsourced = [
        f"services.{name}: {problem}"
        for name, entry in ours.entries.items()
        for problem in list_unsourced(entry.model_dump(exclude_unset=True))
    ]
    kept = {name: entry for name, entry in ours.entries.items() if name not in theirs.names}
    entries = {**kept, **theirs.entries}
    services = {ServiceName(name): _build_service(name, entry, clients) for name, entry in entries.items()}
    problems = [*ours.problems, *unsourced, *theirs.problems]
    problems += _list_client_problems(services, clients, ours.names | theirs.names)
    problems += _list_shared_servers(services)
    if problems:
        raise CatalogInvalid(tuple(problems))
    return services


def read_shipped() -> str:
    """Return the text of the shipped `catalog.toml`."""
    return files("oauth.catalog").joinpath("catalog.toml").read_text("utf-8")


def _read_extra(path: Path) -> _Reading:
    try:
        return _read(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        return _Reading(problems=(f"{path.name}: cannot be read ({type(error).__name__})",))


def _read(text: str, source: str) -> _Reading:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _Reading(problems=(f"{source}: not TOML ({error})",))
    except ValueError:
        return _Reading(problems=(f"{source}: there is a number that cannot be read",))  # more digits than Python takes
    except RecursionError:
        return _Reading(problems=(f"{source}: nested too deeply",))
    given = document.get("services", {})
    names = frozenset(given) if isinstance(given, dict) else frozenset()
    try:
        return _Reading(CatalogFile.model_validate(document).services, names)
    except ValidationError as error:
        # The valid entries are kept, so that the checks across services report their problems in the same go.
        wrong = {name for details in error.errors() for name in details["loc"][1:2]}
        rest = {name: given[name] for name in names - wrong}
        problems = tuple(f"{source}: {problem}" for problem in list_problems(error))
        return _Reading(CatalogFile.model_validate({"services": rest}).services, names, problems)


def _build_service(name: str, entry: Entry, clients: Mapping[ServiceName, PreRegistered]) -> Service:
    return Service(
        name=ServiceName(name),
        title=entry.title,
        mcp_url=entry.mcp_url,
        manage_url=entry.manage_url,
        scopes=entry.scopes,
        tools=Tools(**entry.tools.model_dump()),
        pins=Pins(entry.trusted_issuer, entry.endpoint_hosts, entry.pkce_unadvertised_ok),
        resource=entry.resource,
        authorize_params=entry.authorize_params,
        token_profile=entry.token_profile,
        registration=entry.registration,
        client=clients.get(ServiceName(name)),
        token_page=entry.token_page,
        grant_days=entry.grant_days,
        quirks=entry.quirks,
        note=entry.note,
    )


def _list_client_problems(
    services: Mapping[ServiceName, Service], clients: Mapping[ServiceName, PreRegistered], names: frozenset[str]
) -> list[str]:
    problems = [f"a client is configured for `{name}`, which is no service" for name in clients if name not in names]
    # Unbound, a client would go to whatever issuer the service names.
    return problems + [
        f"services.{service.name}: a configured client needs `trusted_issuer`, to be bound to it"
        " (docs/reference/oauth.md#client-binding)"
        for service in services.values()
        if service.client is not None and service.pins.trusted_issuer is None
    ]


def _list_shared_servers(services: Mapping[ServiceName, Service]) -> list[str]:
    # A vault holds one credential per server: two entries for one server would overwrite each other's.
    seen: dict[str, ServiceName] = {}
    problems = []
    for service in services.values():
        place = get_place(service.mcp_url)
        if place in seen:
            problems.append(f"services.{service.name}: has the mcp_url of `{seen[place]}`")
        seen[place] = service.name
    return problems
