"""Makes an agent's text safe to show in Slack (docs/reference/slack.md#text-formatting); `slack_limits` has lengths.

Slack honours its own tokens (`<@U…>`, `<!channel>`, `<#C…>`) even inside standard markdown, so they are
neutralised; links keep only harmless schemes and show where they lead. All functions are pure and take the whole text
so far. As long as only `text[:settled(text)]` is sent, what was sent stays a prefix of what comes later, which is what
a stream needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bot.model.slack_text import escape as text_escape
from bot.model.visible_text import UNSEEN, shorten, visible
from bot.renderers.markdown_blocks import LineKind, OpenBlock, Outline, is_rule, lines_of
from bot.renderers.markdown_inline import WORDS_MAX, InlineSpan, SpanKind, read
from bot.renderers.slack_limits import good_break, size

# The rest of a token of Slack's, or of a character that `escape` wrote, where it was cut in half.
_HALF = re.compile(r"(?:<[^<>]*|&[a-z]{0,3})\Z")

# Characters after a cut that are read to see whether a link or code would be cut there: the longest link.
_AHEAD = 2 * WORDS_MAX + 10
# Bytes of a fence's opening or a table's head that the next message repeats; a longer one is not repeated.
_OPENING_MAX = 900
# The beginning of a line that may still become anything: an item, a quote, a fence, a break.
_UNDECIDED = re.compile(r"[ \t>*+\-\d.)~`#=_]*\Z")
_GROWING = re.compile(r"<[^<>\s|]{0,640}\Z")
_TOKEN = re.compile(r"<(?=[@#!]|[A-Za-z][A-Za-z0-9+.\-]{0,30}:)")
_SCHEMES = frozenset({"http", "https", "mailto"})


def revealed(text: str) -> str:
    """Return `text` with invisible characters spelled out by code point, for people who decide about what they see."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escape(text: str) -> str:
    """Return `text` so that Slack's mrkdwn shows it literally."""
    return text_escape(visible(text))


def shorten_markup(mrkdwn: str, limit: int) -> str:
    """Return our own mrkdwn in at most `limit` characters, with no link, mention or escaped character cut in half."""
    short = shorten(mrkdwn, limit)
    return short if short == mrkdwn else f"{_HALF.sub('', short.removesuffix('…')).rstrip()}…"


def safe_markdown(text: str) -> str:
    """Return an agent's markdown without anything that notifies people or hides where a link leads."""
    shown = visible(text)
    return "".join(_safe(shown[leaf.start : leaf.end], leaf) for leaf in _leaves(shown))


def settled(text: str, start: int = 0, *, outline: Outline | None = None) -> int:
    """Return how many characters of `text` can be shown now: more text cannot change how they are rendered.

    The message begins at `start`; nothing before that is read again.
    """
    end = len(text)
    # Invisible characters are left out of what is shown, so lengths before and after differ by their number.
    while end > start and UNSEEN.match(text[end - 1]):
        end -= 1
    opening = _opening(text, start, outline)
    known = _settled(f"{opening}{visible(text[start:end])}") - len(opening)
    unseen = [found.start() for found in UNSEEN.finditer(text[start:end])]
    return start + max(0, known) + sum(1 for count, at in enumerate(unseen) if at - count < known)


def segment(text: str, start: int, end: int, *, outline: Outline | None = None) -> str:
    """Return `text[start:end]` as a message of its own: a code fence or table that was cut continues in it."""
    body = streamed(text, start, end, outline=outline)
    last = _last_open(body)
    return f"{body}\n{last.closing}" if last.fence else body


def streamed(text: str, start: int, end: int, *, outline: Outline | None = None) -> str:
    """Return `text[start:end]` for a stream: like `segment`, but the last fence stays open, since more follows."""
    opening, body = _opening(text, start, outline), text[start:end]
    return safe_markdown(f"{opening}{body}" if opening or not start else body.lstrip("\n"))


def segment_end(text: str, start: int, *, room: int, at_least: int, outline: Outline | None = None) -> int:
    """Return where the message that begins at `start` must end to fit into `room` bytes; never before `at_least`."""
    limit = room
    opening = _opening(text, start, outline)
    while True:
        end = start + good_break(text[start : max(start, at_least) + limit + 1], limit, at_least=at_least - start)
        if end < len(text):
            end = _whole(text, start, end, opening=opening, at_least=max(at_least, start + 1))
        if end <= at_least or size(segment(text, start, end, outline=outline)) <= room:
            return end
        # Rendering adds bytes (hosts behind links, a repeated fence), so try again with fewer characters.
        limit = limit * 3 // 4


def _whole(text: str, start: int, end: int, *, opening: str, at_least: int) -> int:
    """Return `end`, or the start of the link, code or table head that a cut at `end` would go through."""
    stop = text.find("\n", end, end + _AHEAD)
    shown = f"{opening}{text[start : end + _AHEAD]}"
    at = end - start + len(opening)
    leaf = next((leaf for leaf in _leaves(shown) if leaf.start < at <= leaf.end), None)
    if leaf is None or (leaf.is_code and (leaf.after.fence or at == leaf.end)):
        return end
    cut = end
    if leaf.is_code:
        cut = text.rfind("\n", start, end) + 1 or end
    else:
        found = read(shown[leaf.start : leaf.end], may_grow=False, is_row=leaf.is_row).found
        inside = (one.start for one in found if one.start + leaf.start < at < one.end + leaf.start)
        cut = next((leaf.start + one - len(opening) + start for one in inside), end)
    if cut == end and text.startswith("|", end):
        cut -= len(_head_before(text, end, stop))
    return cut if cut >= at_least else end


