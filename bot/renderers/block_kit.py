"""Block Kit elements, each cut to Slack's length.

Untrusted words come in as plain strings and are shown literally. Only arguments named `mrkdwn` are markup: callers
build them from words that went through `safe_markdown.escape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NewType

from bot.model.visible_text import one_line, shorten, visible
from bot.renderers import slack_limits
from bot.renderers.safe_markdown import escape, shorten_markup

Block = dict[str, Any]
"""A block or an element, as Slack takes it."""
View = NewType("View", Block)
"""A modal or an App Home; a type of its own, so that a test can find every function that renders one."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its blocks, and the text that notifications and screen readers use instead of them."""

    text: str
    blocks: tuple[Block, ...] = field(default=())


def mention(user_id: str) -> str:
    """Return a mention, as mrkdwn; in a new message it notifies the person.

    Used wherever identity matters: anybody can choose any display name.
    """
    return f"<@{escape(user_id)}>"


def message(text: str, *blocks: Block) -> Message:
    """Return a message; `text` is plain and becomes the fallback, which Slack reads as markup, so it is escaped."""
    return Message(
        shorten_markup(escape(text), slack_limits.FALLBACK_TEXT_MAX), blocks[: slack_limits.MESSAGE_BLOCKS_MAX]
    )


def plain(text: str, limit: int) -> Block:
    """Return a literal text object of one line."""
    # Slack refuses an empty text and everything that contains it.
    return {"type": "plain_text", "text": one_line(text, limit) or "…", "emoji": False}


def section(mrkdwn: str, accessory: Block | None = None) -> Block:
    """Return a paragraph, optionally with one button or menu beside it."""
    # `verbatim` keeps Slack from turning bare URLs, channel names and @names in the text into links and mentions.
    text = {"type": "mrkdwn", "text": shorten_markup(mrkdwn, slack_limits.SECTION_TEXT_MAX), "verbatim": True}
    block: Block = {"type": "section", "text": text}
    return block | {"accessory": accessory} if accessory else block


def context(*mrkdwn: str) -> Block:
    """Return a line in small print, its parts joined by a middle dot."""
    text = shorten_markup(" · ".join(part for part in mrkdwn if part), slack_limits.CONTEXT_TEXT_MAX)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def header(text: str) -> Block:
    """Return a heading."""
    return {"type": "header", "text": plain(text, slack_limits.HEADER_MAX)}


def divider() -> Block:
    """Return a horizontal line."""
    return {"type": "divider"}


def actions(*buttons: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(
    text: str,
    action_id: str,
    value: str = "",
    *,
    style: str | None = None,
    url: str | None = None,
    label: str | None = None,
    only_for: str | None = None,
    confirm: Block | None = None,
) -> Block:
    """Return a button; `only_for` hides it from everybody else, which is no authorisation."""
    optional = {
        "value": shorten(value, slack_limits.BUTTON_VALUE_MAX) or None,
        "style": style,
        "url": url,
        # Several buttons of a message may read “Approve”; screen readers need to tell them apart.
        "accessibility_label": one_line(label, slack_limits.ACCESSIBILITY_LABEL_MAX) if label else None,
        # It hides the button and guards nothing (docs/reference/slack.md#interactions).
        "visible_to_user_ids": [only_for] if only_for else None,
        "confirm": confirm,
    }
    element: Block = {"type": "button", "action_id": action_id, "text": plain(text, slack_limits.BUTTON_TEXT_MAX)}
    return element | {key: given for key, given in optional.items() if given is not None}


def menu(hint: str, action_id: str, options: Sequence[tuple[str, str]]) -> Block:
    """Return a menu of `(words, value)` pairs; those beyond Slack's 100 are left out."""
    listed = [
        {"text": plain(words, slack_limits.OPTION_TEXT_MAX), "value": value}
        for words, value in options[: slack_limits.OPTIONS_MAX]
    ]
    return {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(hint, slack_limits.PLACEHOLDER_MAX),
        "options": listed,
    }


def confirm(title: str, text: str, yes: str, no: str, *, is_dangerous: bool = False) -> Block:
    """Return the question a button asks before it acts."""
    dialog: Block = {
        "title": plain(title, slack_limits.CONFIRM_TITLE_MAX),
        "text": plain(text, slack_limits.CONFIRM_TEXT_MAX),
        "confirm": plain(yes, slack_limits.CONFIRM_BUTTON_MAX),
        "deny": plain(no, slack_limits.CONFIRM_BUTTON_MAX),
    }
    return dialog | {"style": "danger"} if is_dangerous else dialog


def quote(text: str, *, limit: int = slack_limits.SECTION_TEXT_MAX) -> Block:
    """Return somebody's words as a literal quotation."""
    # Rich text is always literal, so nothing in a quotation can mention or link.
    words = shorten(visible(text).strip(), limit) or "…"
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [literal(words)]}]}


def preformatted(text: str) -> Block:
    """Return literal text in a box, cut to `slack_limits.PREFORMATTED_MAX` characters."""
    words = shorten(visible(text), slack_limits.PREFORMATTED_MAX) or "…"
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [literal(words)]}]}


def paragraph(text: str) -> Block:
    """Return text as one literal paragraph, the form in which task cards take details."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [literal(text)]}]}


def literal(text: str) -> Block:
    """Return a rich text element, which Slack always shows literally."""
    return {"type": "text", "text": text}


def modal(
    title: str, callback_id: str, *blocks: Block, private_metadata: str = "", submit: str = "", close: str = ""
) -> View:
    """Return a modal; without `submit` it can only be closed. `close` is the word for that, where it is another one."""
    view: Block = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, slack_limits.VIEW_TITLE_MAX),
        "close": plain(close or ("Cancel" if submit else "Close"), slack_limits.VIEW_TITLE_MAX),
        "private_metadata": private_metadata,
        "blocks": list(blocks[: slack_limits.VIEW_BLOCKS_MAX]),
    }
    return View(view | {"submit": plain(submit, slack_limits.VIEW_TITLE_MAX)} if submit else view)


def text_field(
    label: str, block_id: str, action_id: str, *, hint: str, is_optional: bool = False, is_line: bool = False
) -> Block:
    """Return a text input of several lines, or of one with `is_line`."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, slack_limits.LABEL_MAX),
        "optional": is_optional,
        "element": {
            "type": "plain_text_input",
            "action_id": action_id,
            "multiline": not is_line,
            "max_length": slack_limits.INPUT_MAX,
            "placeholder": plain(hint, slack_limits.PLACEHOLDER_MAX),
        },
    }
