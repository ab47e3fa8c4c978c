"""The arguments of a held call, for the people who decide about it: in pages, nothing invisible, secrets masked.

Values are shown literally. A long or multi-line value gets a box of its own, so that no part of it can pass for
another argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from bot.model.secret_patterns import mask_secrets
from bot.model.visible_text import one_line, shorten
from bot.renderers.block_kit import Block, literal, preformatted
from bot.renderers.safe_markdown import revealed
from bot.renderers.slack_limits import pieces

PAGE_BLOCKS_MAX = 40
PAGE_BYTES_MAX = 100_000
"""Ours, well below the 100 blocks and 250 kB of a view. Bytes of JSON, where a non-ASCII character takes six."""
_PIECE = 2_900
_SHORT = 160
_LABEL = 80
_FACTS_MAX = 20
# Deeper values could exhaust Python's stack, and nobody can judge them anyway.
_DEEPEST = 40
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase|code)|secret|(^|[_-])(api|access|private|auth)?_?-?(token|key)$|api-?_?key|credential"
    r"|authori[sz]ation|cookie|(^|[_-])(pwd|otp|pin)$",
    re.IGNORECASE,
)


def masked(value: object, name: str = "", depth: int = 0) -> object:
    """Return a value with everything hidden that looks like a secret, by its name or by its shape."""
    if depth > _DEEPEST:
        return "(nested too deeply to show; if in doubt, deny)"
    if isinstance(value, Mapping):
        return {str(key): masked(inner, str(key), depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(inner, name, depth + 1) for inner in value]
    if not isinstance(value, str):
        return value
    if _SECRET_NAME.search(_snake(name)) and value:
        return _hidden(value)
    # The length stays visible, so that an empty or odd value is noticed.
    return mask_secrets(value, lambda _, secret: _hidden(secret))


def preview(arguments: Mapping[str, object], limit: int) -> str:
    """Return the arguments one per line, for a card in a private place."""
    lines = [f"{_label(name)}: {_on_one_line(value)}" for name, value in _shown(arguments)]
    return shorten("\n".join(lines) or "No arguments", limit)


def argument_pages(arguments: Mapping[str, object]) -> list[list[Block]]:
    """Return all the arguments as blocks, one list per page; nothing is left out."""
    pages: list[list[Block]] = [[]]
    size = 0
    for block in _blocks(arguments):
        weight = len(json.dumps(block))
        if pages[-1] and (len(pages[-1]) >= PAGE_BLOCKS_MAX or size + weight > PAGE_BYTES_MAX):
            pages.append([])
            size = 0
        pages[-1].append(block)
        size += weight
    return pages


def _blocks(arguments: Mapping[str, object]) -> Iterator[Block]:
    facts: list[Block] = []
    for name, value in _shown(arguments):
        text = _whole(value)
        if len(text) <= _SHORT and "\n" not in text and len(facts) < _FACTS_MAX:
            facts.append(_line(name, f": {text}"))
            continue
        if facts:
            yield _rich(facts)
            facts = []
        yield _rich([_line(name, "")])
        yield from (preformatted(piece) for piece in pieces(text, _PIECE))
    if facts:
        yield _rich(facts)
    elif not arguments:
        yield _rich([{"type": "rich_text_section", "elements": [literal("No arguments")]}])


def _shown(arguments: Mapping[str, object]) -> list[tuple[str, object]]:
    return [(str(name), masked(value, str(name))) for name, value in arguments.items()]


def _rich(parts: list[Block]) -> Block:
    return {"type": "rich_text", "elements": parts}


def _line(name: str, rest: str) -> Block:
    bold = literal(_label(name)) | {"style": {"bold": True}}
    return {"type": "rich_text_section", "elements": [bold, literal(f"{rest}\n")]}


def _label(name: str) -> str:
    return one_line(revealed(name), _LABEL) or "(no name)"


def _whole(value: object) -> str:
    if isinstance(value, str):
        return revealed(value) or "(empty)"
    return revealed(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _on_one_line(value: object) -> str:
    text = value if isinstance(value, str) and "\n" not in value else json.dumps(value, ensure_ascii=False, default=str)
    return revealed(text)


def _snake(name: str) -> str:
    # The pattern knows `api_key`; services also write `apiKey`.
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def _hidden(secret: str) -> str:
    return f"•••••• ({len(secret)} characters hidden)"
