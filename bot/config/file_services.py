"""The services in the settings file: those that admins added, and OAuth clients, with secrets by reference; pure.

`oauth.catalog.saved_services` stores them; `bot.domain.admin.config_file` checks them against the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from bot.config.items import Body, ItemChange, Key
from bot.config.model import Config, Line, Section, ServiceName, ServiceSettings, dump
from store.records import RegistrationKind, SavedService

KIND = "catalog"
"""The kind of these items: an addition to the catalogue, or a change of one of its entries, by name."""
Url = Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://[!-~]+$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,253}$")]
Scope = Annotated[str, StringConstraints(max_length=500, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,2048}$")]
# The prefix keeps a file from naming another secret of this process, which would be sent to the service.
Variable = Annotated[str, StringConstraints(pattern=r"^CLIENT_SECRET_[A-Z0-9_]{1,100}$")]
"""The name of an environment variable that holds a client's secret."""


class SecretReference(Section):
    """The place of a secret, which is never in the file itself."""

    env: Variable = Field(
        description="The environment variable that holds it where the file is applied. Where it is not set, the secret "
        "that is stored for this client stays."
    )

    @model_validator(mode="before")
    @classmethod
    def _is_reference(cls, given: object) -> object:
        # The most likely mistake is the secret itself, so it gets a message of its own.
        if isinstance(given, str):
            problem = "a secret is never written here; write {env: CLIENT_SECRET_NAME} and set that variable"
            raise ValueError(problem)  # noqa: TRY004  # Pydantic reports ValueErrors as problems, no TypeErrors
        return given


class FileClient(Section):
    """An OAuth client that an admin registered at the service."""

    client_id: ClientId
    client_secret: SecretReference | None = Field(default=None, description="Left out: a public client.")


class Added(Section):
    """A service added by URL, as a probe found it; `python -m bot config look URL` prints this."""

    title: Annotated[Line, Field(max_length=60)]
    mcp_url: Url = Field(description="Exactly as the service documents it.")
    manage_url: Url | None = Field(default=None, description="Where people take access back.")
    registration: RegistrationKind = Field(
        default=RegistrationKind.AUTO,
        description="`auto`: Deputy registers itself; `pre_registered`: with the client below; `token`: a personal "
        "token of each member.",
    )
    trusted_issuer: Url | None = Field(default=None, description="The one authorization server to believe.")
    endpoint_hosts: Annotated[tuple[HostName, ...], Field(max_length=50)] = Field(
        default=(), description="The only hosts on which its endpoints may be."
    )
    resource: Url | None = Field(default=None, description="The `resource` that its metadata must carry.")
    pkce_unadvertised_ok: bool = Field(
        default=False, description="It does PKCE S256 without saying so, and you know that."
    )

    @model_validator(mode="after")
    def _is_pinned(self) -> Self:
        if self.registration is not RegistrationKind.TOKEN and not self.trusted_issuer:
            raise ValueError("trusted_issuer: is missing; `python -m bot config look URL` says what to write")
        # Both pins together: the issuer alone could name any host for tokens and codes.
        if self.trusted_issuer and not self.endpoint_hosts:
            raise ValueError("endpoint_hosts: `trusted_issuer` needs them, or a false server could name any")
        return self


class Offer(Section):
    """A service beside the catalogue, or what replaces parts of its entry there."""

    added: Added | None = Field(default=None, description="Left out: it is one of the catalogue.")
    scopes: Annotated[tuple[Scope, ...], Field(max_length=100)] = Field(
        default=(), description="What to ask for; left out: what the catalogue or the service says."
    )
    client: FileClient | None = Field(default=None, description="Your own OAuth client.")

    @model_validator(mode="after")
    def _has_its_client(self) -> Self:
        needs = self.added is not None and self.added.registration is RegistrationKind.PRE_REGISTERED
        if self.added is not None and needs is not (self.client is not None):
            raise ValueError(
                "client: `registration: pre_registered` needs one" if needs else "client: is for `pre_registered` only"
            )
        return self


