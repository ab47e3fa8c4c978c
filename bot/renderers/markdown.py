"""What makes an agent's words safe to show (slack-platform.md §8.6); lengths are `limits`' business.

Slack honours its own tokens (`<@U…>`, `<!channel>`, `<#C…>`) even inside standard markdown, so they are
neutralised; links keep only harmless schemes and say where they lead. All functions are pure and
look at the whole text: what was sent before is always a prefix of what `safe_markdown` says later,
as long as only `text[:settled(text)]` is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

from bot.renderers.limits import good_break, shorten, size
from bot.text import UNSEEN, visible

_HALF = re.compile(r"(?:<[^<>]*|&[a-z]{0,3})\Z")
"""What is left of one of Slack's tokens, or of a character that `escape` wrote, where it was cut."""

_BOUND = 600
"""Longest construct that is understood as one; longer ones stay plain text."""
_WORDS = rf"(?:\\.|[^\[\]\\\n]|\[[^\[\]\n]{{0,{_BOUND}}}\]){{0,{_BOUND}}}"
_TARGET = rf"(?:[^()\n]|\([^()\n]{{0,{_BOUND}}}\)){{0,{_BOUND}}}"
_CONSTRUCT = re.compile(
    rf"(?P<code>(?P<ticks>`+)(?!`)[^`\n]{{1,{_BOUND}}}(?P=ticks)(?!`))"
    r"|(?P<ticked>`+)"
    r"|(?P<token><(?=[@#!]))"
    rf"|<(?P<auto>[A-Za-z][A-Za-z0-9+.\-]{{0,30}}:[^<>\s|]{{0,{_BOUND}}})>"
    r"|(?P<address><(?=[A-Za-z][A-Za-z0-9+.\-]{0,30}:))"
    rf"|(?P<definition>(?:^|(?<=\n)) {{0,3}}\[[^\]\n]{{1,{_BOUND}}}\](?=:))"
    rf"|(?P<image>!)?\[(?P<words>{_WORDS})\]\((?P<target>{_TARGET})\)"
)
_UNFINISHED = re.compile(
    rf"(?:<[^<>\s|]{{0,{_BOUND + 40}}}"
    rf"|`+[^`\n]{{0,{_BOUND}}}`*"
    rf"|!?\[{_WORDS}(?:\[[^\[\]\n]{{0,{_BOUND}}})?(?:\](?:\({_TARGET}(?:\([^()\n]{{0,{_BOUND}}})?)?)?"
    r"|!|\\)\Z"
)
_LONGEST = 2 * _BOUND + 100
_OPENING_MAX = 900
"""Bytes of a fence or a table's head that are said again where it is cut; a longer one is not."""
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)\Z")
_FENCE_BEGINNING = re.compile(r" {0,3}(?:`+|~+)[^`\n]*\Z")
_TABLE_RULE = re.compile(r" {0,3}\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*\Z")
"""The second line of a table, which makes it one."""
_SCHEMES = frozenset({"http", "https", "mailto"})


def revealed(text: str) -> str:
    """Return `text` with those characters spelled out, for people who decide about what they see."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escape(text: str) -> str:
    """Return `text` so that Slack's mrkdwn shows it literally."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten_markup(mrkdwn: str, limit: int) -> str:
    """Return our own markup in at most `limit` characters: no link, mention or escaped character is halved."""
    short = shorten(mrkdwn, limit)
    return short if short == mrkdwn else f"{_HALF.sub('', short.removesuffix('…')).rstrip()}…"


def one_line(text: str, limit: int) -> str:
    """Return `text` as one visible line of at most `limit` characters, for titles and plain-text fields."""
    return shorten(" ".join(visible(text.replace("\n", " ").replace("\t", " ")).split()), limit)


def safe_markdown(text: str) -> str:
    """Return an agent's markdown with nothing in it that notifies, misleads or hides."""
    return "".join(_safe_lines(visible(text)))


def settled(text: str) -> int:
    """Return how much of `text` can be shown now: more text cannot change how that much is rendered."""
    end = len(text)
    while end and UNSEEN.match(text[end - 1]):
        end -= 1
    start = text.rfind("\n", 0, end) + 1
    if _open_fence(text[:start]):
        found = re.compile(r"<[^<>\s|]{0,640}\Z").search(text, start, end)
        return found.start() if found else end
    if _FENCE_BEGINNING.match(text[start:end]):
        return start
    # What stands before something unfinished may be unfinished itself: `<` before `![`.
    while found := _UNFINISHED.search(text, max(start, end - _LONGEST), end):
        end = found.start()
    return end


def segment(text: str, start: int, end: int) -> str:
    """Return `text[start:end]` as a message of its own: a code fence or table that is cut goes on in it."""
    body = streamed(text, start, end)
    return f"{body}\n{_closing(text[:end])}" if _open_fence(text[:end]) else body


def streamed(text: str, start: int, end: int) -> str:
    """Return `text[start:end]` as far as it can be streamed: as `segment`, but the last fence is left open."""
    opening, body = _opening(text, start), text[start:end]
    return safe_markdown(f"{opening}{body}" if opening or not start else body.lstrip("\n"))


