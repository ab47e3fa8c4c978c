"""Doctor's checks of the installation itself: settings, public address, database, services."""

from __future__ import annotations

from bot.composition.peers import load_catalog
from bot.doctor.findings import Finding, amiss, noted, well
from bot.doctor.targets import DoctorTargets
from bot.model.errors import ConfigurationError, DeputyError
from bot.web import webhooks
from oauth.catalog.saved_services import merge
from oauth.errors import ConnectError
from oauth.protocol.http_messages import HttpRequest
from store import key_check
from store import services as saved_services
from store.errors import SchemaUnknown, StatementRefused, StoreError, StoreUnavailable
from store.records import SavedService

REACH = "start Deputy with these settings, and see that this address leads to it from outside"
START = "start Deputy once: it makes the tables itself and brings them up to date, or says what is wrong"
LOST_KEY = (
    "add the old key to DEPUTY_SECRET_KEYS again, last, and restart; if it is lost for good, start with "
    "DEPUTY_KEY_LOST=1 and type the clients' secrets of services in "
    "anew: the rest has been ended and told, and is gone after two days"
)
DATABASE_TROUBLES: dict[type[StoreError], str] = {
    StoreUnavailable: "cannot be reached",
    StatementRefused: "has other tables than ours",
    SchemaUnknown: "was made by a later version of Deputy",
}


async def settings(targets: DoctorTargets) -> Finding:
    """Check for settings that are valid by themselves and unwise together."""
    set_ = targets.settings
    if set_.allow_loopback and set_.public_url.startswith("https://"):
        return amiss("DEPUTY_ALLOW_LOOPBACK is on with a public address", "unset it: it is for simulators only")
    if set_.allow_loopback:
        return noted("for simulators: services may be on this machine", "unset DEPUTY_ALLOW_LOOPBACK in production")
    if set_.log_level == "debug":
        return noted("DEPUTY_LOG_LEVEL is debug: many lines", "set it to info when you have seen enough")
    return well("complete")


async def public_url(targets: DoctorTargets) -> Finding:
    """Request our own health page at the address that browsers use."""
    url = targets.settings.public_url
    try:
        answer = await targets.sender.send(HttpRequest("GET", f"{url}/healthz"))
    except ConnectError:
        return amiss(f"{url} does not answer", REACH)
    return well(f"{url} answers") if answer.status == 200 else amiss(f"{url} answers {answer.status}", REACH)


async def webhook(targets: DoctorTargets) -> Finding:
    """Check that Anthropic's webhooks can reach us, if there is a key to verify them with."""
    url = f"{targets.settings.public_url}{webhooks.PATH}"
    # A note and no failure: Deputy works without webhooks, it only learns later that a connection broke.
    if targets.settings.webhook_key is None:
        fix = f"make a webhook endpoint for {url} in Anthropic's console and set ANTHROPIC_WEBHOOK_SIGNING_KEY"
        return noted("off: that a connection broke is seen when it is used next", fix)
    try:
        # Our endpoint only takes POST, so a GET changes nothing, and 405 shows that it is ours.
        answer = await targets.sender.send(HttpRequest("GET", url))
    except ConnectError:
        return amiss(f"{url} does not answer", REACH)
    return well(f"{url} answers") if answer.status == 405 else amiss(f"{url} answers {answer.status}", REACH)


async def database(targets: DoctorTargets) -> Finding:
    """Check that the database opens, has this version's tables and is undamaged."""
    try:
        if not await targets.database.is_current():
            return amiss("has no tables of this version yet", START)
        damage = await targets.database.find_damage()
    except StoreError as error:
        # In words of our own, since a driver's message may contain the database's address and password.
        return amiss(DATABASE_TROUBLES.get(type(error), "cannot be used"), START)
    if damage:
        return amiss("it is damaged", "stop Deputy and restore the last backup (docs/operations.md)")
    return well("opens, tables are of this version, no damage")


async def sealing_keys(targets: DoctorTargets) -> Finding:
    """Try to open every sealed row with the keys that we have, as a start would have to."""
    try:
        async with targets.database.transaction() as tx:
            found = await key_check.look(tx)
    except StoreError:
        return amiss("not tried: the database cannot be read", "see the line about the database")
    if found.broken:
        return amiss(_unopened(found), LOST_KEY)
    return well(f"{len(targets.settings.secret_keys)}, they open all that is sealed")


def _unopened(found: key_check.Seals) -> str:
    count = len(found.broken)
    rows = "1 row does" if count == 1 else f"{count} rows do"
    return f"{rows} not open with the keys of DEPUTY_SECRET_KEYS, such as {found.broken[0]}"


async def services(targets: DoctorTargets) -> Finding:
    """List the services that members can connect, from the catalogue and what admins saved."""
    try:
        catalog = load_catalog(targets.settings)
    except ConfigurationError as error:
        return amiss("; ".join(error.problems), "correct the catalogue file")
    catalog.offer(merge(catalog.shipped.values(), await _saved_services(targets)))
    offered = [service.title for service in catalog.services if service.is_available]
    return well(", ".join(offered)) if offered else amiss("none", "add a service or a client for one")


async def _saved_services(targets: DoctorTargets) -> tuple[SavedService, ...]:
    """Return the services that admins saved; none if they cannot be read, which other checks report."""
    try:
        workspace_id = await targets.workspace_id()
        async with targets.database.transaction() as tx:
            return await saved_services.list_for(tx, workspace_id)
    except (DeputyError, StoreError):
        return ()


CHECKS = {
    "Settings": settings,
    "Public address": public_url,
    "Webhook": webhook,
    "Database": database,
    "Sealing keys": sealing_keys,
    "Services": services,
}
