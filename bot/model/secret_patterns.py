"""Finds secrets by their format: keys and tokens of services, private keys, passwords in URLs; pure.

A filter by format finds what is written as it was issued, not what is encoded or split. The formats are from the
issuers' own documents for secret scanners. Each run of characters is looked at once, however it is written, since
an agent's text may be hostile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import re2

from bot.model.slack_text import RenderedText, as_read, encodable
from bot.model.visible_text import UNSEEN

_START = r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]_)"
"""A token begins where a word begins; the marks of emphasis and the signs that people set before one are no word's."""
_RUN_START = r"(?<![\w.-])"
"""Of shapes that say little a token begins where a run of its characters begins: read once, and `a-sk-…` is none."""
_ALONE = r"(?<![\w.~+/-])"
"""The word before a token is no part of another token, of which an `=` is the end: a text can be cut before it."""
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
_EXACT = frozenset({"anthropic", "aws", "slack_hook", "jwt", "address"})
"""Shapes that say enough by themselves."""
_MARKER = re.compile(r"-----(?P<which>BEGIN|END) [A-Z ]{0,40}PRIVATE KEY-----")
PRIVATE_KEY = "private key"
_WORDS = re.compile(r"[A-Z]?[a-z]{0,15}(?:[A-Z][a-z]{1,15})*|[A-Z]{1,15}|[vV]?\d{1,4}|[A-Za-z]{2,10}\d{1,3}")
"""One part of a name such as `npm_config_oauth2_v1`; what is issued at random has digits among its letters."""
_HINT = re2.compile(
    r"xox|xapp-|hooks\.slack|sk-|gh[pousr]_|github_pat|gl[a-z]{2,5}-|A[KSBC][ICA]A|AIza|ya29|GOCSPX|[sr]k_|whsec_|npm_|pypi-"
    r"|ntn_|secret_|lin_|AT[ACB][TB]|shp|SG\.|hf_|sntry|do[opr]_v1|figd_|eyJ|(?i:bearer)[ \t]|://[^\s/@]*:[^\s/@]+@|-----BEGIN"
)
"""What every shape has in it; read much faster than the shapes, which most texts have none of."""
_BEGINNING = re.compile(
    r"\b(?i:gh[pousr]_|github_pat_|xox[a-z]-|xapp-|sk[-_]|rk[-_]|pk[-_]|lin_|sntry|ntn_|secret_|eyJ|pat-|bearer\s{1,8})"
    r"(?=\S{0,200}[0-9])[\w.~+/=-]{8,}"
)
"""Beginnings that services give their tokens; shorter than a whole one, for somebody may have cut it."""
_LONG_WORD = re.compile(
    r"(?<![\w/.:-])(?:(?=\S{0,200}[0-9])(?=\S{0,200}[A-Z])(?=\S{0,200}[a-z])[\w\-.+=]{24,}|[0-9a-f]{32,})(?![\w/:-])"
)
"""A long word that nobody would type by hand."""
_BEGUN_MARKER = re.compile(r"-----(?:BEGIN|END) [A-Z ]{0,60}\Z")
_BEGUN_BEARER = re.compile(rf"{_ALONE}(?i:bearer)[ \t]{{1,8}}\Z", re.ASCII)
_BEGUN_TARGET = re.compile(r"\]\([^()\s]{0,600}\Z")
_TARGET_MAX = 602
_RUN = re.compile(r"[\x00-\x08\x0e-\x1b!-\x7f]*")
"""ASCII without white space."""


Span = tuple[str, int, int]
"""A secret: its kind in words, where it begins, where it ends."""


def mask_secrets(text: str, hide: Callable[[str, str], str]) -> str:
    """Return the text with each secret replaced by `hide(its kind in words, the secret)`, as written and as read."""
    return mask_piece(text, hide, is_in_key=False)[0]


def mask_piece(text: str, hide: Callable[[str, str], str], *, is_in_key: bool) -> tuple[str, bool]:
    """Return a piece of a text without secrets, and whether it ends inside a private key.

    Pieces that are cut where `settled` says are the whole together. `is_in_key`: the piece before ended inside one.
    """
    spans, is_open = _spans(text, is_in_key=is_in_key)
    pieces, done = [], 0
    if is_in_key:
        done = spans.pop(0)[2]
    for kind, start, end in sorted(spans, key=lambda span: (span[1], -span[2])):
        if start >= done:
            pieces += [text[done:start], hide(kind, text[start:end])]
        done = max(done, end)
    return "".join([*pieces, text[done:]]), is_open