def segment_end(text: str, start: int, *, room: int, at_least: int) -> int:
    """Return where the message that begins at `start` must end to fit into `room` bytes; not before `at_least`."""
    limit = room
    while True:
        end = start + good_break(text[start:], limit, at_least=at_least - start)
        if end < len(text):
            end = _whole(text, end, at_least=max(at_least, start + 1))
        if end <= at_least or size(segment(text, start, end)) <= room:
            return end
        limit = limit * 3 // 4


def _whole(text: str, end: int, *, at_least: int) -> int:
    """Return `end`, or the beginning of the link, code or table's head that would be cut there."""
    if _open_fence(text[:end]):
        return end
    line, stop = text.rfind("\n", 0, end) + 1, text.find("\n", end)
    found = _CONSTRUCT.finditer(text, line, stop if stop >= 0 else len(text))
    cut = next((one.start() for one in found if one.start() < end < one.end()), end)
    if cut == end and text.startswith("|", end):
        cut -= len(_head_before(text, end, stop))
    return cut if cut >= at_least else end


def _head_before(text: str, end: int, stop: int) -> str:
    """Return the lines before `end` that are a table's head or its beginning, and nothing of its rows."""
    rows = _rows_before(text, end)
    if _is_rule(text[end : len(text) if stop < 0 else stop]):
        return "".join(rows[-1:])
    return "".join(rows) if len(rows) == 2 and _is_rule(rows[1]) else ""


def _opening(text: str, start: int) -> str:
    """Return what a message needs before `text[start:]`: the fence that is open there, or the head of its table."""
    if fence := _open_fence(text[:start]):
        return f"{fence if size(fence) <= _OPENING_MAX else _closing_of(fence)}\n"
    rows = _rows_before(text, start) if text.startswith("|", start) else []
    head = next((head + rule for head, rule in pairwise(rows) if _is_rule(rule)), "")
    return head if size(head) <= _OPENING_MAX else ""


def _is_rule(line: str) -> bool:
    return _TABLE_RULE.match(line.rstrip("\n")) is not None


def _rows_before(text: str, end: int) -> list[str]:
    """Return the lines right before `end` that look like a table's, the first one first; none inside a line."""
    rows: list[str] = []
    while end and text[end - 1] == "\n":
        start = text.rfind("\n", 0, end - 1) + 1
        if text[start] != "|":
            break
        rows.insert(0, text[start:end])
        end = start
    return rows


def _safe_lines(text: str) -> Iterator[str]:
    fence = ""
    for line in text.splitlines(keepends=True):
        fence_before, fence = fence, _fence_after(fence, line)
        is_code = bool(fence_before or fence)
        yield _CONSTRUCT.sub(_in_code if is_code else _in_text, line)


def _fence_after(fence: str, line: str) -> str:
    """Return the open fence after `line`, given the one before it."""
    if not line.endswith("\n"):
        return fence
    found = _FENCE.match(line.rstrip("\n"))
    if found is None:
        return fence
    if not fence:
        return found["fence"] + found["info"]
    is_closing = not found["info"].strip() and found["fence"].startswith(_closing_of(fence))
    return "" if is_closing else fence


def _open_fence(text: str) -> str:
    """Return the opening line of the fence that is open at the end of `text`, empty if none is."""
    fence = ""
    text = text if text.endswith("\n") else f"{text}\n"
    for line in visible(text).splitlines(keepends=True):
        fence = _fence_after(fence, line)
    return fence


def _closing_of(fence: str) -> str:
    return fence[: len(fence) - len(fence.lstrip(fence[0]))]


def _closing(text: str) -> str:
    return _closing_of(_open_fence(text))


def _in_code(found: re.Match[str]) -> str:
    return found[0].replace("<", "&lt;") if found["token"] or found["address"] else _inner(found[0])


def _in_text(found: re.Match[str]) -> str:
    if found["token"] or found["address"]:
        return "&lt;"
    if found["code"]:
        return _inner(found[0])
    if found["ticked"]:
        return found[0]
    if found["auto"]:
        return found[0] if _scheme(found["auto"]) in _SCHEMES else f"&lt;{found['auto']}>"
    if found["definition"]:
        return f"{_inner(found[0])} "
    return _link(found["words"], found["target"], is_image=bool(found["image"]))


def _inner(text: str) -> str:
    """Return code, or words inside a link, with Slack's tokens neutralised and nothing else."""
    return re.sub(r"<(?=[@#!]|[A-Za-z][A-Za-z0-9+.\-]*:)", "&lt;", text)


def _link(words: str, target: str, *, is_image: bool) -> str:
    shown, address = _inner(words), _inner(target).strip().split(" ")[0].strip("<>")
    if _scheme(address) not in _SCHEMES:
        return f"{shown} ({_inner(target)})" if address else shown
    link = f"[{shown or ('image' if is_image else address)}]({address})"
    host = _host(address)
    return f"{link} ({host})" if host and not _says_where(words, host) else link


def _says_where(words: str, host: str) -> bool:
    """Tell whether link words are themselves an address of this host."""
    plain = re.sub(r"[\\*_~`\s]", "", words)
    return _host(plain if "://" in plain else f"https://{plain}") == host


def _scheme(address: str) -> str:
    return address.partition(":")[0].lower() if ":" in address else ""


def _host(address: str) -> str:
    """Return the host of `address`, empty if it has none or cannot be read."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")
