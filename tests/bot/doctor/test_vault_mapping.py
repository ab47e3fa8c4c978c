"""Whose vault is whose, ours against the API's: by member, never by vault."""

from bot.agents.facts import ListedVault
from bot.doctor.agents import compare
from store.records import Vault, VaultId, VaultState
from tests.builders import a_member


def vault(user: str, number: str = "1") -> Vault:
    return Vault(f"vlm_{user}{number}", a_member(user), VaultState.ACTIVE, VaultId(f"vlt_{user}{number}"))


def listed(user: str, number: str = "1", *, claims: str | None = None) -> ListedVault:
    owner = user if claims is None else claims
    return ListedVault(f"vlt_{user}{number}", f"{a_member(user).workspace_id}/{owner}" if owner else "")


def told(known, at_api) -> str:
    return "; ".join(compare(known, at_api)).replace(f"{a_member('A').workspace_id}/", "")


def test_a_vault_each_is_well():
    assert told([vault("A"), vault("B")], [listed("B"), listed("A")]) == ""


def test_vaults_that_claim_nobody_are_not_our_concern():
    assert told([vault("A")], [listed("A"), listed("X", claims="")]) == ""


def test_what_does_not_fit_is_named_by_member():
    assert told([vault("A")], []) == "gone at the API: A"
    assert told([vault("A")], [listed("A", claims="")]) == "marked as another's at the API: A"
    assert told([vault("A")], [listed("A"), listed("A", "2")]) == "several vaults of one member: A"
    assert told([], [listed("C")]) == "at the API only, of nobody we know: C"
    assert told([vault("A"), vault("B")], [listed("A", claims="B"), listed("B")]) == (
        "marked as another's at the API: A; several vaults of one member: B"
    )


def test_many_are_counted():
    assert told([vault(user) for user in "ABCDEFG"], []) == "gone at the API: A, B, C, D, E and 2 more"
