"""What the world sent and broke Deputy with, as a table: `python -m tests.faults` writes docs/faults.md.

Which test holds a fault off is said at the test, by `@pytest.mark.fault("F1", "S3")`; here is what each fault was, and
what is still open. `test_faults.py` compares.
"""

from __future__ import annotations

from collections import defaultdict

from tests.marks import ROOT, link, read_marks

TABLE = ROOT / "docs" / "faults.md"

SECTIONS = {
    "F": "What people reported of other agents",
    "D": "Independent servers, and a newcomer's mistakes",
    "S": "Attacks, and parts that fail",
    "C": "Claims of docs/security.md that were weaker than said",
}
FAULTS = {
    "F1": "a flag with the dash of a phone (`—private`) makes an answer public",
    "F2": "a line break, tab or no-break space after a command's word is not seen; the words are gone",
    "F3": "a link, a hash or the words “bearer authentication” are called a token",
    "F4": "a message whose words are in attachments or blocks is read as empty",
    "F5": "a message forwarded to Deputy is dropped",
    "F6": "a mention without words is met with silence",
    "F7": "a mention added by an edit is met with silence",
    "F8": "of a long thread the first messages are read, not the newest",
    "F9": "where nothing can be posted, the reason is unsaid or false",
    "F10": "a guest's mention is refused twice",
    "F11": "a mention that comes before its message has no files, and wins",
    "F12": "another person's post is passed on without its files",
    "F13": "a stub of a file (Slack Connect) is taken for the file",
    "F14": "a download that Slack redirects fails for ever",
    "F15": "a shortcut on a long message cuts it, unsaid",
    "F16": "code under a list item, indented or in double backticks is changed",
    "F17": "joiners that Persian and Hindi need are taken out",
    "F18": "labels of links, auto-linked names and dates become what nobody typed",
    "F19": "a mention of somebody reaches the agent as an id",
    "F20": "“stop” in a direct message becomes a new task",
    "F21": "a huge or fractional `expires_in` refuses a connection",
    "F22": "a token endpoint that answers 201 refuses a connection",
    "F23": "scopes set apart by commas look like less access",
    "F24": "`offline_access` that is not echoed looks like less access",
    "F25": "“ends 17:00” for what ends in three days",
    "F26": "placeholders and long names are masked as secrets",
    "F27": "payloads of an organisation's install are dropped",
    "F28": "a public address in capitals refuses every connection",
    "F29": "public addresses inside NAT64 and other wrappers are refused",
    "F30": "a file name of many wide characters is longer than 255 bytes",
    "F31": "“1 repositorie”: English made of tools' names",
    "F32": "underscores are eaten from names in results",
    "F33": "a button pressed too late is called a bug",
    "F34": "an empty file is called a trouble that may pass",
    "F35": "a file that is listed late is not delivered",
    "F36": "“staring”, “pulling request read”: English made of tools' names",
    "F37": "a read-only agent runs tools whose names are unknown verbs",
    "F38": "an old App Home lands after a newer one",
    "D1": "a refused app token: an endless loop, no health, no end",
    "D2": "a turn hangs for ever when an optional field or a list is missing",
    "D3": "an authorization server that forgot our client can never be connected again",
    "D4": "a call without `evaluated_permission` counts as allowed",
    "D5": "any address that answers is offered as a service",
    "D6": "a wrong signing secret is met with silence",
    "D7": "a 404 or 5xx without JSON is asked again many times a second",
    "D8": "the README's steps do not work in their order",
    "D9": "the doctor before a first start names one cause seven times",
    "D10": "a wrong API address blames the key",
    "D11": "a refused vault write is told in two ways and logged in none",
    "D12": "“all scopes missing” where Slack told none",
    "D13": "`config look` needs Slack and a database",
    "D14": "small mistakes of a newcomer that nobody tells them",
    "S1": "a locked database ends housekeeping until a restart",
    "S2": "guests whom admins let in lose their vault",
    "S3": "a channel shared after a thread began is still answered in",
    "S4": "a lock after the acknowledgement: words lost, or asked twice",
    "S5": "a first turn that nobody can see acts on",
    "S6": "one long line makes the whole process stand still",
    "S7": "an answer in another browser leaves the code good",
    "S8": "a turn that nobody drives stays running for ever",
    "S9": "a clock that is set makes Deputy silent, double or late",
    "S10": "filters look before invisible characters are taken out",
    "S11": "“Always Allow” for tools that do harm",
    "S12": "tools are compared only when somebody connects",
    "S13": "a name that anybody may choose stands for an owner",
    "S14": "limits that believe what the client says of itself",
    "S15": "whether a channel is shared is remembered for ten minutes",
    "S16": "of two mentions at once one is lost",
    "S17": "a deletion that comes before its message does nothing",
    "S18": "a turn of unknown cost costs nothing",
    "S19": "“try again” while the session goes on: paid twice",
    "S20": "one broken event ends a whole turn",
    "S21": "two processes on one SQLite file send twice",
    "S22": "a feed that dies in an unknown way hangs its turn",
    "S23": "smaller promises of docs/security.md that were weaker than said",
    "C1": "who left is not served, and their vault goes, also when the store is locked at that hour",
    "C2": "shared channels are refused whatever leads there, as they are at that moment",
    "C3": "a tool that becomes another, was never listed or not for long, is asked about",
    "C4": "“Always Allow” is not offered for what may do more than read",
    "C5": "commands are held, but where admins said otherwise by name",
    "C6": "a secret is not shown, not for a moment, however it is written",
    "C7": "no text and no client holds Deputy up",
    "C8": "security headers are on every answer",
    "C9": "no address is made of what a request says its host is",
    "C10": "tokens are taken out of the process's environment",
    "C11": "a public card does not let its arguments be guessed",
    "C12": "the browser must prove whose it is, and one that cannot ends the attempt",
}
OPEN: dict[str, str] = {}
"""What is not mended, or not whole, and why."""
JUDGED = {
    "S23": "who neither says nor answers whose a token is leaves its account unknown, and the member is told so; "
    "`openid` is asked for only where the service names it, as any other scope (docs/reference/oauth.md#scopes)",
    "S12": "“in time” is seven days, and then no trust: no token is kept to list with, see decision 0044",
}
"""What was decided to stay as it is, with the reason."""


