"""A message, streamed or not, and the text that people read in it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.slack.people import APP, BOT_ID, TEAM

MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|<!(channel|here|everyone)(?:\|[^>]*)?>|<!subteam\^([A-Z0-9]+)")
LINK = re.compile(r"https?://[^\s<>|)\"']+")
OPEN = "in_progress"
COMPLETED = "completed"
ERRORED = "errored"
STOPPED = "stopped"


@dataclass(frozen=True)
class Ping:
    """A notification that a message caused: `target` is a user id, `channel`/`here`/`everyone` or a group id."""

    target: str
    by: str
    channel: str
    ts: str


@dataclass(frozen=True)
class Unfurl:
    """A link that Slack's servers would have fetched."""

    url: str
    channel: str
    ts: str


@dataclass
class Message:
    """One message. The fields from `markdown` on belong to streamed ones."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str | None = None
    by_app: bool = False
    bot_id: str | None = None
    subtype: str | None = None
    metadata: dict[str, Any] | None = None
    edited: dict[str, str] | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    username: str | None = None
    ephemeral_to: str | None = None
    """The only person who sees it, for an ephemeral message; the Web API does not return those."""
    is_tombstone: bool = False
    version: int = 0
    """The workspace's version when it last changed."""

    markdown: str = ""
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Task id → `title`, `status`, `details`, `output`, `sources`, in order of appearance."""
    plan_title: str | None = None
    parts: list[dict[str, Any]] = field(default_factory=list)
    """What was streamed, in order, by `type`: `text` (text), `task` (id), `blocks` (blocks)."""
    task_display_mode: str | None = None
    streaming_state: str | None = None
    """None: not a stream; `in_progress`, `completed`, `stopped` (by a person), `errored` (the broken pill)."""
    stream_started_at: float = 0.0
    stream_broken: bool = False
    """Whether the "broken" pill is shown; only an update removes it."""
    stopped_by: str | None = None
    recipient_user_id: str | None = None

    @property
    def is_open_stream(self) -> bool:
        """Return whether it can still be appended to."""
        return self.streaming_state == OPEN

    @property
    def root_ts(self) -> str:
        """Return the ts of its thread's root; its own if it is not a reply."""
        return self.thread_ts or self.ts

    def as_json(self, *, with_metadata: bool = False) -> dict[str, Any]:
        """Return the message in the form of the Web API and of events."""
        message: dict[str, Any] = {"type": "message", "user": self.user, "ts": self.ts, "team": TEAM}
        message["text"] = self.markdown if self.streaming_state and not self.text else self.text
        if self.by_app:
            message |= {"bot_id": BOT_ID, "app_id": APP, "bot_profile": {"id": BOT_ID, "app_id": APP, "team_id": TEAM}}
        elif self.bot_id:
            message["bot_id"] = self.bot_id
        optional = {
            "subtype": self.subtype,
            "thread_ts": self.thread_ts,
            "blocks": copy.deepcopy(self.blocks),
            "attachments": self.attachments,
            "edited": self.edited,
            "files": self.files,
            "streaming_state": self.streaming_state,
            "metadata": self.metadata if with_metadata else None,
        }
        message |= {name: value for name, value in optional.items() if value}
        if self.reactions:
            message["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        return message

    def snapshot(self) -> dict[str, Any]:
        """Return everything that the workspace page needs to draw the message."""
        return copy.deepcopy(self.__dict__) | {"is_open_stream": self.is_open_stream}


def text_of(message: Message) -> str:
    """Return what a person reads: streamed text, plan and tasks, blocks; the text only without blocks."""
    lines: list[str] = []
    if message.plan_title:
        lines.append(message.plan_title)
    for task in message.tasks.values():
        lines += [f"[{task['status']}] {task['title']}", *(task[name] for name in ("details", "output") if task[name])]
    if message.markdown:
        lines.append(message.markdown)
    if message.text and not message.blocks:
        lines.append(message.text)
    lines += [text for block in message.blocks for text in _texts(block)]
    return "\n".join(lines)


def texts_of_blocks(blocks: list[dict[str, Any]]) -> str:
    """Return every visible text of blocks, a line each."""
    return "\n".join(text for block in blocks for text in _texts(block))


def _texts(node: Any) -> Iterator[str]:
    """Yield visible strings in reading order; rich text runs of one section are one line."""
    if isinstance(node, list):
        for item in node:
            yield from _texts(item)
        return
    if not isinstance(node, dict):
        return
    if node.get("type") in {"rich_text_section", "rich_text_preformatted", "rich_text_quote"}:
        yield "".join(_run(run) for run in node.get("elements", []))
        return
    for name, value in node.items():
        if name in {"text", "title"} and isinstance(value, str):
            yield value
        elif name not in {"confirm", "placeholder", "metadata"}:
            yield from _texts(value)


def _run(run: dict[str, Any]) -> str:
    match run.get("type"):
        case "user":
            return f"<@{run['user_id']}>"
        case "channel":
            return f"<#{run['channel_id']}>"
        case "broadcast":
            return f"<!{run['range']}>"
        case "link":
            return str(run.get("text") or run["url"])
        case "emoji":
            return f":{run['name']}:"
        case _:
            return str(run.get("text") or run.get("fallback") or "")


def interpreted_texts(node: Any) -> Iterator[str]:
    """Yield the texts in which Slack gives tokens like `<@U…>` their meaning (never plain text)."""
    if isinstance(node, list):
        for item in node:
            yield from interpreted_texts(item)
    elif isinstance(node, dict):
        if node.get("type") in {"mrkdwn", "markdown"} and isinstance(node.get("text"), str):
            yield node["text"]
        elif node.get("type") == "user" and "user_id" in node:
            yield f"<@{node['user_id']}>"
        elif node.get("type") == "broadcast" and "range" in node:
            yield f"<!{node['range']}>"
        elif node.get("type") == "usergroup" and "usergroup_id" in node:
            yield f"<!subteam^{node['usergroup_id']}>"
        else:
            for value in node.values():
                yield from interpreted_texts(value)


def mentions_in(texts: list[str]) -> list[str]:
    """Return who would be notified, each once, in order."""
    found = [next(part for part in match.groups() if part) for text in texts for match in MENTION.finditer(text)]
    return list(dict.fromkeys(found))


def elements_of(
    blocks: list[dict[str, Any]], user: str | None = None
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield (block, element) for everything with an `action_id` that `user` sees (None: all)."""
    for block in blocks:
        candidates = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
        candidates += block.get("actions") or []
        for element in candidates:
            if isinstance(element, dict) and "action_id" in element and _is_visible(element, user):
                yield block, element
        yield from elements_of(block.get("child_blocks") or [], user)
        if block.get("type") == "carousel":
            yield from elements_of(block.get("elements") or [], user)


def visible_blocks(blocks: list[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    """Return blocks as `user` sees them: without the buttons meant for others."""
    seen = []
    for original in blocks:
        block = dict(original)
        for name in ("elements", "actions"):
            if isinstance(block.get(name), list):
                block[name] = [element for element in block[name] if _is_visible(element, user)]
        if isinstance(block.get("accessory"), dict) and not _is_visible(block["accessory"], user):
            del block["accessory"]
        if block.get("child_blocks"):
            block["child_blocks"] = visible_blocks(block["child_blocks"], user)
        if block.get("type") in {"actions", "context_actions"} and not block["elements"]:
            continue
        seen.append(block)
    return seen


def _is_visible(element: Any, user: str | None) -> bool:
    if user is None or not isinstance(element, dict):
        return True
    wanted = element.get("visible_to_user_ids")
    return not wanted or user in wanted