def _head_before(text: str, end: int, stop: int) -> str:
    """Return the lines before `end` that are a table's head or the start of one; empty if rows were written already."""
    rows = _rows_before(text, end, most=3)
    if is_rule(text[end : end + _AHEAD if stop < 0 else stop]):
        return "".join(rows[-1:])
    return "".join(rows) if len(rows) == 2 and is_rule(rows[1]) else ""


def _opening(text: str, start: int, outline: Outline | None) -> str:
    """Return what a message needs before `text[start:]`: the fence that is open there, or the table's head."""
    place = (outline or Outline()).at(text, start)
    if now := place.after if place.after.fence else None:
        # An agent may write anything as the info string; a long one would fill the next message.
        first = now.opening if size(now.opening) <= _OPENING_MAX else now.bare_opening
        return f"{first}\n{now.inside if place.is_inside else ''}"
    if place.kind is LineKind.CODE and not place.before.fence:
        return "    "
    return place.head if text.startswith("|", start) and size(place.head) <= _OPENING_MAX else ""


def _rows_before(text: str, end: int, *, most: int) -> list[str]:
    """Return up to `most` lines right before `end` that look like a table's, in order; none if `end` is in a line."""
    rows: list[str] = []
    while end and text[end - 1] == "\n" and len(rows) < most:
        start = text.rfind("\n", 0, end - 1) + 1
        if text[start] != "|":
            break
        rows.insert(0, text[start:end])
        end = start
    return rows


@dataclass(frozen=True, slots=True)
class _Leaf:
    """Lines that are read together: a paragraph, or one line of code or of a table."""

    start: int
    end: int
    is_code: bool
    is_row: bool
    after: OpenBlock


def _leaves(text: str) -> Iterator[_Leaf]:
    leaf: _Leaf | None = None
    for start, end, kind, after in lines_of(text):
        if leaf is not None and kind is LineKind.ON and not leaf.is_code:
            leaf = replace(leaf, end=end, after=after)
            continue
        if leaf is not None:
            yield leaf
        leaf = _Leaf(start, end, kind is LineKind.CODE, after.is_row, after)
    if leaf is not None:
        yield leaf


def _last_open(text: str) -> OpenBlock:
    return next((after for *_, after in reversed(list(lines_of(text)))), OpenBlock())


def _settled(shown: str) -> int:
    """Return how many characters of a message more text cannot change."""
    line = shown.rfind("\n") + 1
    is_whole = line == len(shown)
    leaves = list(_leaves(shown))
    # The unfinished last line may still become a list item, a fence or a break.
    if not is_whole and (_UNDECIDED.match(shown, line) or _begins_fence(leaves, line)):
        shown, is_whole = shown[:line], True
        leaves = list(_leaves(shown))
    if not leaves:
        return 0
    last = leaves[-1]
    if last.is_code:
        found = None if is_whole else _GROWING.search(shown, last.start)
        return found.start() if found else last.end
    if is_whole and (last.is_row or not last.after.is_paragraph):
        return last.end
    return last.start + read(shown[last.start : last.end], may_grow=True, is_row=last.is_row).settled


def _begins_fence(leaves: list[_Leaf], line: int) -> bool:
    before = leaves[-2].after if len(leaves) > 1 else OpenBlock()
    return leaves[-1].start == line and bool(leaves[-1].after.fence) and leaves[-1].after is not before


def _safe(text: str, leaf: _Leaf) -> str:
    if leaf.is_code:
        return _inner(text)
    pieces, done = [], 0
    for found in read(text, may_grow=False, is_row=leaf.is_row).found:
        if found.start >= done:
            pieces += [text[done : found.start], _shown(text, found)]
            done = found.end
    return "".join([*pieces, text[done:]])


def _shown(text: str, found: InlineSpan) -> str:
    """Return one mark of a paragraph, made harmless."""
    written = text[found.start : found.end]
    if found.what is SpanKind.TOKEN:
        return "&lt;"
    if found.what is SpanKind.AUTO:
        return written if _scheme(written[1:-1]) in _SCHEMES else f"&lt;{written[1:]}"
    if found.what in {SpanKind.DEFINITION, SpanKind.NO_LINK}:
        # A blank in between, and neither a definition nor a link begins here.
        return f"{_inner(written)} "
    if found.what is SpanKind.CODE:
        return _inner(written)
    is_image = found.what is SpanKind.IMAGE
    words = text[found.start + 1 + is_image : found.words_end]
    return _link(words, text[found.words_end + 2 : found.end - 1], is_image=is_image)


def _inner(text: str) -> str:
    """Return code, or words inside a link, with Slack's tokens neutralised and nothing else."""
    return _TOKEN.sub("&lt;", text)


def _link(words: str, target: str, *, is_image: bool) -> str:
    shown, address = _inner(words), _inner(target).strip().split(" ")[0].strip("<>")
    if _scheme(address) not in _SCHEMES:
        # Brackets are percent-encoded: a link inside the dropped address must not become a link of its own.
        return f"{shown} ({_inner(target).replace('[', '%5B').replace(']', '%5D')})" if address else shown
    # An image becomes a link, as Slack makes of it anyway (docs/reference/slack.md#block-limits), but with its host.
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
