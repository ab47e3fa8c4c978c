"""Finds secrets by their format: keys and tokens of services, private keys, passwords in URLs; pure.

It finds secrets that are written as they were issued, not encoded or split ones. The formats are from the issuers' own
documents for secret scanners. Each run of characters is read once, whatever it contains, since an agent's text may be
hostile and must not make this slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import re2

from bot.model.slack_text import RenderedText, as_read, encodable
from bot.model.visible_text import UNSEEN

# A token begins where a word begins. An underscore before it may be emphasis (`_ghp_…_`), so it only counts as part of
# a word after a letter or digit.
_START = r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]_)"
# Vague shapes must begin where a run of their characters begins: it is read once then, and `a-sk-…` does not match.
_RUN_START = r"(?<![\w.-])"
# `Bearer` must not continue another token (an `=` before it ends one), so a text can always be cut before it.
_ALONE = r"(?<![\w.~+/-])"
_SHAPES: dict[str, tuple[str, str]] = {
    "slack": ("Slack token", rf"{_START}(?:xox[a-z](?:\.xox[a-z])?-[\w-]{{10,}}|xapp-[\w-]{{10,}})"),
    "slack_hook": ("Slack webhook", r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/-]{20,}"),
    "anthropic": ("Anthropic key", rf"{_START}sk-ant-[\w-]{{16,}}"),
    "model": ("API key", rf"{_RUN_START}sk-(?=[\w-]{{0,200}}\d)[\w-]{{20,}}"),
    "github": ("GitHub token", rf"{_START}(?:gh[pousr]_\w{{20,}}|github_pat_\w{{20,}})"),
    "gitlab": ("GitLab token", rf"{_START}gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w.-]{{16,}}"),
    "aws": ("AWS key", rf"{_START}(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{{16}}(?![0-9A-Za-z])"),
    "google": ("Google key", rf"{_START}(?:AIza[\w-]{{30,}}|ya29\.[\w-]{{20,}}|GOCSPX-[\w-]{{20,}})"),
    "stripe": ("Stripe key", rf"{_START}(?:[sr]k_(?:live|test)_\w{{16,}}|whsec_[\w+/]{{20,}}=*)"),
    "npm": ("npm token", rf"{_START}npm_\w{{30,}}"),
    "pypi": ("PyPI token", rf"{_START}pypi-AgE[\w-]{{30,}}"),
    "notion": ("Notion token", rf"{_START}(?:ntn_\w{{30,}}|secret_\w{{40,}})"),
    "linear": ("Linear key", rf"{_START}lin_(?:api|oauth)_\w{{30,}}"),
    "atlassian": ("Atlassian token", rf"{_START}AT(?:ATT|CTT|BB)[\w-]{{20,}}(?:=[0-9A-Fa-f]{{8}})?"),
    "shopify": ("Shopify token", rf"{_START}shp(?:at|ca|pa|ss)_[0-9a-f]{{32,}}"),
    "sendgrid": ("SendGrid key", rf"{_START}SG\.[\w-]{{16,32}}\.[\w-]{{16,64}}"),
    "hugging_face": ("Hugging Face token", rf"{_START}hf_\w{{30,}}"),
    "sentry": ("Sentry token", rf"{_START}sntry[su]_[\w+/-]{{30,}}(?:={{1,2}}_[\w+/-]*)?=*"),
    "digitalocean": ("DigitalOcean token", rf"{_START}do[opr]_v1_[0-9a-f]{{40,}}"),
    "figma": ("Figma token", rf"{_START}figd_[\w-]{{30,}}"),
    "jwt": ("signed token", rf"{_RUN_START}eyJ[\w-]{{8,}}\.eyJ[\w-]{{8,}}\.[\w-]*"),
    "bearer": ("bearer token", rf"{_ALONE}(?i:bearer)[ \t]{{1,8}}[\w.~+/-]{{16,}}=*"),
    "address": ("password", r"(?<=://)[\w.~!$&'()*+,;=%-]{0,256}:[\w.~!$&'()*+,;=%-]{3,256}(?=@)"),
}
_SECRET = re.compile("|".join(f"(?P<{name}>{shape})" for name, (_, shape) in _SHAPES.items()), re.ASCII)
# Shapes that are certain by themselves; matches of the others may be placeholders (`_is_name`).
_EXACT = frozenset({"anthropic", "aws", "slack_hook", "jwt", "address"})
# A private key has many lines, so it is found by its BEGIN and END lines and not by a shape.
_MARKER = re.compile(r"-----(?P<which>BEGIN|END) [A-Z ]{0,40}PRIVATE KEY-----")
PRIVATE_KEY = "private key"
# One part of a name such as `npm_config_oauth2_v1`; random tokens have digits among their letters.
_WORDS = re.compile(r"[A-Z]?[a-z]{0,15}(?:[A-Z][a-z]{1,15})*|[A-Z]{1,15}|[vV]?\d{1,4}|[A-Za-z]{2,10}\d{1,3}")
# A fixed part of every shape. RE2 finds these much faster than `re` finds the shapes, and most texts have none.
_HINT = re2.compile(
    r"xox|xapp-|hooks\.slack|sk-|gh[pousr]_|github_pat|gl[a-z]{2,5}-|A[KSBC][ICA]A|AIza|ya29|GOCSPX|[sr]k_|whsec_|npm_|pypi-"
    r"|ntn_|secret_|lin_|AT[ACB][TB]|shp|SG\.|hf_|sntry|do[opr]_v1|figd_|eyJ|(?i:bearer)[ \t]|://[^\s/@]*:[^\s/@]+@|-----BEGIN"
)
# Prefixes that services give their tokens, with less behind them than in a whole one: somebody may have cut it.
_BEGINNING = re.compile(
    r"\b(?i:gh[pousr]_|github_pat_|xox[a-z]-|xapp-|sk[-_]|rk[-_]|pk[-_]|lin_|sntry|ntn_|secret_|eyJ|pat-|bearer\s{1,8})"
    r"(?=\S{0,200}[0-9])[\w.~+/=-]{8,}"
)
# Tokens that Deputy holds or passes on, and ids of vaults: none has any business in a log, whole or cut.
_OURS = re.compile(
    r"(?:xox[a-z]-|xapp-|sk-ant-|whsec_|Bearer\s+|eyJ[A-Za-z0-9_-]{8,}\.|gh[pousr]_|vlt_)[A-Za-z0-9._~+/=-]*"
)
# A long word of mixed characters that nobody would type by hand.
_LONG_WORD = re.compile(
    r"(?<![\w/.:-])(?:(?=\S{0,200}[0-9])(?=\S{0,200}[A-Z])(?=\S{0,200}[a-z])[\w\-.+=]{24,}|[0-9a-f]{32,})(?![\w/:-])"
)
_BEGUN_MARKER = re.compile(r"-----(?:BEGIN|END) [A-Z ]{0,60}\Z")
_BEGUN_BEARER = re.compile(rf"{_ALONE}(?i:bearer)[ \t]{{1,8}}\Z", re.ASCII)
_BEGUN_TARGET = re.compile(r"\]\([^()\s]{0,600}\Z")
_TARGET_MAX = 602
# ASCII without white space.
_RUN = re.compile(r"[\x00-\x08\x0e-\x1b!-\x7f]*")


Span = tuple[str, int, int]
"""A secret: its kind in words, its start and its end."""


def mask_secrets(text: str, hide: Callable[[str, str], str]) -> str:
    """Return the text with each secret replaced by `hide(kind in words, secret)`, also secrets hidden by markup."""
    return mask_piece(text, hide, is_in_key=False)[0]


def without_secrets(text: str) -> str:
    """Return a text for a log: without its secrets, nor whatever begins like one of ours, however little is left."""
    return _OURS.sub("•••", mask_secrets(text, lambda *_: "•••"))


def mask_piece(text: str, hide: Callable[[str, str], str], *, is_in_key: bool) -> tuple[str, bool]:
    """Return a piece of a text without its secrets, and whether it ends inside a private key.

    Pieces that were cut where `settled` says give the same as the whole text. `is_in_key`: the piece before this one
    ended inside a private key.
    """
    spans, is_open = _spans(text, is_in_key=is_in_key)
    pieces, done = [], 0
    if is_in_key:
        done = spans.pop(0)[2]
    # The longest of several at the same place first, so that no rest of it stays.
    for kind, start, end in sorted(spans, key=lambda span: (span[1], -span[2])):
        if start >= done:
            pieces += [text[done:start], hide(kind, text[start:end])]
        done = max(done, end)
    return "".join([*pieces, text[done:]]), is_open


def kinds_of_secrets(text: str) -> tuple[str, ...]:
    """Return the kinds of secrets in a text, in words, each once, in the order of the text."""
    return tuple(dict.fromkeys(kind for kind, *_ in sorted(_spans(text)[0], key=lambda span: span[1])))


def _spans(text: str, *, is_in_key: bool = False) -> tuple[list[Span], bool]:
    """Return the secrets in a text, and whether it ends inside a private key.

    With `is_in_key` the first one is the rest of the key in which the text begins. BEGIN and END lines divide a text:
    what is before and after them is searched separately.
    """
    reading = as_read(text)
    read = reading.text
    # Most texts end here: searching for the shapes themselves is much slower.
    if not (is_in_key or _HINT.search(encodable(text)) or (read != text and _HINT.search(encodable(read)))):
        return [], False
    spans: list[Span] = []
    at, key = 0, 0 if is_in_key else -1
    for marker in _MARKER.finditer(read):
        start, end = marker.span()
        if key < 0:
            spans += _words(text, reading, at, start)
            key = reading.starts[start] if marker["which"] == "BEGIN" else -1
        elif marker["which"] == "END":
            spans.append((PRIVATE_KEY, key, reading.ends[end - 1]))
            key = -1
        at = end
    spans += _words(text, reading, at, len(read)) if key < 0 else [(PRIVATE_KEY, key, len(text))]
    return spans, key >= 0


def _words(text: str, reading: RenderedText, start: int, end: int) -> Iterator[Span]:
    """Yield the secrets in a part of a text, searched both as it is rendered and as it is written."""
    first = reading.ends[start - 1] if start else 0
    last = reading.starts[end] if end < len(reading.text) else len(text)
    read, written = reading.text[start:end], text[first:last]
    for shape, begin, over in _shaped(read):
        yield _SHAPES[shape][0], reading.starts[start + begin], reading.ends[start + over - 1]
    if written != read:
        for shape, begin, over in _shaped(written):
            if shape != "bearer":  # the rendered text has found every one of these already
                yield _SHAPES[shape][0], first + begin, first + over


def _shaped(text: str) -> Iterator[Span]:
    """Yield each secret as `(name of its shape, start, end)`."""
    if not _HINT.search(encodable(text)):
        return
    for found in _SECRET.finditer(text):
        shape = str(found.lastgroup)
        # `sk-this-is-a-placeholder` has the shape of a key and is none.
        if shape in _EXACT or not _is_name(found[0]):
            yield shape, found.start(), found.end()


def _is_name(text: str) -> bool:
    """Tell whether a text in a secret's shape is only a placeholder or a name: words and small numbers."""
    return all(_WORDS.fullmatch(part) for part in re.split(r"[^A-Za-z0-9]+", text))


