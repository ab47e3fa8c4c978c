"""What the doctor looks at in the Managed Agents API: the key, the profiles, whose vault is whose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from bot.agents import checks
from bot.agents.checks import ListedVault
from bot.doctor.findings import Finding, amiss, well
from bot.doctor.patient import Patient
from store import profiles, vaults
from store.errors import StoreError
from store.records import Vault

START = "start Deputy: it saves the profile again"
NO_STORE = "see the line about the database"


async def key(patient: Patient) -> Finding:
    """Look at the key."""
    await checks.check_key(patient.agents)
    return well("has access to Managed Agents")


async def saved_profiles(patient: Patient) -> Finding:
    """Look at the agent and the environment of each profile."""
    try:
        async with patient.database.transaction() as tx:
            saved = await profiles.list_all(tx)
    except StoreError:
        saved = ()
    if not saved:
        return amiss("not made yet", START)
    drifts = {one.name: await checks.fetch_drift(patient.agents, one) for one in saved}
    if problems := [f"{name}: {drift}" for name, drift in drifts.items() if drift]:
        return amiss("; ".join(problems), START)
    return well(", ".join(f"{one.name}: {one.agent_id} v{one.agent_version}, {one.environment_id}" for one in saved))


async def vault_mapping(patient: Patient) -> Finding:
    """Hold our map of members and vaults against the API's own list."""
    try:
        async with patient.database.transaction() as tx:
            known = await vaults.list_active(tx)
    except StoreError:
        return amiss("not compared: the map cannot be read", NO_STORE)
    listed = await checks.fetch_vaults(patient.agents)
    if problems := tuple(compare(known, listed)):
        return amiss("; ".join(problems), FIXES["Vaults"])
    return well(f"{len(known)}, each with its own member")


def compare(known: Iterable[Vault], listed: Iterable[ListedVault]) -> Iterator[str]:
    """Yield what does not fit, by member, never by vault: pure. Vaults that Deputy did not make are not its concern."""
    ours = {vault.vault_id: external_id(vault) for vault in known}
    theirs = {vault.id: vault for vault in listed if vault.marker}
    gone = sorted(owner for vault_id, owner in ours.items() if vault_id not in theirs)
    if gone:
        yield f"gone at the API: {_people(gone)}"
    wrong = sorted(
        owner for vault_id, owner in ours.items() if vault_id in theirs and theirs[vault_id].external_user_id != owner
    )
    if wrong:
        yield f"marked as another's at the API: {_people(wrong)}"
    counts = Counter(vault.external_user_id for vault in theirs.values())
    if doubled := sorted(owner for owner, count in counts.items() if count > 1):
        yield f"several vaults of one member: {_people(doubled)}"
    strays = {vault.external_user_id for vault_id, vault in theirs.items() if vault_id not in ours}
    if lost := sorted(strays - set(doubled) - set(ours.values())):
        yield f"at the API only, of nobody we know: {_people(lost)}"


def external_id(vault: Vault) -> str:
    """Return how the API names the owner of a vault: `<workspace>/<user>`."""
    return f"{vault.owner.workspace_id}/{vault.owner.user_id}"


def _people(owners: list[str], most: int = 5) -> str:
    rest = f" and {len(owners) - most} more" if len(owners) > most else ""
    return ", ".join(owner or "nobody" for owner in owners[:most]) + rest


FIXES = {
    "Anthropic key": "make a key in the workspace that is Deputy's own, with access to Managed Agents",
    "Agents and environments": START,
    "Vaults": "members whose vault is gone connect again; in the Console, archive vaults named `Deputy …` that are"
    " doubled or of nobody; if one is marked as another's, pause Deputy and see docs/operations.md",
}
CHECKS = {"Anthropic key": key, "Agents and environments": saved_profiles, "Vaults": vault_mapping}
