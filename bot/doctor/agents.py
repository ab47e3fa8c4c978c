"""Doctor's checks of the Managed Agents API: the key, the profiles, and which vault belongs to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.agents import facts
from bot.agents.client import is_anothers_answer
from bot.agents.facts import ListedVault
from bot.agents.profile_drift import find_drift, repair
from bot.config.model import Profile
from bot.config_cli import opened
from bot.doctor.findings import Finding, amiss, well
from bot.doctor.targets import DoctorTargets
from bot.domain.ports import ProfileSpec
from bot.domain.sessions.agent_profiles import build_spec
from bot.model.errors import AgentsRejected, ConfigurationError
from store import profiles, vaults
from store.errors import StoreError
from store.records import SavedProfile, Vault

START = "start Deputy: it saves the profile again"
NO_STORE = "see the line about the database"


async def key(targets: DoctorTargets) -> Finding:
    """Check the key."""
    try:
        await facts.check_key(targets.agents)
    except AgentsRejected as error:
        # A wrong address answers 404 or HTML, which must not be blamed on the key.
        if not is_anothers_answer(error):
            raise
        return amiss(f"the address does not answer like the Managed Agents API ({error.code})", FIX_ADDRESS)
    return well("has access to Managed Agents")


async def saved_profiles(targets: DoctorTargets) -> Finding:
    """Compare the agent and the environment of each profile with our settings."""
    try:
        drifts = await find_drifts(targets)
    except (StoreError, ConfigurationError):
        return amiss("not compared: our settings cannot be read", "see the lines about Slack's token and the database")
    if not drifts:
        return amiss("not made yet", START)
    if problems := [f"{one.saved.name}: {', '.join(one.differs)}" for one in drifts if one.differs]:
        return amiss("; ".join(problems), FIXES["Agents and environments"])
    return well(", ".join(f"{one.saved.name}: {one.saved.agent_id} v{one.saved.agent_version}" for one in drifts))


@dataclass(frozen=True, slots=True)
class Drift:
    """A profile by our settings and as it was saved, and what differs at the API."""

    spec: ProfileSpec
    saved: SavedProfile
    differs: tuple[str, ...]


async def find_drifts(targets: DoctorTargets) -> tuple[Drift, ...]:
    """Compare every saved profile with the API. Raises our errors, also those of the store."""
    async with targets.database.transaction() as tx:
        saved = await profiles.list_all(tx)
    async with opened(targets.settings) as commands:
        config = await commands.read()
    # A saved profile that admins have removed since is compared with the defaults that it falls back to.
    specs = [build_spec(one.name, config.profile(one.name) or Profile(), targets.settings.model) for one in saved]
    pairs = zip(specs, saved, strict=True)
    return tuple([Drift(spec, one, await find_drift(targets.agents, spec, one)) for spec, one in pairs])


async def repair_profiles(targets: DoctorTargets) -> tuple[str, ...]:
    """Restore agents and environments as our settings have them; return the names of the profiles that differed."""
    drifted = [drift for drift in await find_drifts(targets) if drift.differs]
    for drift in drifted:
        now = await repair(targets.agents, drift.spec, drift.saved)
        async with targets.database.transaction() as tx:
            await profiles.save(tx, now)
    return tuple(drift.saved.name for drift in drifted)


async def vault_mapping(targets: DoctorTargets) -> Finding:
    """Compare our table of members and vaults with the API's list."""
    try:
        async with targets.database.transaction() as tx:
            known = await vaults.list_active(tx)
    except StoreError:
        return amiss("not compared: the map cannot be read", NO_STORE)
    listed = await facts.fetch_vaults(targets.agents)
    if problems := tuple(compare(known, listed)):
        return amiss("; ".join(problems), FIXES["Vaults"])
    return well(f"{len(known)}, each with its own member")


def compare(known: Iterable[Vault], listed: Iterable[ListedVault]) -> Iterator[str]:
    """Yield what does not match, in words; pure. Vaults without an owner in their metadata are not Deputy's."""
    # By member and never by vault id: whoever reads the doctor's output could use a vault id with the API key.
    ours = {vault.vault_id: external_id(vault) for vault in known}
    theirs = {vault.id: vault.owner for vault in listed}
    if gone := sorted(owner for vault_id, owner in ours.items() if vault_id not in theirs):
        yield f"gone at the API: {_people(gone)}"
    if wrong := sorted(owner for vault_id, owner in ours.items() if theirs.get(str(vault_id), owner) != owner):
        yield f"marked as another's at the API: {_people(wrong)}"
    counts = Counter(owner for owner in theirs.values() if owner)
    if doubled := sorted(owner for owner, count in counts.items() if count > 1):
        yield f"several vaults of one member: {_people(doubled)}"
    if lost := sorted(counts.keys() - set(doubled) - set(ours.values())):
        yield f"at the API only, of nobody we know: {_people(lost)}"


def external_id(vault: Vault) -> str:
    """Return the owner as it stands in a vault's metadata: `<workspace>/<user>`."""
    return f"{vault.owner.workspace_id}/{vault.owner.user_id}"


def _people(owners: list[str], most: int = 5) -> str:
    rest = f" and {len(owners) - most} more" if len(owners) > most else ""
    return ", ".join(owners[:most]) + rest


FIX_ADDRESS = "correct ANTHROPIC_BASE_URL, or unset it: the key was not looked at"
FIXES = {
    "Anthropic key": "make a key in the workspace that is Deputy's own, with access to Managed Agents",
    "Agents and environments": "if the change was not meant, `python -m bot doctor --repair` brings them back",
    "Vaults": "members whose vault is gone connect again; in the Console, archive vaults named `Deputy …` that are"
    " doubled or of nobody; if one is marked as another's, pause Deputy and see docs/operations.md",
}
REFUSALS = dict.fromkeys(("Agents and environments", "Vaults"), "see the line about Anthropic's key")
"""Fixes for checks that the API refuses: the cause is in another check."""
CHECKS = {"Anthropic key": key, "Agents and environments": saved_profiles, "Vaults": vault_mapping}