def holds_token(text: str, *, only_names: bool) -> bool:
    """Tell whether the words of a command contain something that looks like a token, or like the beginning of one.

    `only_names`: only the name of a service belongs here, so a long word of mixed characters is a token too, while
    elsewhere it may be a link or a hash.
    """
    begun = any(not _is_name(found[0]) for found in _BEGINNING.finditer(text))
    return begun or bool(_spans(text)[0]) or (only_names and _LONG_WORD.search(text) is not None)


def settled(text: str, *, looked: int = 0) -> int:
    """Return the last place where a growing text can be cut, so that no secret is on both sides of the cut.

    A secret ends with its run of characters without white space. The word `Bearer` before a token, the BEGIN and END
    lines of a private key and the targets of links are not cut either. `looked`: the length up to which an earlier call
    has found no such place; nothing before it is searched again. Returns 0 if there is no place.
    """
    cut = _run_start(text, len(text), looked)
    # The address of a link is not rendered, so a secret in it is only found once the link is complete.
    target = _BEGUN_TARGET.search(text, max(0, cut - _TARGET_MAX), cut)
    if target:
        cut = _run_start(text, target.start(), looked)
    if cut <= looked:
        return 0
    reading = as_read(text[:cut])
    limit = _before_begun(text, reading, len(reading.text))
    return cut if limit == len(reading.text) else reading.ends[limit - 1] if limit else 0


