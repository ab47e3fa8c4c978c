"""`python -m bot doctor`: checks every setting, token, scope, address and id, and says how to fix what is wrong.

It changes nothing: it makes no migration, no agent and no message. Only `--repair` writes: it restores agents and
environments that somebody changed at the API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.doctor import agents, local, slack
from bot.doctor.findings import Finding, Findings, amiss, noted
from bot.doctor.targets import DoctorTargets, admitted
from bot.env import Settings
from bot.model.errors import AgentsRejected, DeputyError, SlackRejected, Unavailable
from store.errors import StoreError

Check = Callable[[DoctorTargets], Awaitable[Finding]]

CHECKS: dict[str, Check] = {**slack.CHECKS, **agents.CHECKS, **local.CHECKS}
FIXES = {**slack.FIXES, **agents.FIXES}
FIRST = "First start"
AFTER_A_START = frozenset(
    {"Agents and environments", "Vaults", "Public address", "Webhook", "Database", "Sealing keys"}
)
"""Checks of things that exist only once Deputy runs or has run."""
_NOT_STARTED = noted(
    "Deputy has never been started with this database",
    "start it, then run the doctor again: it will look at the database, the public address, agents and vaults too",
)
REFUSALS = {**FIXES, **slack.REFUSALS, **agents.REFUSALS}


async def examine(settings: Settings) -> Findings:
    """Run every check and return its finding; an outage is a finding too.

    Before the first start, one note stands in for the checks that make sense only after it.
    """
    async with admitted(settings) as targets:
        if await _is_new(targets):
            checks = {name: check for name, check in CHECKS.items() if name not in AFTER_A_START}
            return {name: await _looked(name, check, targets) for name, check in checks.items()} | {FIRST: _NOT_STARTED}
        return {name: await _looked(name, check, targets) for name, check in CHECKS.items()}


async def _is_new(targets: DoctorTargets) -> bool:
    try:
        return await targets.database.is_new()
    except StoreError:
        return False  # the check of the database reports it


async def _looked(name: str, check: Check, targets: DoctorTargets) -> Finding:
    fix = FIXES.get(name, "check this setting")
    try:
        return await check(targets)
    except Unavailable:
        # One check that meets an outage must not end the others.
        return amiss("no answer", "check the network and the address, then try again")
    except (SlackRejected, AgentsRejected) as error:
        return amiss(f"refused ({error.code})", REFUSALS.get(name, fix))
    except DeputyError as error:
        return amiss(type(error).__name__, fix)


async def mend(settings: Settings) -> tuple[str, ...]:
    """Restore agents and environments; return the names of the profiles that differed. Raises our errors."""
    async with admitted(settings) as targets:
        return await agents.repair_profiles(targets)
