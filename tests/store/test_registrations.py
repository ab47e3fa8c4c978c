"""One OAuth client per service, issuer and redirect address; the first one wins."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from store import registrations
from store.records import Secret
from tests.builders import NOON, a_registration


def key_of(registration):
    return registration.service, registration.issuer, registration.redirect_uri


async def test_the_first_registration_wins_and_the_second_gets_to_know_it(database):
    first = a_registration(
        client_secret=Secret("one"), auth_method="client_secret_basic", expires_at=NOON + timedelta(days=1)
    )
    async with database.transaction() as tx:
        assert await registrations.find(tx, *key_of(first)) is None
        assert await registrations.put_first(tx, first) == first
        assert await registrations.put_first(tx, a_registration(client_id="client_2")) == first
        assert await registrations.find(tx, *key_of(first)) == first


async def test_another_issuer_has_another_client(database):
    other = a_registration(issuer="https://other.example", client_id="client_2")
    async with database.transaction() as tx:
        await registrations.put_first(tx, a_registration())

        assert await registrations.put_first(tx, other) == other


async def test_dropping_a_client_spares_the_one_that_took_its_place(database):
    async with database.transaction() as tx:
        await registrations.put_first(tx, a_registration())
        await registrations.drop(tx, a_registration(client_id="older"))
        spared = await registrations.find(tx, *key_of(a_registration()))
        await registrations.drop(tx, a_registration())

        assert spared == a_registration()
        assert await registrations.find(tx, *key_of(a_registration())) is None


async def test_clients_survive_in_their_own_row_only(database):
    secret = a_registration(client_secret=Secret("one"), auth_method="client_secret_post")
    other = a_registration(issuer="https://other.example")
    async with database.transaction() as tx:
        await registrations.put_first(tx, secret)
        await registrations.put_first(tx, other)
        sealed = (
            await tx.connection.execute(text("SELECT client_secret FROM registrations WHERE client_secret <> ''"))
        ).scalar_one()
        await tx.connection.execute(text("UPDATE registrations SET client_secret = :sealed"), {"sealed": sealed})

        assert await registrations.find(tx, *key_of(secret)) == secret
        assert await registrations.find(tx, *key_of(other)) is None
        # It is forgotten: another takes its place.
        assert await registrations.put_first(tx, other) == other
