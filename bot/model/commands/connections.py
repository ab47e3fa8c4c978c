"""Commands that make, end and check connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bot.model.commands.place import Place
from bot.model.commands.traits import CommandTraits
from store.records import CredentialId, Member, Secret, ServiceName, TicketId, VaultId


@dataclass(frozen=True, slots=True)
class ConnectService(CommandTraits):
    """Send the member a link to connect a service; None shows a picker."""

    member: Member
    service: ServiceName | str | None
    place: Place


@dataclass(frozen=True, slots=True)
class OpenCodeForm(CommandTraits):
    """Open the form for the code that the member's browser shows."""

    needs_trigger: ClassVar[bool] = True
    member: Member
    ticket_id: TicketId
    trigger_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class ConfirmCode(CommandTraits):
    """The member typed the code that their browser shows."""

    member: Member
    ticket_id: TicketId
    code: str
    place: Place


@dataclass(frozen=True, slots=True)
class DisconnectService(CommandTraits):
    """Delete the member's credential for a service."""

    member: Member
    service: ServiceName | str | None
    place: Place


@dataclass(frozen=True, slots=True)
class OpenTokenForm(CommandTraits):
    """Open the form for a personal token."""

    needs_trigger: ClassVar[bool] = True
    member: Member
    service: str
    trigger_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class GiveToken(CommandTraits):
    """Connect a service with a personal token from the form."""

    member: Member
    service: str
    token: Secret | None
    """Never stored: the codec leaves it out, so it is None if the request is read back after a crash."""
    place: Place


@dataclass(frozen=True, slots=True)
class RefuseToken(CommandTraits):
    """The member typed something that looks like a token into a command; the words themselves are dropped."""

    member: Member
    place: Place


@dataclass(frozen=True, slots=True)
class LookAtCredential(CommandTraits):
    """A webhook says that something happened to this credential: check whether it still works.

    The id only selects a row of ours, if there is one; nobody acts with it.
    """

    credential_id: CredentialId


@dataclass(frozen=True, slots=True)
class LookAtVault(CommandTraits):
    """Like `LookAtCredential`, for every connection in one vault."""

    vault_id: VaultId
