"""Checks the services in the settings' file against the catalogue, and builds what is stored of them; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.config.file_services import Added, Document, Offer, variable_of
from bot.config.validation_messages import checked
from bot.config.yaml_file import list_strange_services
from bot.model.errors import Problem, SettingsInvalid
from oauth.catalog.probe import Probe
from oauth.catalog.saved_services import is_client_fitting
from oauth.catalog.service import Service
from oauth.catalog.titles import find_title_problem
from oauth.errors import UrlRefused
from oauth.protocol.url_policy import UrlPolicy, get_place, require_url
from store.records import RegistrationKind, SavedService, Secret, ServiceName, UserId, WorkspaceId

SecretOf = Callable[[str], Secret | None]
"""The value of an environment variable; None where it is not set."""
Rows = Mapping[str, SavedService]
"""What is stored, by name."""
Shipped = Mapping[ServiceName, Service]
_SECRET = re.compile(r"[\x21-\x7e]{1,2048}")


@dataclass(frozen=True, slots=True)
class ServiceOrigin:
    """Who stores it, where and when."""

    workspace_id: WorkspaceId
    actor: UserId
    at: datetime


def list_misplaced(after: Document, shipped: Shipped, rows: Rows, policy: UrlPolicy) -> Iterator[Problem]:
    """Yield what is wrong with names and addresses, before anything else is asked."""
    offers = after.offers
    added = {name: offer.added for name, offer in offers.items() if offer.added}
    yield from list_strange_services(after.config, {*map(str, shipped), *added})
    for name in sorted(offers.keys() - added.keys()):
        service = shipped.get(ServiceName(name))
        if service is None:
            yield Problem(f"services.{name}", f"there is no service {name}")
        elif offers[name].client and service.pins.trusted_issuer is None:
            yield Problem(f"services.{name}.client", "is not taken: this service has no pinned issuer to bind it to")
    yield from _list_taken(added, shipped, rows)
    yield from _list_confusable(added, shipped, rows)
    for name, one in sorted(added.items()):
        yield from _list_refused(name, one, policy)


def _list_confusable(added: Mapping[str, Added], shipped: Shipped, rows: Rows) -> Iterator[Problem]:
    """Yield titles that look like another service's: people choose by them where their data goes."""
    taken = {get_place(one.mcp_url) for one in added.values()}
    titles = {str(one.name): one.title for one in shipped.values() if get_place(one.mcp_url) not in taken}
    titles |= {name: one.title for name, one in added.items()}
    for name, one in sorted(added.items()):
        row = rows.get(name)
        # What a later version of the catalogue took a title from, stays as it was.
        if row is not None and row.title == one.title:
            continue
        problem = find_title_problem(one.title, {other: title for other, title in titles.items() if other != name})
        if problem:
            yield Problem(f"services.{name}.added.title", problem)


def _list_taken(added: Mapping[str, Added], shipped: Shipped, rows: Rows) -> Iterator[Problem]:
    places = {get_place(service.mcp_url): str(service.name) for service in shipped.values()}
    for name, one in sorted(added.items()):
        place, row = get_place(one.mcp_url), rows.get(name)
        # What a later version of the catalogue took a name or a server from, stays as it was.
        is_known = row is not None and not row.is_shipped and get_place(row.mcp_url) == place
        owner = places.setdefault(place, name)
        if name in shipped and not is_known:
            yield Problem(f"services.{name}.added", "the catalogue has a service of this name: choose another")
        elif owner != name and not (is_known and owner in shipped):
            yield Problem(f"services.{name}.added.mcp_url", f"that is the service {owner} already")


def _list_refused(name: str, added: Added, policy: UrlPolicy) -> Iterator[Problem]:
    for field in ("mcp_url", "manage_url", "trusted_issuer", "resource"):
        url = getattr(added, field)
        try:
            if url is not None:
                require_url(url, policy)
        except UrlRefused as error:
            yield Problem(f"services.{name}.added.{field}", f"this address cannot be used: {error.rule}")