def _before_begun(text: str, reading: RenderedText, limit: int) -> int:
    """Return the last place in the rendered text where no key's line and no `Bearer` is unfinished."""
    read = reading.text
    known = max((marker.end() for marker in _MARKER.finditer(read)), default=0)
    if marker := _BEGUN_MARKER.search(read, known, limit):
        limit = marker.start()
        while limit > known and not _is_break(text, reading, limit - 1):
            limit -= 1
    bearer = _BEGUN_BEARER.search(read[known:limit])
    return known + bearer.start() if bearer else limit


def _is_break(text: str, reading: RenderedText, index: int) -> bool:
    """Tell whether a rendered character was written as itself and ends a run (white space, for example)."""
    start = reading.starts[index]
    return reading.ends[index] == start + 1 and _run_length(text[start]) == 0


def _run_start(text: str, end: int, least: int) -> int:
    """Return where the run of characters before `end` begins, but no less than `least`."""
    return max(least, end - _run_length(text[least:end][::-1]))


def _run_length(text: str) -> int:
    """Return the length of the run at the beginning: characters of a secret or its markup, and invisible ones."""
    length = 0
    while length < len(text):
        length = _RUN.match(text, length).end()  # type: ignore[union-attr]  # it matches nothing, too
        if length == len(text) or not UNSEEN.match(text[length]):
            break
        length += 1
    return length