def kinds_of_secrets(text: str) -> tuple[str, ...]:
    """Return the kinds of secrets in a text, in words, each once and in order."""
    return tuple(dict.fromkeys(kind for kind, *_ in sorted(_spans(text)[0], key=lambda span: span[1])))


def _spans(text: str, *, is_in_key: bool = False) -> tuple[list[Span], bool]:
    """Return the secrets in a text, and whether it ends inside a private key; one it begins in is the first of them.

    A key's marks part a text: what is before and after them is looked at by itself.
    """
    reading = as_read(text)
    read = reading.text
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
    """Yield the secrets without white space in a part of a text, as it is read and as it is written."""
    first = reading.ends[start - 1] if start else 0
    last = reading.starts[end] if end < len(reading.text) else len(text)
    read, written = reading.text[start:end], text[first:last]
    for shape, begin, over in _shaped(read):
        yield _SHAPES[shape][0], reading.starts[start + begin], reading.ends[start + over - 1]
    if written != read:
        for shape, begin, over in _shaped(written):
            if shape != "bearer":  # as it is read it is found wherever it is written
                yield _SHAPES[shape][0], first + begin, first + over


def _shaped(text: str) -> Iterator[Span]:
    """Yield each secret by the name of its shape."""
    if not _HINT.search(encodable(text)):
        return
    for found in _SECRET.finditer(text):
        shape = str(found.lastgroup)
        if shape in _EXACT or not _is_name(found[0]):
            yield shape, found.start(), found.end()


def _is_name(text: str) -> bool:
    """Tell whether a text in a secret's shape is a placeholder or a name: words and small numbers, set apart."""
    return all(_WORDS.fullmatch(part) for part in re.split(r"[^A-Za-z0-9]+", text))


def holds_token(text: str, *, only_names: bool) -> bool:
    """Tell whether a command holds what looks like a token: it begins like one, or no name is written like it.

    `only_names` is for where nothing but a name belongs: there a long word of mixed characters is no link and no hash.
    """
    begun = any(not _is_name(found[0]) for found in _BEGINNING.finditer(text))
    return begun or bool(_spans(text)[0]) or (only_names and _LONG_WORD.search(text) is not None)


def settled(text: str, *, looked: int = 0) -> int:
    """Return up to where a text that still grows is known: what follows changes nothing before, nor is changed by it.

    A secret without white space ends with its run of characters; the word before a token, the marks of a private key
    and what a link leads to are not cut. `looked`: up to where there was no such place when it was looked at before.
    """
    cut = _run_start(text, len(text), looked)
    target = _BEGUN_TARGET.search(text, max(0, cut - _TARGET_MAX), cut)
    if target:
        cut = _run_start(text, target.start(), looked)
    if cut <= looked:
        return 0
    reading = as_read(text[:cut])
    limit = _before_begun(text, reading, len(reading.text))
    return cut if limit == len(reading.text) else reading.ends[limit - 1] if limit else 0


def _before_begun(text: str, reading: RenderedText, limit: int) -> int:
    """Return the last place of what is read at which nothing has begun that goes on."""
    read = reading.text
    known = max((marker.end() for marker in _MARKER.finditer(read)), default=0)
    if marker := _BEGUN_MARKER.search(read, known, limit):
        limit = marker.start()
        while limit > known and not _is_break(text, reading, limit - 1):
            limit -= 1
    bearer = _BEGUN_BEARER.search(read[known:limit])
    return known + bearer.start() if bearer else limit


def _is_break(text: str, reading: RenderedText, index: int) -> bool:
    """Tell whether a character that is read was written as one that ends a run."""
    start = reading.starts[index]
    return reading.ends[index] == start + 1 and _run_length(text[start]) == 0


def _run_start(text: str, end: int, least: int) -> int:
    """Return where the run of characters before `end` begins, `least` if it is not after that."""
    return max(least, end - _run_length(text[least:end][::-1]))


def _run_length(text: str) -> int:
    """Return how much of the beginning may be of a secret as it is written: of the secret, its markup, or unseen."""
    length = 0
    while length < len(text):
        length = _RUN.match(text, length).end()  # type: ignore[union-attr]  # it matches nothing, too
        if length == len(text) or not UNSEEN.match(text[length]):
            break
        length += 1
    return length
