"""Building the workspace page: once, when something changed, and with a reason when it fails."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from simulator.slack import build_page


@pytest.fixture
def copied(tmp_path) -> Path:
    """Return a copy of the page's sources that shares the packages already installed."""
    build_page.build()
    page = tmp_path / "page"
    shutil.copytree(build_page.PAGE, page, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (page / "node_modules").symlink_to(build_page.PAGE / "node_modules")
    return page


def test_a_page_is_built_once_and_again_when_a_source_changes(copied):
    first, second = build_page.build(copied), build_page.build(copied)
    (copied / "src" / "styles" / "page.css").touch()
    third = build_page.build(copied)

    assert [first, second, third] == [True, False, True]
    assert {"page.js", "page.css"} <= {path.name for path in (copied / "dist").iterdir()}


def test_a_source_that_cannot_be_read_is_named(copied):
    (copied / "src" / "main.tsx").write_text("this is no TypeScript(")

    with pytest.raises(build_page.PageNotBuilt, match=r"esbuild could not bundle the page[\s\S]*src/main.tsx"):
        build_page.build(copied)

    assert not build_page.is_fresh(copied)


def test_packages_that_cannot_be_installed_are_told(copied):
    (copied / "node_modules").unlink()
    (copied / "package-lock.json").write_text("{}")

    with pytest.raises(build_page.PageNotBuilt, match="npm could not install the page's packages"):
        build_page.build(copied)


async def test_two_builds_at_once_are_one_build(copied):
    done = await asyncio.gather(*(asyncio.to_thread(build_page.build, copied) for _ in range(2)))

    assert sorted(done) == [False, True]


def test_the_lock_names_no_registry_and_pins_every_package():
    lock = json.loads((build_page.PAGE / "package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert "resolved" not in json.dumps(lock)
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert all("^" not in wanted for wanted in lock["packages"][""]["dependencies"].values())
