"""Whoever reads a citation can open what it cites: a page of ours at its heading, an RFC at its paragraph."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_documentation import ROOMS, ROOT, anchors_of, without_code

KINDS = {".py", ".toml", ".json", ".yml", ".ts", ".mako", ".md"}
ELSEWHERE = {"node_modules", "__pycache__"}
PROSE = {"COMMENT", "STRING", "FSTRING_MIDDLE"}
PAGE = re.compile(r"(?<![\w/.*-])((?:\.\./)*(?:[\w-]+/)*[\w-]+\.md)\b(#[\w-]+)?((?:,? (?:and )?#[\w-]+)*)")
DECISION = re.compile(r"docs/decisions/(\d{4})(?!\d|-)")
PARAGRAPHS = re.compile(
    r"(?:RFC \d{4}|OpenID Connect \w+|Unicode(?: TR \d+)?|CommonMark [\d.]+,|draft-[\w-]+|NIST SP [\w-]+|\w+\.org/\S+)"
    r"\s+§[\d.]+(?:(?:,| and| to) §[\d.]+)*"
)
RFC = re.compile(r"\bRFC(?!s\b| \d{4}\b)|\bRFC \d{4}(?: §[\d.]+)?,? (?:section|paragraph|\d)")
WORTH_READING = re.compile(r"\.md\b|§|\bRFC|docs/decisions/")


def files() -> Iterator[Path]:
    inside = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in KINDS)
    known = (path for path in inside if ELSEWHERE.isdisjoint(path.relative_to(ROOT).parts))
    yield from (path for path in known if path != Path(__file__))
    yield from (*ROOT.glob("*.md"), ROOT / "manifest.yml", ROOT / "pyproject.toml", ROOT / "Makefile")


def prose_of(path: Path) -> str:
    """Return what a file says to people: of a program, its comments and the strings that are sentences."""
    text = path.read_text("utf-8")
    if not WORTH_READING.search(text):
        return ""
    if path.suffix == ".md":
        return re.sub(r"^ {4}.*$", "", without_code(text), flags=re.MULTILINE) if path.parent == ROOT else text
    if path.suffix != ".py":
        return text
    with path.open("rb") as source:
        tokens = [
            token.string for token in tokenize.tokenize(source.readline) if tokenize.tok_name[token.type] in PROSE
        ]
    # Of strings on one line, a backslash makes a pattern and no sentence.
    return "\n".join(one for one in tokens if " " in one and ("\\" not in one or '"""' in one))


def problems_of(prose: str, folder: Path = ROOT) -> Iterator[str]:
    """Yield each citation that leads nowhere."""
    for page, anchor, more in PAGE.findall(prose):
        target = next((base / page for base in (ROOT, folder) if (base / page).is_file()), None)
        if target is None:
            yield page
            continue
        anchors = anchors_of(target.read_text("utf-8"))
        named = [anchor, *re.findall(r"#[\w-]+", more)] if anchor else []
        yield from (f"{page}{one}" for one in named if one[1:] not in anchors)
    for number in DECISION.findall(prose):
        if not [*(ROOT / "docs" / "decisions").glob(f"{number}-*.md")]:
            yield f"docs/decisions/{number}"
    yield from re.findall(r".{0,30}§[\d.A-Z]*", PARAGRAPHS.sub("", prose))
    yield from (prose[found.start() : found.end() + 20] for found in RFC.finditer(prose))


def test_every_citation_leads_to_its_page_and_heading():
    found = {str(path.relative_to(ROOT)): [*problems_of(prose_of(path), path.parent)] for path in files()}

    assert len(found) > 300
    assert {path: problems for path, problems in found.items() if problems} == {}


@pytest.mark.parametrize(
    "prose",
    [
        "Slack ends a stream by itself (slack-platform.md).",
        "Slack ends a stream by itself (docs/reference/slack.md#no-such-heading).",
        "As docs/reference/slack.md#streams and #no-such-heading have it.",
        "It is decided (docs/decisions/9999).",
        "It stops at once (§3.5).",
        "It stops at once (reference §3.5).",
        "Compared as strings (RFC 8414, section 3.3).",
        "Compared as strings (RFC8414).",
        "Compared as strings (RFC 6749 §4.1, 7636).",
    ],
)
def test_a_citation_that_leads_nowhere_is_found(prose):
    assert [*problems_of(prose)]


@pytest.mark.parametrize(
    "prose",
    [
        "Slack ends a stream by itself (docs/reference/slack.md#streams and #stream-chunks).",
        "Compared as strings (RFC 8414 §3.3), as RFC 9207 says.",
        "The token's audience (OpenID Connect Core §3.1.3.7, RFC 6749 §4.1.3 and §5).",
    ],
)
def test_a_citation_that_can_be_followed_is_left_alone(prose):
    assert [*problems_of(prose)] == []
