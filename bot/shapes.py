"""Secrets known by their shape: keys and tokens of services, private keys, passwords in addresses; pure.

A filter by shape finds what is written as it is issued; what is encoded or taken apart it does not. Shapes are from the
issuers' own documents on how scanners may find them. They look at a run of characters once, however it is written: an
agent's text is nobody's friend.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain

import re2

from bot.text import as_read, encodable
from bot.visible import UNSEEN

_START = r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]_)"
"""A token begins where a word begins; the marks of emphasis and the signs that people set before one are no word's."""
_RUN_START = r"(?<![\w.-])"
"""Of shapes that say little a token begins where a run of its characters begins: read once, and `a-sk-…` is none."""
_SHAPES: dict[str, tuple[str, str]] = {
    "slack": ("Slack token", rf"{_START}(?:xox[a-z](?:\.xox[a-z])?-[\w-]{{10,}}|xapp-[\w-]{{10,}})"),
    "slack_hook": ("Slack webhook", r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/-]{20,}"),
    "anthropic": ("Anthropic key", rf"{_START}sk-ant-[\w-]{{16,}}"),
    "model": ("API key", rf"{_RUN_START}sk-(?=[\w-]{{0,200}}\d)[\w-]{{20,}}"),
    "github": ("GitHub token", rf"{_START}(?:gh[pousr]_\w{{20,}}|github_pat_\w{{20,}})"),
    "gitlab": ("GitLab token", rf"{_START}gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w.-]{{16,}}"),
    "aws": ("AWS key", rf"{_START}(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{{16}}(?![0-9A-Za-z])"),
    "google": ("Google key", rf"{_START}(?:AIza[\w-]{{30,}}|ya29\.[\w-]{{20,}}|GOCSPX-[\w-]{{20,}})"),
    "stripe": ("Stripe key", rf"{_START}(?:[sr]k_(?:live|test)_\w{{16,}}|whsec_[\w+/=]{{20,}})"),
    "npm": ("npm token", rf"{_START}npm_\w{{30,}}"),
    "pypi": ("PyPI token", rf"{_START}pypi-AgE[\w-]{{30,}}"),
    "notion": ("Notion token", rf"{_START}(?:ntn_\w{{30,}}|secret_\w{{40,}})"),
    "linear": ("Linear key", rf"{_START}lin_(?:api|oauth)_\w{{30,}}"),
    "atlassian": ("Atlassian token", rf"{_START}AT(?:ATT|CTT|BB)[\w=-]{{20,}}"),
    "shopify": ("Shopify token", rf"{_START}shp(?:at|ca|pa|ss)_[0-9a-f]{{32,}}"),
    "sendgrid": ("SendGrid key", rf"{_START}SG\.[\w-]{{16,32}}\.[\w-]{{16,64}}"),
    "hugging_face": ("Hugging Face token", rf"{_START}hf_\w{{30,}}"),
    "sentry": ("Sentry token", rf"{_START}sntry[su]_[\w+/=-]{{30,}}"),
    "digitalocean": ("DigitalOcean token", rf"{_START}do[opr]_v1_[0-9a-f]{{40,}}"),
    "figma": ("Figma token", rf"{_START}figd_[\w-]{{30,}}"),
    "jwt": ("signed token", rf"{_RUN_START}eyJ[\w-]{{8,}}\.eyJ[\w-]{{8,}}\.[\w-]*"),
    "bearer": ("bearer token", r"(?i:\bbearer)[ \t]{1,8}[\w.~+/=-]{16,}"),
    "address": ("password", r"(?<=://)[\w.~!$&'()*+,;=%-]{0,256}:[\w.~!$&'()*+,;=%-]{3,256}(?=@)"),
    "private_key": (
        "private key",
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    ),
}
_SECRET = re.compile("|".join(f"(?P<{name}>{shape})" for name, (_, shape) in _SHAPES.items()), re.ASCII)
_EXACT = frozenset({"anthropic", "aws", "slack_hook", "jwt", "address", "private_key"})
"""Shapes that say enough by themselves."""
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
_BEGUN = re.compile(r"(?i:\bbearer)[ \t]{1,8}\Z|-----BEGIN [A-Z ]{0,60}\Z", re.ASCII)
_BEGUN_MAX = 400
_RUN = re.compile(r"[\x00-\x08\x0e-\x1b!-\x7f]*")
"""ASCII without white space."""


def secrets_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each secret in a text, in order: its kind in words, where it begins, where it ends."""
    if not _HINT.search(encodable(text)):
        return
    for found in _SECRET.finditer(text):
        shape = str(found.lastgroup)
        if shape in _EXACT or not _is_name(found[0]):
            yield _SHAPES[shape][0], found.start(), found.end()


def mask_secrets(text: str, hide: Callable[[str, str], str]) -> str:
    """Return the text with each secret replaced by `hide(its kind in words, the secret)`, as written and as read."""
    reading = as_read(text)
    spans = list(secrets_in(text))
    if reading.text != text:
        read = secrets_in(reading.text)
        spans += [(kind, reading.starts[start], reading.ends[end - 1]) for kind, start, end in read]
    pieces, done = [], 0
    for kind, start, end in sorted(spans, key=lambda span: (span[1], -span[2])):
        if start >= done:
            pieces += [text[done:start], hide(kind, text[start:end])]
        done = max(done, end)
    return "".join([*pieces, text[done:]])


def kinds_of_secrets(text: str) -> tuple[str, ...]:
    """Return the kinds of secrets in a text, in words, each once and in order."""
    found = chain(secrets_in(text), secrets_in(as_read(text).text))
    return tuple(dict.fromkeys(kind for kind, _, _ in found))


def _is_name(text: str) -> bool:
    """Tell whether a text in a secret's shape is a placeholder or a name: words and small numbers, set apart."""
    return all(_WORDS.fullmatch(part) for part in re.split(r"[^A-Za-z0-9]+", text))


def holds_token(text: str, *, only_names: bool) -> bool:
    """Tell whether a command holds what looks like a token: it begins like one, or no name is written like it.

    `only_names` is for where nothing but a name belongs: there a long word of mixed characters is no link and no hash.
    """
    begun = any(not _is_name(found[0]) for found in _BEGINNING.finditer(text))
    return begun or any(secrets_in(text)) or (only_names and _LONG_WORD.search(text) is not None)


def settled(text: str) -> int:
    """Return up to where a text that still grows can be shown: what follows may be the begin of a secret.

    Masking what is before never says anything else than masking the whole later (a private key, whose end may be
    missing, is replaced from its begin on).
    """
    cut = len(text) - _run_length(text[::-1])
    before = max(0, cut - _BEGUN_MAX)
    reading = as_read(text[before:cut])
    begun = _BEGUN.search(reading.text)
    return before + reading.starts[begun.start()] if begun else cut


def _run_length(text: str) -> int:
    """Return how much of the beginning may be of a secret as it is written: of the secret, its markup, or unseen."""
    length = 0
    while length < len(text):
        length = _RUN.match(text, length).end()  # type: ignore[union-attr]  # it matches nothing, too
        if length == len(text) or not UNSEEN.match(text[length]):
            break
        length += 1
    return length
