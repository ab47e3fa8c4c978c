"""The list of attacks and bad inputs as a table: `python -m tests.oauth.threats` writes it.

Which test belongs to an item is said at the test, by `@pytest.mark.threat(23)`; here are the items, what
holds each off, and what is still open. `test_threats.py` compares.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass

from tests.marks import ROOT, link, read_marks

TABLE = ROOT / "docs" / "oauth-threats.md"
MARKED = ("tests/oauth", "tests/conformance")


@dataclass(frozen=True, slots=True)
class Threat:
    """One item: what is tried, what holds it off (modules; empty: nothing yet), what is missing."""

    attack: str
    control: str
    missing: str = ""


SECTIONS = {
    1: "A. URLs and addresses",
    20: "B. Discovery",
    34: "C. Registration",
    41: "D. Ticket and identity",
    53: "E. Callback",
    63: "F. Token response",
    72: "G. Vault",
    82: "H. Abuse",
}
URLS, HTTP, JSON = "`oauth/protocol/url_policy.py`", "`oauth/guarded_http.py`", "`oauth/protocol/http_messages.py`"
DISCOVERY, WALK, SERVERS, TOKENS = (
    "`oauth/protocol/discovery.py`",
    "`oauth/discovery_walk.py`",
    "`oauth/connect/service_client.py`",
    "`oauth/protocol/tokens.py`",
)
REGISTRATION, CALLBACK, CATALOG = (
    "`oauth/protocol/registration.py`",
    "`oauth/protocol/authorization.py`",
    "`oauth/catalog/catalog.py`",
)
ATTEMPTS, TICKETS, BROWSER = "`oauth/connect/attempt_store.py`", "`store/tickets.py`", "`oauth/connect/browser.py`"
USERINFO = "`oauth/protocol/userinfo.py`"
SECRET = "`store/records/secret.py`"
ROUTES, PAGES, VAULTS = "`oauth/connect/routes.py`", "`oauth/connect/pages.py`", "`bot/agents/vaults.py`"
ARRIVALS, DEPARTURES = "`oauth/connect/callback.py`", "`oauth/connect/authorize.py`"
CONNECTIONS = "`oauth/connect/connections.py`"
LAPSES, MEMBERS_VAULTS = "`bot/domain/connections/expiry.py`", "`bot/domain/connections/vaults.py`"

THREATS = {
    1: Threat("an MCP server at `http://`", f"{URLS}, asked again by {HTTP}"),
    2: Threat("`javascript:`, `data:` or `file:` as an endpoint", URLS),
    3: Threat("user info in a URL (`https://good@evil/`)", URLS),
    4: Threat("a backslash before the `@`", URLS),
    5: Threat("blanks, tabs or line ends in a URL", URLS),
    6: Threat("a fragment in a URL", URLS),
    7: Threat("port 0, 22 or 99999", URLS),
    8: Threat("127.0.0.1 in each of its spellings", URLS),
    9: Threat("loopback and private places in IPv6: mapped, NAT64, 6to4, link-local, zone ids", f"{URLS}, {HTTP}"),
    10: Threat("metadata services and carrier networks", URLS),
    11: Threat("a host with a public and a private address", HTTP),
    12: Threat("DNS rebinding", HTTP),
    13: Threat("metadata that redirects inwards or elsewhere", f"{HTTP}, {DISCOVERY}"),
    14: Threat("a token endpoint that redirects the code", f"{HTTP}, {TOKENS}"),
    15: Threat("endless, huge, slow or compressed answers", HTTP),
    16: Threat("another media type, bad JSON, repeated keys, deep nesting, NaN", JSON),
    17: Threat("a proxy from the environment", HTTP),
    18: Threat("a host that looks like another's", f"{URLS}, {PAGES}"),
    19: Threat("upstream text on a page or in Slack", "`oauth/errors.py`"),
    20: Threat("no 401 at all", f"{DISCOVERY}, {WALK}"),
    21: Threat("a 401 without a challenge", DISCOVERY),
    22: Threat("several, odd or contradicting challenges", "`oauth/protocol/www_authenticate.py`"),
    23: Threat("`resource_metadata` on another host", f"{WALK}, {DISCOVERY}"),
    24: Threat("a `resource` that is another's, a sibling or a parent", URLS),
    25: Threat("no, odd, too many or private authorization servers", f"{DISCOVERY}, {WALK}"),
    26: Threat("an issuer with a path, looked up at the root", DISCOVERY),
    27: Threat("metadata missing, broken or invalid at its first place", f"{WALK}, {DISCOVERY}"),
    28: Threat("an issuer that differs by a slash, case or port; pins", DISCOVERY),
    29: Threat("PKCE absent, `plain` only or no list", DISCOVERY),
    30: Threat("endpoints that are no clean URL or carry our parameters", DISCOVERY),
    31: Threat("the authorization server changes", f"{SERVERS}, `store/registrations.py`"),
    32: Threat("an MCP server that names GitHub's issuer, for our client there", REGISTRATION),
    33: Threat("metadata that changes between authorize and callback", f"{DEPARTURES}, {ARRIVALS}"),
    34: Threat("no way to register", REGISTRATION),
    35: Threat("client documents taken, public clients not", REGISTRATION),
    36: Threat("our client document: address, headers, unknown service", ROUTES),
    37: Threat("a registration that is refused", f"{SERVERS}, {REGISTRATION}"),
    38: Threat("a registration that came back as something else", REGISTRATION),
    39: Threat(
        "a client that is expired, old or no longer known", f"{REGISTRATION}, {SERVERS}, `store/registrations.py`"
    ),
    40: Threat("`application_type`; two first registrations at once", f"{REGISTRATION}, `store/registrations.py`"),
    41: Threat("a link that is unknown, expired, used, superseded or cut off", ATTEMPTS),
    42: Threat("previews, scanners, prefetch and HEAD", ROUTES),
    43: Threat("a form from elsewhere", ROUTES),
    44: Threat("a forwarded link", f"{DEPARTURES}, {BROWSER}"),
    45: Threat("the service's own URL, forwarded; the answer to it, passed on", f"{ATTEMPTS}, {ROUTES}"),
    46: Threat("the attacker's Slack answer in the victim's browser", f"{ATTEMPTS}, {BROWSER}"),
    47: Threat("a forged, foreign or stale id_token; another team's user", BROWSER),
    48: Threat("double clicks, two connects at once", f"{ATTEMPTS}, {TICKETS}"),
    49: Threat(
        "a member deactivated, a service taken away on the way",
        f"{CONNECTIONS}, {ATTEMPTS}, {CATALOG}, {ARRIVALS}",
    ),
    50: Threat("the flow cookie missing, another's or injected", BROWSER),
    51: Threat("guests, bots and strangers of shared channels", "`bot/listeners/intake.py`"),
    52: Threat(
        "the code typed back into Slack: guessed, another's, late, replayed", "`oauth/connect/code_confirmation.py`"
    ),
    53: Threat("parameters missing, empty or repeated", f"{CALLBACK}, {ROUTES}"),
    54: Threat("a state that is unknown, another's or replayed; two callbacks at once", f"{ATTEMPTS}, {TICKETS}"),
    55: Threat("a callback at another service's path (COAT)", ARRIVALS),
    56: Threat("`iss` missing, another's or normalised, on errors too", CALLBACK),
    57: Threat("errors and names that carry markup", f"{CALLBACK}, {PAGES}"),
    58: Threat("a code that is no code; code and error", CALLBACK),
    59: Threat("a callback by POST or with a token in it", f"{ROUTES}, {CALLBACK}"),
    60: Threat("a restart between authorize and callback", f"{ATTEMPTS}, {TICKETS}"),
    61: Threat("clocks that differ", f"{BROWSER}, {TOKENS}"),
    62: Threat("codes, states and tokens in logs, pages, exceptions and referrers", f"{SECRET}, {ROUTES}"),
    63: Threat("an access token that is none", TOKENS),
    64: Threat("`token_type` missing, odd or another", TOKENS),
    65: Threat("`expires_in` of every kind", TOKENS),
    66: Threat("a refresh token missing, empty or odd", TOKENS),
    67: Threat("a scope that is narrower, wider or no text", TOKENS),
    68: Threat("errors with 200, none with 400, forms, nested grants", TOKENS),
    69: Threat("refusals and outages after the code was sent", f"{SERVERS}, {TOKENS}"),
    70: Threat("reserved characters in client id and secret", TOKENS),
    71: Threat(
        "the refresh token is the access token; an id_token, an account of another subject", f"{TOKENS}, {USERINFO}"
    ),
    72: Threat("the old credential gone, the new one refused", f"{ARRIVALS}, {MEMBERS_VAULTS}"),
    73: Threat("a vault that is full", f"{VAULTS}, {ARRIVALS}"),
    74: Threat("an answer of the vault that is lost", f"{VAULTS}, {MEMBERS_VAULTS}"),
    75: Threat("an expiry that is past", TOKENS),
    76: Threat("a credential that does not work, or nobody knows", ARRIVALS),
    77: Threat("one server in two spellings", VAULTS),
    78: Threat("connecting again as another client", VAULTS),
    79: Threat(
        "disconnect while a link is out; another member's vault", f"{CONNECTIONS}, `bot/domain/connections/vaults.py`"
    ),
    80: Threat("a revocation endpoint that is absent, broken or the token endpoint", SERVERS),
    81: Threat("a grant that will end: reminders", f"{LAPSES}, {TOKENS}"),
    82: Threat("many connects in a short time", f"{CONNECTIONS}, `oauth/connect/ip_rate_limit.py`"),
    83: Threat("thousands of junk links", f"{ATTEMPTS}, {TICKETS}"),
    84: Threat("old links that stay", "`bot/domain/maintenance/hourly.py`"),
    85: Threat("an added URL whose server is elsewhere", "`oauth/catalog/probe.py`"),
    86: Threat("more scope than is pinned", f"{CATALOG}, {CALLBACK}"),
    87: Threat("Google without `access_type` and `prompt`", f"{CATALOG}: `authorize_params`"),
    88: Threat("the official conformance suite", "`make conformance`"),
}

OF_VAULTS, OF_LAPSES = "tests/bot/domain/connections/test_vaults.py", "tests/journeys/test_connection_expiry.py"
ELSEWHERE = {
    40: ("tests/store/test_races.py::test_one_registration_wins_and_all_get_it",),
    51: (
        "tests/bot/listeners/test_intake.py::test_everybody_else_is_refused_for_their_reason",
        "tests/bot/listeners/test_intake.py::test_an_outsider_in_a_shared_channel_is_a_stranger_although_slack_does_not_say_so",
    ),
    54: ("tests/store/test_races.py::test_one_browser_takes_each_step_of_a_link",),
    49: (
        "tests/bot/listeners/test_lifecycle.py::test_a_member_who_takes_back_their_sign_in_does_not_remove_deputy",
        "tests/bot/listeners/test_lifecycle.py::test_a_changed_profile_names_whoever_is_to_be_judged_again",
    ),
    52: ("tests/journeys/test_code_confirmation.py::test_the_code_of_the_page_typed_into_slack_connects",),
    72: (
        "tests/bot/agents/test_vaults.py::test_an_outage_while_storing_is_told",
        f"{OF_VAULTS}::test_a_reconnect_of_which_half_failed_says_that_the_old_one_is_gone",
        f"{OF_VAULTS}::test_a_reconnect_that_failed_before_anything_changed_leaves_the_old_one",
    ),
    73: (
        "tests/bot/agents/test_vaults.py::test_a_credential_the_api_refuses_is_not_sent_again",
        f"{OF_VAULTS}::test_a_full_vault_is_told_before_anything_is_stored",
    ),
    74: (
        f"{OF_VAULTS}::test_a_credential_that_nobody_knows_of_is_removed_after_a_crash",
        "tests/bot/agents/test_vaults.py::test_a_credential_whose_answer_was_lost_is_found_and_made_once",
        "tests/bot/agents/test_vaults.py::test_a_credential_that_never_arrived_is_sent_again",
    ),
    76: ("tests/bot/agents/test_vaults.py::test_the_verdict_of_the_api_is_passed_on",),
    77: ("tests/bot/agents/test_vaults.py::test_urls_are_compared_as_the_api_does",),
    78: ("tests/bot/agents/test_vaults.py::test_a_new_credential_takes_the_place_of_the_old_one",),
    79: ("tests/journeys/test_two_people.py::test_a_trap_one_vault_for_everybody",),
    81: (
        f"{OF_LAPSES}::test_a_grant_that_will_end_is_reminded_of_once_and_its_end_is_told",
        f"{OF_LAPSES}::test_an_access_without_a_refresh_token_says_when_it_ends",
    ),
    84: ("tests/store/test_tickets.py::test_old_links_are_purged_but_not_one_that_is_being_exchanged",),
}
"""Tests elsewhere, which do not know the list."""


def collect() -> dict[int, tuple[str, ...]]:
    """Return the tests of each item, as `path::name`: those that are marked, then those elsewhere."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for folder in MARKED:
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            for name, numbers in read_marks(path, "threat"):
                for number in numbers:
                    found[int(number)].append(f"{path.relative_to(ROOT)}::{name}")
    return {number: (*found[number], *ELSEWHERE.get(number, ())) for number in {*found, *ELSEWHERE}}


def exists(test: str) -> bool:
    """Say whether there is such a test."""
    path, _, name = test.partition("::")
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    return any(isinstance(node, functions) and node.name == name for node in body)


def render() -> str:
    """Return the table as a page."""
    tests = collect()
    lines = [
        "# Attacks on connecting, what holds each off, and the tests",
        "",
        "Made by `python -m tests.oauth.threats` from the marks at the tests; do not edit. The numbers are those of",
        "this list. A test carries its numbers: `@pytest.mark.threat(23)`.",
    ]
    for number, threat in THREATS.items():
        if number in SECTIONS:
            lines += ["", f"## {SECTIONS[number]}", "", "| # | attack or bad input | control | tests |", "|-|-|-|-|"]
        control = threat.control or "**not yet**"
        if threat.missing:
            control += f"; open: {threat.missing}"
        names = "<br>".join(link(test) for test in tests.get(number, ())) or "none"
        lines.append(f"| {number} | {threat.attack} | {control} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(render(), "utf-8")
    print(f"wrote {TABLE.relative_to(ROOT)}")
