"""The form for your own OAuth client at a service in the catalogue.

A secret that is typed here passes through Slack; the settings' file names an environment variable instead
(docs/decisions/0029-a-client-secret-may-be-typed.md).
"""

from __future__ import annotations

from bot.config.validation_messages import CLIENT_ID_MISSING
from bot.domain.admin.queries import AdminQueries
from bot.domain.context import DomainContext
from bot.model.commands import SubmitSettings
from bot.model.config_views import ClientForm, ConfigNotice, Panel, Wrong
from bot.model.errors import NotPermitted, Refusal, Refused
from oauth.catalog.saved_services import SavedServices
from oauth.errors import DraftInvalid, ServiceChanged, UnknownService
from oauth.protocol.registration import PreRegistered
from store.records import Secret, ServiceName

CLIENT_ID, CLIENT_SECRET, SCOPES = "settings.client_id", "settings.client_secret", "settings.scopes"  # names of fields


class OAuthClientForms:
    """The form with a service's client and scopes."""

    def __init__(
        self, context: DomainContext, *, services: SavedServices, queries: AdminQueries, base_url: str
    ) -> None:
        self._catalog, self._supervisor = context.catalog, context.supervisor
        self._services = services
        self._queries = queries
        self._base_url = base_url

    async def panel(self, name: str) -> Panel:
        """Return the form as things are. Raises `NotPermitted` for a service that takes no client of ours."""
        shipped = self._catalog.shipped.get(ServiceName(name))
        if shipped is None or shipped.pins.trusted_issuer is None:
            raise NotPermitted(Refused(Refusal.GONE))
        saved = await self._services.find_saved(shipped.name)
        return ClientForm(
            service=name,
            title=shipped.title,
            redirect_uri=f"{self._base_url}/oauth/callback/{name}",
            client_id=saved.client_id or "" if saved else "",
            has_secret=bool(saved and saved.client_secret),
            scopes=" ".join(saved.scopes if saved else ()),
            version=saved.version if saved else 0,
            note=shipped.note or "",
        )

    async def submit(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Save it. Raises `NotPermitted` where somebody was faster, or the service is gone."""
        name, version = ServiceName(str(command.metadata.get("service") or "")), command.metadata.get("version")
        client_id, secret = _text(command, CLIENT_ID), _text(command, CLIENT_SECRET)
        saved = await self._services.find_saved(name)
        known = (saved.client_id or "") if saved else ""
        # A field that was too long to be shown keeps its value.
        is_shown = SCOPES in command.values or saved is None
        scopes = tuple(_text(command, SCOPES).split()) if is_shown else saved.scopes if saved else ()
        if not client_id and (secret or known):
            return Wrong({CLIENT_ID: CLIENT_ID_MISSING})
        # The same client without a secret typed again keeps the one it has.
        is_kept = client_id == known and not secret
        client = None if is_kept else PreRegistered(client_id, Secret(secret) if secret else None)
        try:
            await self._services.configure(
                command.member,
                name,
                client=client,
                scopes=scopes,
                version=version if isinstance(version, int) else -1,
            )
        except DraftInvalid as error:
            return Wrong({f"settings.{field}": problem for field, problem in error.problems.items()})
        except ServiceChanged as error:
            raise NotPermitted(Refused(Refusal.SETTING_CHANGED)) from error
        except UnknownService as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error
        if command.previous_view_id:
            self._supervisor.start(lambda: self._queries.refresh(command, "services", ConfigNotice.SAVED))
        return None


def _text(command: SubmitSettings, block: str) -> str:
    value = command.values.get(block)
    return value.strip() if isinstance(value, str) else ""
