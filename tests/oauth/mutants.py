"""`make mutants`: take a control away, see the test that names it fail, put it back.

Each mutant is one control of docs/oauth-threats.md, taken out of a copy of the tree by changing a line.
The test of that control must pass before and fail after; the last line is `N killed, M survived`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.process import unmeasured

ROOT = Path(__file__).parents[2]
COPIED = ("bot", "oauth", "store", "simulator", "tests", "pyproject.toml")
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """A control, by the number of its attack; `old` stands once in `path` and becomes `new`."""

    number: int
    control: str
    path: str
    old: str
    new: str
    test: str


ATTACKS, OF_HTTP, OF_DISCOVERY = (
    "tests/oauth/test_attacks.py",
    "tests/oauth/test_guarded_http.py",
    "tests/oauth/protocol/test_discovery.py",
)
MUTANTS = (
    Mutant(
        1,
        "services are https",
        "oauth/protocol/url_policy.py",
        'if parts.scheme != "https":',
        'if parts.scheme != "https" and not parts.scheme:',
        "tests/oauth/protocol/test_url_policy.py::test_a_url_against_the_rules_is_refused",
    ),
    Mutant(
        11,
        "one bad address refuses the host",
        "oauth/guarded_http.py",
        "if not all(is_allowed_address(",
        "if not any(is_allowed_address(",
        f"{OF_HTTP}::test_one_address_that_is_not_public_refuses_the_host",
    ),
    Mutant(
        12,
        "the vetted address is dialled, not the name",
        "oauth/guarded_http.py",
        "connect_tcp(str(address), port,",
        "connect_tcp(host, port,",
        f"{OF_HTTP}::test_the_vetted_address_is_the_one_that_is_dialled",
    ),
    Mutant(
        13,
        "no redirect is followed",
        "oauth/guarded_http.py",
        "follow_redirects=False,",
        "follow_redirects=True,",
        f"{OF_HTTP}::test_a_redirect_is_an_answer_and_nobody_follows_it",
    ),
    Mutant(
        15,
        "an answer has an end",
        "oauth/guarded_http.py",
        "if len(body) > _LARGEST:",
        "if len(body) > _LARGEST * 10_000:",
        f"{OF_HTTP}::test_a_large_answer_is_cut_off",
    ),
    Mutant(
        24,
        "a resource is the server's own",
        "oauth/protocol/discovery.py",
        "if not is_resource_of(resource, mcp_url):",
        "if not is_resource_of(resource, resource):",
        f"{OF_DISCOVERY}::test_resource_metadata_against_the_rules_is_refused",
    ),
    Mutant(
        28,
        "the issuer is identical to the letter",
        "oauth/protocol/discovery.py",
        'if document.get("issuer") != (pins.trusted_issuer or issuer):',
        'if not str(document.get("issuer")):',
        f"{OF_DISCOVERY}::test_an_issuer_that_differs_by_one_character_is_refused",
    ),
    Mutant(
        29,
        "PKCE is advertised",
        "oauth/protocol/discovery.py",
        'if "S256" not in methods:',
        'if "S256" not in (*methods, "S256"):',
        f"{OF_DISCOVERY}::test_without_s256_advertised_we_refuse",
    ),
    Mutant(
        32,
        "a configured client is its issuer's",
        "oauth/protocol/registration.py",
        "if client.trusted_issuer != server.issuer:",
        "if client.trusted_issuer is None:",
        "tests/oauth/protocol/test_registration.py::test_another_issuer_never_gets_the_configured_client",
    ),
    Mutant(
        41,
        "a link expires",
        "oauth/connect/attempt_store.py",
        "    if ticket.expires_at <= now:\n        raise TicketUnusable(Reason.EXPIRED)\n    return ticket",
        "    return ticket",
        f"{ATTACKS}::test_an_expired_link_says_so",
    ),
    Mutant(
        42,
        "only a POST starts",
        "oauth/connect/routes.py",
        'doors.guarded(doors.start), methods=["POST"]',
        'doors.guarded(doors.start), methods=["POST", "GET", "PUT", "DELETE"]',
        f"{ATTACKS}::test_only_a_post_starts",
    ),
    Mutant(
        43,
        "the form is our own",
        "oauth/connect/routes.py",
        'if request.headers.get("origin") != self._origin or site != "same-origin":',
        "if not site:",
        f"{ATTACKS}::test_a_form_from_elsewhere_does_not_start",
    ),
    Mutant(
        44,
        "the browser's member is the link's owner",
        "oauth/connect/authorize.py",
        "if build_member(proof, attempt.ticket.owner) is None:",
        "if not proof.user_id:",
        "tests/oauth/test_journeys.py::test_a_forwarded_link_connects_nobody_and_its_owner_is_told",
    ),
    Mutant(
        45,
        "a callback comes back in its own browser",
        "oauth/connect/attempt_store.py",
        "if is_same_browser(attempt.ticket, attempt.cookie_hash, cookies):",
        "if attempt.cookie_hash:",
        f"{ATTACKS}::test_the_providers_url_is_worth_nothing_in_another_browser",
    ),
    Mutant(
        46,
        "an id_token is of this very sign-in",
        "oauth/connect/browser.py",
        'if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):',
        "if not nonce:",
        f"{ATTACKS}::test_a_slack_code_of_another_flow_does_not_prove",
    ),
    Mutant(
        47,
        "the same user id counts in its workspace only",
        "oauth/connect/browser.py",
        "if not is_same_user or owner.workspace_id not in (proof.enterprise_id, proof.team_id):",
        "if not is_same_user:",
        f"{ATTACKS}::test_the_same_user_id_in_another_team_is_somebody_else",
    ),
    Mutant(
        49,
        "who was voided on the way gets nothing",
        "oauth/connect/callback.py",
        "if not await self._attempts.finish(attempt.ticket, connection):",
        "if await self._attempts.finish(attempt.ticket, connection) is None:",
        f"{ATTACKS}::test_a_member_who_is_voided_on_the_way_gets_no_connection",
    ),
    Mutant(
        52,
        "a code is its own member's",
        "oauth/connect/code_confirmation.py",
        "if held is None or not is_owner or",
        "if held is None or",
        "tests/oauth/test_code.py::test_another_member_with_the_right_code_connects_nothing_and_spoils_nothing",
    ),
    Mutant(
        52,
        "a code can be tried five times",
        "oauth/connect/code_confirmation.py",
        "held.tries_left -= 1",
        "held.tries_left -= 0",
        "tests/oauth/test_code.py::test_a_wrong_code_five_times_ends_it_and_revokes",
    ),
    Mutant(
        54,
        "one answer of the service is used, once",
        "store/tickets.py",
        "        and_(_at(ticket_id, TicketState.AUTHORIZING), tickets.c.expires_at > now),",
        "        tickets.c.id == ticket_id,",
        f"{ATTACKS}::test_of_two_callbacks_at_once_exactly_one_connects",
    ),
    Mutant(
        55,
        "a callback is at its own service's path",
        "oauth/connect/callback.py",
        "if path_service != ticket.service:",
        "if not path_service:",
        f"{ATTACKS}::test_an_answer_at_another_services_path_connects_nothing",
    ),
    Mutant(
        56,
        "`iss` is the recorded one",
        "oauth/protocol/authorization.py",
        "if given is not None and given != issuer:",
        "if given is not None and not given:",
        f"{ATTACKS}::test_an_answer_with_a_wrong_issuer_is_not_used",
    ),
    Mutant(
        62,
        "a secret does not print",
        "store/records/secret.py",
        'def __repr__(self) -> str:\n        return "Secret(•••)"',
        "def __repr__(self) -> str:\n        return self._value",
        "tests/oauth/protocol/test_authorization.py::test_a_code_does_not_print",
    ),
    Mutant(
        64,
        "a token is a bearer token",
        "oauth/protocol/tokens.py",
        "if not isinstance(kind, str) or kind.lower() not in types:",
        "if types is None:",
        "tests/oauth/protocol/test_tokens.py::test_a_token_response_against_the_rules_is_refused",
    ),
    Mutant(
        70,
        "client id and secret are form-encoded for Basic",
        "oauth/protocol/tokens.py",
        "client_id, secret = quote_plus(client_id), quote_plus(secret)",
        "client_id, secret = str(client_id), str(secret)",
        "tests/oauth/protocol/test_tokens.py::test_reserved_characters_survive_both_kinds_of_authentication",
    ),
    Mutant(
        56,
        "a promise of `iss` is a boolean",
        "oauth/protocol/discovery.py",
        "            check()",
        "            check.__name__",
        f"{OF_DISCOVERY}::test_a_promise_of_iss_that_is_no_boolean_is_refused",
    ),
    Mutant(
        72,
        "what is not stored is revoked",
        "oauth/connect/callback.py",
        "            if not is_stored:",
        "            if not is_stored and not held.exchange:",
        f"{ATTACKS}::test_a_credential_that_the_vault_refuses_is_revoked",
    ),
    Mutant(
        76,
        "what does not work is removed",
        "oauth/connect/callback.py",
        "if await self._vaults.validate(connection) is Validity.INVALID:",
        "if await self._vaults.validate(connection) is None:",
        f"{ATTACKS}::test_a_credential_that_does_not_work_is_removed_and_revoked",
    ),
    Mutant(
        82,
        "a member has three open links",
        "oauth/connect/connections.py",
        "        if count > most:",
        "        if count > most * 1_000:",
        f"{ATTACKS}::test_a_fourth_open_link_is_refused_and_leaves_the_others",
    ),
)


def find_problems() -> list[str]:
    """Return the mutants that no longer fit the tree: nothing to change, or a test that is not there."""
    problems = []
    for mutant in MUTANTS:
        path, _, name = mutant.test.partition("::")
        if (ROOT / mutant.path).read_text("utf-8").count(mutant.old) != 1:
            problems.append(f"{mutant.control}: not once in {mutant.path}: {mutant.old}")
        if f"def {name}(" not in (ROOT / path).read_text("utf-8"):
            problems.append(f"{mutant.control}: there is no test {mutant.test}")
    return problems


def try_out(tree: Path, mutant: Mutant) -> str:
    """Return `killed`, or what is wrong: the test fails without any change, or does not fail with it."""
    target = tree / mutant.path
    whole = target.read_text("utf-8")
    if not passes(tree, mutant.test):
        return "fails anyway"
    write_source(target, whole.replace(mutant.old, mutant.new))
    try:
        return "SURVIVED" if passes(tree, mutant.test) else "killed"
    finally:
        write_source(target, whole)


def write_source(target: Path, text: str) -> None:
    """Write a module; two versions within one second and of one size would look the same to its bytecode."""
    target.write_text(text, "utf-8")
    for bytecode in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
        bytecode.unlink()


def passes(tree: Path, test: str) -> bool:
    """Run one test in a tree. A test that could not be run is no failure of a control: it raises."""
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-x", "-p", "no:cacheprovider", test]
    environment = unmeasured() | {"PYTHONPATH": str(tree)}
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{test} cannot be run:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def copy_tree(folder: Path) -> Path:
    """Return a copy of what the tests need."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def main(arguments: list[str]) -> int:
    """Try the mutants out, or those of the given numbers; 0 if every control was missed by its test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int)
    wanted = parser.parse_args(arguments).numbers
    chosen = [mutant for mutant in MUTANTS if not wanted or mutant.number in wanted]
    killed = 0
    with tempfile.TemporaryDirectory(prefix="deputy-mutants-") as name:
        tree = copy_tree(Path(name))
        for mutant in chosen:
            verdict = try_out(tree, mutant)
            killed += verdict == "killed"
            print(f"{verdict:12} {mutant.number:3} {mutant.control} ({mutant.path})", flush=True)
    print(f"{killed} killed, {len(chosen) - killed} survived")
    return int(killed != len(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
