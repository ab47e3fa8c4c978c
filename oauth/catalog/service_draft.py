"""What an admin types to add a service, combined with what the probe found; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from oauth.catalog.probe import Probe
from oauth.catalog.service import NAME
from oauth.errors import DraftInvalid, ServiceChanged, UrlRefused
from oauth.protocol.registration import PreRegistered
from oauth.protocol.url_policy import UrlPolicy, get_origin, require_url
from store.records import Member, RegistrationKind, SavedService, ServiceName

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3
_VISIBLE = re.compile(r"[\x21-\x7e]{1,2048}")
LONGEST_TITLE = 60  # characters: with a verb before it, it fits a button of Slack's (75)
_MOST_SCOPES = 100


@dataclass(frozen=True, slots=True)
class ServiceDraft:
    """A service as an admin typed it, not yet probed."""

    name: str
    title: str
    mcp_url: str
    registration: RegistrationKind = RegistrationKind.AUTO
    scopes: tuple[str, ...] = ()
    client: PreRegistered | None = None
    """None keeps the saved client if it belongs to the same origin and issuer."""
    manage_url: str | None = None
    version: int = 0
    """The version that the admin saw; 0 for a new service."""


def require_draft(draft: ServiceDraft, policy: UrlPolicy) -> None:
    """Raise `DraftInvalid` with the problem of each invalid field, in words that a form can show."""
    problems = {
        "name": None if NAME.fullmatch(draft.name) else "use a-z, 0-9, - and _, at most 64",
        "title": _title_problem(draft.title),
        "mcp_url": _url_problem(draft.mcp_url, policy),
        "manage_url": _url_problem(draft.manage_url, policy) if draft.manage_url else None,
        "scopes": _scopes_problem(draft.scopes),
        "client_id": _client_problem(draft.client),
    }
    found = {field: problem for field, problem in problems.items() if problem}
    if found:
        raise DraftInvalid(found)


def _title_problem(title: str) -> str | None:
    is_fine = bool(title.strip()) and title.isprintable() and len(title) <= LONGEST_TITLE
    return None if is_fine else f"write a title of at most {LONGEST_TITLE} characters"


def _url_problem(url: str, policy: UrlPolicy) -> str | None:
    try:
        require_url(url, policy)
    except UrlRefused as error:
        return f"this address cannot be used: {error.rule}"
    return None


def _scopes_problem(scopes: tuple[str, ...]) -> str | None:
    wrong = [scope for scope in scopes if not _SCOPE.fullmatch(scope)]
    if wrong or len(scopes) > _MOST_SCOPES:
        return "write scopes with blanks between them, as the service's documentation names them"
    return None


def _client_problem(client: PreRegistered | None) -> str | None:
    if client is None:
        return None
    values = [client.client_id, *([client.client_secret.reveal()] if client.client_secret else [])]
    # Stricter than RFC 6749 appendix A.1, which allows blanks: here they come from copying.
    return None if all(_VISIBLE.fullmatch(value) for value in values) else "copy client id and secret without blanks"


def build_saved(
    draft: ServiceDraft, probe: Probe, before: SavedService | None, by: Member, now: datetime
) -> SavedService:
    """Return the service to save: what was typed, with pins from the probe (docs/decisions/0020).

    Raises `DraftInvalid` where the server does not support the chosen registration, and
    `ServiceChanged` where the saved version is not the one that the admin saw.
    """
    if (before.version if before else 0) != draft.version:
        raise ServiceChanged(draft.name, before.version if before else 0)
    issuer = probe.server.issuer if probe.server else None
    client = draft.client or _kept_client(before, probe, issuer)
    _require_way(draft, probe, client)
    has_client = draft.registration is RegistrationKind.PRE_REGISTERED and client is not None
    return SavedService(
        workspace_id=by.workspace_id,
        name=ServiceName(draft.name),
        title=draft.title.strip(),
        mcp_url=draft.mcp_url,
        is_shipped=False,
        registration=draft.registration,
        approved_by=by.user_id,
        approved_at=now,
        manage_url=draft.manage_url,
        issuer=issuer,
        resource=probe.resource.resource if probe.resource else None,
        endpoint_hosts=probe.endpoint_hosts,
        pkce_unadvertised_ok=probe.pins.pkce_unadvertised_ok,
        scopes=draft.scopes,
        client_id=client.client_id if has_client and client else None,
        client_secret=client.client_secret if has_client and client else None,
        secret_variable=before.secret_variable if has_client and before and draft.client is None else None,
        shown=probe.fingerprint,
        version=draft.version,
    )


def _kept_client(before: SavedService | None, probe: Probe, issuer: str | None) -> PreRegistered | None:
    # A client is bound to service, origin and issuer, and does not follow the service to another one
    # (docs/reference/oauth.md#client-binding).
    if before is None or before.client_id is None or before.issuer != issuer:
        return None
    if get_origin(before.mcp_url) != get_origin(probe.mcp_url):
        return None
    return PreRegistered(before.client_id, before.client_secret)


def _require_way(draft: ServiceDraft, probe: Probe, client: PreRegistered | None) -> None:
    if draft.registration is not RegistrationKind.TOKEN and probe.server is None:
        raise DraftInvalid({"registration": "this server has no sign-in of its own: choose a personal token"})
    if draft.registration is RegistrationKind.AUTO and probe.needs_client:
        raise DraftInvalid(
            {"registration": "this server does not let us register: make a client there, and choose that"}
        )
    if draft.registration is RegistrationKind.PRE_REGISTERED and client is None:
        raise DraftInvalid({"client_id": "write the id of the client that you made at the service"})