def collect() -> dict[str, tuple[str, ...]]:
    """Return the tests of each fault, as `path::name`."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, numbers in read_marks(path, "fault"):
            for number in numbers:
                found[str(number)].append(f"{path.relative_to(ROOT)}::{name}")
    return {number: tuple(tests) for number, tests in found.items()}


def render() -> str:
    """Return the table as a page."""
    tests = collect()
    lines = [
        "# What the world sent, and the test that holds each fault off",
        "",
        "Made by `python -m tests.faults` from the marks at the tests; do not edit. Found on 2026-11-27, by",
        "trying what users of other agents reported (F), independent servers (D), and attacks and outages (S); what",
        "docs/security.md claimed more of than held is C.",
        'A test carries its numbers: `@pytest.mark.fault("F1")`.',
    ]
    for kind, title in SECTIONS.items():
        lines += ["", f"## {title}", "", "| # | what happened | tests |", "|-|-|-|"]
        for number, fault in FAULTS.items():
            if number.startswith(kind):
                names = "<br>".join(link(test) for test in tests.get(number, ())) or "none"
                still = f"<br>**open:** {OPEN[number]}" if number in OPEN else ""
                still += f"<br>judged: {JUDGED[number]}" if number in JUDGED else ""
                lines.append(f"| {number} | {fault}{still} | {names} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(render(), "utf-8")
    print(f"wrote {TABLE.relative_to(ROOT)}")