def build_row(
    name: str, offer: Offer, shipped: Service | None, before: SavedService | None, by: ServiceOrigin
) -> SavedService:
    """Return a service as it is stored, but for its client."""
    fresh = SavedService(
        workspace_id=by.workspace_id,
        name=ServiceName(name),
        title=name,
        mcp_url="",
        is_shipped=offer.added is None,
        registration=RegistrationKind.AUTO,
        approved_by=by.actor,
        approved_at=by.at,
        scopes=offer.scopes,
        version=before.version if before else 0,
    )
    if offer.added is not None:
        return _with_added(fresh, offer.added)
    assert shipped is not None  # noqa: S101  # for the type checker; `list_misplaced` has looked
    return replace(
        fresh,
        title=shipped.title,
        mcp_url=shipped.mcp_url,
        registration=shipped.registration,
        issuer=shipped.pins.trusted_issuer,
    )


def _with_added(row: SavedService, added: Added) -> SavedService:
    return replace(
        row,
        title=added.title,
        mcp_url=added.mcp_url,
        registration=added.registration,
        manage_url=added.manage_url,
        issuer=added.trusted_issuer,
        resource=added.resource,
        endpoint_hosts=added.endpoint_hosts,
        pkce_unadvertised_ok=added.pkce_unadvertised_ok,
    )


def with_client(row: SavedService, offer: Offer, before: SavedService | None, secret_of: SecretOf) -> SavedService:
    """Return the service with its client; its secret is the variable's, else the one that is stored for it.

    Raises `SettingsInvalid` naming the variable.
    """
    client = offer.client
    if client is None:
        return row
    row = replace(row, client_id=client.client_id)
    if client.client_secret is None:
        return row
    place, variable = f"services.{row.name}.client.client_secret", client.client_secret.env
    secret = secret_of(variable) or _kept(row, before)
    if secret is None:
        raise SettingsInvalid((Problem(place, f"set the environment variable {variable} to this client's secret"),))
    if not _SECRET.fullmatch(secret.reveal()):
        raise SettingsInvalid((Problem(place, f"what {variable} holds has blanks, or is too long: copy it again"),))
    return replace(row, client_secret=secret, secret_variable=variable)


def _kept(row: SavedService, before: SavedService | None) -> Secret | None:
    # A client never follows its service to another server or issuer (docs/reference/oauth.md#client-binding).
    if before is None or before.client_id != row.client_id or not is_client_fitting(before, row):
        return None
    return before.client_secret


def is_renewed(row: SavedService, before: SavedService | None) -> bool:
    """Tell whether the secret of a client that is stored is another one now."""
    return before is not None and before.client_id == row.client_id and before.client_secret != row.client_secret


def list_differences(row: SavedService, probe: Probe) -> Iterator[Problem]:
    """Yield what a server says otherwise than the file: an approval is for what is written there."""
    place = f"services.{row.name}.added"
    hosts = ", ".join(probe.endpoint_hosts) or "none"
    issuer = probe.server.issuer if probe.server else None
    resource = probe.resource.resource if probe.resource else None
    if row.issuer != issuer:
        yield Problem(f"{place}.trusted_issuer", f"the server names {issuer or 'none'}")
    if set(row.endpoint_hosts) != set(probe.endpoint_hosts):
        yield Problem(f"{place}.endpoint_hosts", f"the server sends people and codes to {hosts}")
    if row.resource != resource:
        yield Problem(f"{place}.resource", f"the server names {resource or 'none'}")
    if probe.pins.pkce_unadvertised_ok and not row.pkce_unadvertised_ok:
        yield Problem(f"{place}.pkce_unadvertised_ok", "it does not say that it does PKCE S256; true only if it does")
    if row.registration is RegistrationKind.AUTO and probe.needs_client:
        yield Problem(f"{place}.registration", "it lets nobody register: make a client there, `pre_registered`")


def offer_of(probe: Probe, name: str, title: str) -> Offer:
    """Return what to write of a server that was looked at; where it needs a client, with a place for that."""
    if probe.server is None:
        registration = RegistrationKind.TOKEN
    else:
        registration = RegistrationKind.PRE_REGISTERED if probe.needs_client else RegistrationKind.AUTO
    added = {
        "title": title,
        "mcp_url": probe.mcp_url,
        "registration": registration,
        "trusted_issuer": probe.server.issuer if probe.server else None,
        "endpoint_hosts": probe.endpoint_hosts,
        "resource": probe.resource.resource if probe.resource else None,
        "pkce_unadvertised_ok": probe.pins.pkce_unadvertised_ok,
    }
    needs = registration is RegistrationKind.PRE_REGISTERED
    client = {"client_id": "ID-OF-YOUR-CLIENT", "client_secret": {"env": variable_of(name)}} if needs else None
    return checked(Offer, {"added": added, "client": client})
