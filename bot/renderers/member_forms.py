"""Forms that ask a member for words: a task, a token, a code. Denying with a reason is in `approval_card`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bot.model import action_ids
from bot.model.notices import ServiceChoice
from bot.model.visible_text import one_line
from bot.renderers.block_kit import View, context, modal, quote, section, text_field
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import HOST_MAX, LINE_MAX, SERVICE_MAX

# Characters of a quoted message that the form shows; the agent gets all of it.
_QUOTED_SHOWN = 1_200


def render_ask_form(where: Mapping[str, object], quoted: str | None) -> View:
    """Return the form for a task; `where` it was opened is its `private_metadata`, as JSON."""
    hint = "Find, summarise or change something in the tools you have connected"
    field = text_field("What should your agent do?", action_ids.ASK_FIELD_BLOCK, action_ids.ASK_FIELD, hint=hint)
    blocks = [field]
    if quoted:
        blocks += [section("About this message:"), quote(quoted, limit=_QUOTED_SHOWN)]
        whole = "All of it goes along. " if len(quoted) > _QUOTED_SHOWN else ""
        blocks.append(context(f"{whole}Your agent reads it as somebody else's words, not as an instruction."))
    if where.get("is_private"):
        blocks.append(context("Answered in our direct messages, where only you can read it"))
    metadata = json.dumps(where, ensure_ascii=False)
    return modal("Ask the Agent", action_ids.ASK_FORM, *blocks, private_metadata=metadata, submit="Ask")


def render_token_form(choice: ServiceChoice, host: str, page: str | None) -> View:
    """Return the form for a personal token."""
    # Slack has no password field: the token is readable while it is typed, so the form says where it goes.
    name = one_line(choice.title, SERVICE_MAX)
    where = f"Make one at {escape(one_line(page, LINE_MAX))}\n" if page and page.startswith("https://") else ""
    hint = "Paste it here, and nowhere else in Slack"
    field = text_field(
        f"Your token for {name}", action_ids.TOKEN_FIELD_BLOCK, action_ids.TOKEN_FIELD, hint=hint, is_line=True
    )
    promise = (
        f"It goes straight to your own vault at Claude and is only ever sent to {escape(one_line(host, HOST_MAX))}."
    )
    blocks = [section(f"{where}{promise}"), field, context("I don't keep it · give it the least access that will do")]
    return modal(f"Connect {name}", action_ids.TOKEN_FORM, *blocks, private_metadata=choice.name, submit="Connect")


def render_code_form(ticket_id: str, service: str) -> View:
    """Return the form for the code that a member's browser shows."""
    hint = "Eight letters and digits, such as 7QF2-KX9M"
    field = text_field("Code", action_ids.CODE_FIELD_BLOCK, action_ids.CODE_FIELD, hint=hint, is_line=True)
    words = f"It is on the page that your browser shows after you allowed access to {one_line(service, SERVICE_MAX)}."
    blocks = (section(escape(words)), field)
    return modal("Enter the Code", action_ids.CODE_FORM, *blocks, private_metadata=ticket_id, submit="Connect")
