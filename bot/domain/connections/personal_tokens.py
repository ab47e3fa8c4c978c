"""Personal tokens in Slack: the card that asks for one, the form, and the result.

A token is taken from the form only. It goes to the vault at once and is never stored, not even with the stored request
(docs/decisions/0018-a-personal-token-is-never-stored.md). One that is typed into a command is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from bot.domain.access import policy
from bot.domain.access.admission import Admission
from bot.domain.connections.expiry import ConnectionExpiry
from bot.domain.context import DomainContext
from bot.model.commands import GiveToken, OpenTokenForm, RefuseToken
from bot.model.errors import GIVEN_MAX, Misunderstood, NotPermitted, Refusal, Refused
from bot.model.notices import Connected, ConnectFailed, ServiceChoice
from oauth import errors
from oauth.catalog.service import Service
from oauth.connect.attempt_store import describe
from oauth.connect.personal_tokens import PersonalTokens
from oauth.ports import Failure
from store import connections, deliveries
from store.records import Connection, ConnectionState, DeliveryId, Member, Secret, ServiceName

log = structlog.get_logger(__name__)

_FAILURES: dict[type[errors.ConnectError], Failure] = {
    errors.TokenUnreadable: Failure.TOKEN_UNREADABLE,
    errors.CredentialRefused: Failure.TOKEN_REFUSED,
    errors.CredentialNotStored: Failure.VAULT,
    errors.NoRoom: Failure.VAULT_FULL,
}


class PersonalTokenForms:
    """The commands about personal tokens."""

    def __init__(
        self, context: DomainContext, *, personal: PersonalTokens, admission: Admission, expiry: ConnectionExpiry
    ) -> None:
        self._database, self._screen = context.database, context.screen
        self._new_reference = context.supervisor.new_reference
        self._personal = personal
        self._admission = admission
        self._expiry = expiry

    async def open_form(self, command: OpenTokenForm) -> None:
        """Open the form for a token if the member may connect the service."""
        service = await self._allowed(command.member, command.service)
        await self._screen.ask_token(command.trigger_id, _choice(service), service.mcp_url, service.token_page)

    async def give(self, command: GiveToken, delivery_id: DeliveryId) -> None:
        """Connect with the token from the form, and tell the member by direct message."""
        service = await self._allowed(command.member, command.service)
        if command.token is not None:
            return await self._connect(command.member, service, command.token)
        # Read back after a crash: the request was stored, its token was not.
        if made := await self._made_before(command.member, service, delivery_id):
            return await self._connected(command.member, service, made)
        return await self._failed(command.member, service, Failure.TOKEN_LOST)

    async def _made_before(self, member: Member, service: Service, delivery_id: DeliveryId) -> Connection | None:
        """Return the connection that this request made before a crash, None if it made none."""
        async with self._database.transaction() as tx:
            connection = await connections.find(tx, member, service.name)
            delivery = await deliveries.find_received(tx, delivery_id)
        if connection is None or delivery is None or connection.state is not ConnectionState.CONNECTED:
            return None
        # An older connection was made by another request.
        return connection if connection.connected_at >= delivery.received_at else None

    @staticmethod
    async def refuse(_command: RefuseToken) -> None:
        """Raise the refusal that says where tokens belong and what to do with this one."""
        raise NotPermitted(Refused(Refusal.TOKEN_IN_WORDS))

    async def _connect(self, member: Member, service: Service, token: Secret) -> None:
        try:
            connection = await self._personal.connect(member, service.name, token)
        except errors.ConnectError as error:
            return await self._failed(member, service, _failure_of(error), describe(error))
        return await self._connected(member, service, connection)

    async def _connected(self, member: Member, service: Service, connection: Connection) -> None:
        offers = await self._expiry.offers(member)
        log.info("connect.connected", service=service.name)
        await self._screen.message(member, Connected(_choice(service, connection), connection.account, offers))

    async def _failed(
        self, member: Member, service: Service, failure: Failure, data: Mapping[str, str] | None = None
    ) -> None:
        # The member gets the reference, and the log the facts, none of which is the token.
        reference = self._new_reference()
        log.warning("connect.failed", service=service.name, failure=failure, reference=reference, **(data or {}))
        await self._screen.message(member, ConnectFailed(_choice(service), failure, reference))

    async def _allowed(self, member: Member, name: str) -> Service:
        try:
            service = self._personal.get_service(ServiceName(name))
        except errors.ConnectError as error:
            raise Misunderstood("service", name[:GIVEN_MAX]) from error
        policy.require((await self._admission.connecting(member))(service.name))
        return service


def _failure_of(error: errors.ConnectError) -> Failure:
    if isinstance(error, errors.NotPermittedNow):
        return error.reason
    return _FAILURES.get(type(error), Failure.SERVICE)


def _choice(service: Service, connection: Connection | None = None) -> ServiceChoice:
    return ServiceChoice(service.name, service.title, connection)