class FiledService(ServiceSettings, Offer):
    """Everything the file says of one service."""


class Document(Config):
    """Everything that admins set, for one workspace."""

    services: Mapping[ServiceName, FiledService] = {}

    @property
    def config(self) -> Config:
        """Return the settings in the document; services that only have an offer are left out."""
        settings = {
            name: ServiceSettings.model_validate(_part(one, ServiceSettings)) for name, one in self.services.items()
        }
        # A service that is only on offer has no settings, and must not look like a change of them.
        kept = {name: one for name, one in settings.items() if one != ServiceSettings() or name not in self.offers}
        return Config.model_validate({**_part(self, Config), "services": kept})

    @property
    def offers(self) -> Mapping[str, Offer]:
        """Return the offers in the document, by the service's name."""
        found = {name: Offer.model_validate(_part(one, Offer)) for name, one in self.services.items()}
        return {name: offer for name, offer in found.items() if offer != Offer()}


def joined(config: Config, offers: Mapping[str, Offer]) -> Document:
    """Return settings and offers as one document."""
    services = {
        name: FiledService.model_validate(
            {**_part(config.service(name), ServiceSettings), **_part(offers.get(name, Offer()), Offer)}
        )
        for name in {*config.services, *offers}
    }
    return Document.model_validate({**_part(config, Config), "services": services})


def offers_of(rows: Iterable[SavedService]) -> dict[str, Offer]:
    """Return the stored services as offers; in place of each secret, the name of the variable that should hold it."""
    found: dict[str, Offer] = {}
    # Names that admins chose come first; made-up ones must not collide with them.
    taken = {row.secret_variable for row in rows if row.secret_variable}
    for row in sorted(rows, key=lambda row: row.name):
        variable = row.secret_variable or _free_variable(row.name, taken)
        taken.add(variable)
        offer = Offer(added=_added(row), scopes=row.scopes, client=_client(row, variable))
        if offer != Offer():
            found[row.name] = offer
    return found


def offer_changes(
    before: Mapping[str, Offer], after: Mapping[str, Offer], renewed: Collection[str]
) -> tuple[ItemChange, ...]:
    """Return the changes from one set of offers to another; `renewed` names services whose secret is a new one."""
    names = sorted({*before, *after})
    changes = [ItemChange(Key(KIND, name), _body(before.get(name)), _body(after.get(name))) for name in names]
    marked = [_marked(change) if change.key.name in renewed else change for change in changes]
    return tuple(change for change in marked if change.before != change.after)


# A secret is in neither body, so a change of nothing else would look like no change.
def _marked(change: ItemChange) -> ItemChange:
    if change.after is None or change.before is None:
        return change
    return ItemChange(change.key, change.before, {**change.after, "secret": "another one"})


def _body(offer: Offer | None) -> Body | None:
    return None if offer is None else dump(offer)


def _part(whole: Section, part: type[Section]) -> dict[str, object]:
    return {name: getattr(whole, name) for name in part.model_fields}


def _added(row: SavedService) -> Added | None:
    if row.is_shipped:
        return None
    return Added(
        title=row.title,
        mcp_url=row.mcp_url,
        manage_url=row.manage_url,
        registration=row.registration,
        trusted_issuer=row.issuer,
        endpoint_hosts=row.endpoint_hosts,
        resource=row.resource,
        pkce_unadvertised_ok=row.pkce_unadvertised_ok,
    )


def _client(row: SavedService, variable: str) -> FileClient | None:
    if row.client_id is None:
        return None
    return FileClient(
        client_id=row.client_id, client_secret=SecretReference(env=variable) if row.client_secret else None
    )


def variable_of(name: str) -> str:
    """Return the default name of the variable for a service's client secret."""
    return f"CLIENT_SECRET_{name.upper().replace('-', '_')}"


def _free_variable(name: str, taken: set[str]) -> str:
    """Return a free variable name; `my-app` and `my_app` must not share the same one."""
    wanted = variable_of(name)
    numbered = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (wanted, *numbered) if one not in taken)
