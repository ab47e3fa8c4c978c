"""The documents held against the code they speak of; what no test can hold is for reviewers."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from bot.domain.home.app_home import SUBCOMMANDS
from oauth.catalog.catalog import Catalog

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`")
CODE = re.compile(r"`((?:bot|oauth|store|simulator|bench)/[\w/]+\.\w+)`")
IN_CODE = re.compile(r"`([^`\s]+)`")
BARE_FILE = re.compile(r"`(\w+\.py)`")
MEMBER_OF = re.compile(r"`([A-Z]\w*[a-z]\w*)\.(\w+)(?:\(.*?\))?`")
NOT_ROOMS = {"__pycache__", "node_modules", "versions", "src", "dist"}
ROOMS = ("bot", "oauth", "store", "simulator", "tests", "bench", "docs")


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def section_of(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def anchors_of(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def folders_drawn() -> set[str]:
    """Return the folders of the layout block, as deep as they are drawn."""
    block = re.search(r"## Layout\n\n```\n(.*?)```", read("docs/architecture.md"), re.DOTALL)
    assert block
    drawn: list[str] = []
    way: list[str] = []
    for line in block[1].splitlines():
        found = re.match(r"( *)(\w+)/\s", line)
        assert found, line
        way = [*way[: len(found[1]) // 2], found[2]]
        drawn.append("/".join(way))
    return set(drawn)


def folders_there() -> set[str]:
    inside = (path for room in ("bot", "oauth", "store", "simulator") for path in (ROOT / room).rglob("*"))
    folders = {path.relative_to(ROOT) for path in inside if path.is_dir()}
    return {*ROOMS, *(str(path) for path in folders if not NOT_ROOMS & set(path.parts))}


@cache
def defined_in(path: str) -> set[str]:
    nodes = ast.walk(ast.parse(read(path)))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def files_there() -> set[str]:
    return {path.name for room in ROOMS for path in (ROOT / room).rglob("*.py")}


@cache
def members_there() -> dict[str, set[str]]:
    """Return our classes by name, each with what it defines and what its methods set."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    paths = (path for package in ("bot", "oauth", "store", "simulator") for path in (ROOT / package).rglob("*.py"))
    trees = (ast.parse(path.read_text("utf-8")) for path in paths if "node_modules" not in path.parts)
    for one in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        for node in ast.walk(one):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.Name(id=name):
                    found[one.name].add(name)
                case ast.Attribute(value=ast.Name(id="self"), attr=name):
                    found[one.name].add(name)
    return dict(found)


def test_the_readme_can_be_read_in_one_sitting():
    assert len(read("README.md").splitlines()) <= 150


def test_the_layout_shows_every_folder_and_no_other():
    assert folders_drawn() == folders_there()
    assert all((ROOT / folder).is_dir() for folder in folders_drawn())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path):
    text = document.read_text("utf-8")
    links = [link for link in LINK.findall(without_code(text)) if not link.startswith(("https://", "mailto:"))]

    for link in links:
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target.read_text("utf-8")), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_and_test_that_is_named_exists(document: Path):
    text = document.read_text("utf-8")

    assert [path for path in CODE.findall(text) if not (ROOT / path).exists()] == []
    assert [name for name in BARE_FILE.findall(text) if name not in files_there()] == []
    assert [f"{one}.{name}" for one, name in MEMBER_OF.findall(text) if name not in members_there().get(one, ())] == []
    named = TEST.findall(text)
    assert [path for path, _ in named if not (ROOT / path).is_file()] == []
    assert [name for path, name in named if name and name not in defined_in(path)] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_why_and_what_holds_it(decision: Path):
    text = decision.read_text("utf-8")
    wanted = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]

    assert text.startswith(f"# {decision.stem[:4]} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == wanted
    assert TEST.findall(section_of(text, "Enforced by"))


def test_each_decision_has_a_number_of_its_own():
    # A number may be given out before its page is there: several are written at the same time.
    numbers = [path.stem[:4] for path in DECISIONS]

    assert all(number.isdigit() for number in numbers)
    assert len(set(numbers)) == len(numbers)


def rows_of_the_table() -> list[tuple[str, str, str]]:
    table = section_of(read("docs/contributing.md"), "Where do I change what")
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ") and "`" in line]
    assert all(len(row) == 3 for row in cells), cells
    return [(what, there, test) for what, there, test in cells]


def test_where_things_are_changed_is_said_of_files_and_names_that_exist():
    rows = rows_of_the_table()
    paths = [
        path for _, *cells in rows for cell in cells for path in IN_CODE.findall(cell) if "/" in path or "." in path
    ]
    named = [found for _, there, _ in rows for found in re.findall(r"`([\w/]+\.py)` \(`(\w+)`\)", there)]

    assert len(rows) >= 25
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [found for found in named if not re.search(rf"\b{found[1]}\b", read(found[0]))] == []
    assert [what for what, there, test in rows if not IN_CODE.search(there) or not IN_CODE.search(test)] == []


def test_every_make_target_is_said_to_contributors():
    targets = re.findall(r"^([a-z-]+):.*## ", read("Makefile"), re.MULTILINE)
    said = read("README.md") + read("CONTRIBUTING.md")

    assert targets
    assert [target for target in targets if not re.search(rf"make {target}\b", said)] == []


def test_every_command_is_a_journey():
    commands = section_of(read("docs/journeys.md"), "Commands")

    assert [name for name in SUBCOMMANDS if not re.search(rf"^\| .*`/agent {name}\b", commands, re.MULTILINE)] == []


def test_the_example_files_for_admins_can_be_used(tmp_path: Path):
    catalog, clients = re.findall(r"^```toml\n(.*?)^```", read("docs/admin.md"), re.DOTALL | re.MULTILINE)
    file = tmp_path / "catalog.toml"
    file.write_text(catalog, "utf-8")

    offered = {str(service.name) for service in Catalog.load(file, {}).services}

    assert set(tomllib.loads(catalog)["services"]) <= offered
    assert set(tomllib.loads(clients)["clients"]) <= offered


def test_the_threats_that_brought_deputy_about_each_have_a_test():
    rows = [line for line in read("docs/security.md").splitlines() if line.startswith("| ") and "`tests/" in line]
    headers = [line for line in read("docs/security.md").splitlines() if line == "| threat | control | test |"]
    threats = chain.from_iterable(re.findall(r"\*\*(.+?)\*\*", row) for row in rows)

    assert len(headers) == 6
    assert {
        "Confused deputy",
        "another's reply",
        "another's click",
        "stale button",
        "forged request",
        "forwarded link",
        "shared channels",
        "SSRF",
        "token leakage",
        "restart",
    } <= set(threats)
