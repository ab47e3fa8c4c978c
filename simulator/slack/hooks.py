"""What else the app may POST to: response addresses (five uses, thirty minutes) and file uploads.

Who gets a response address is decided in `acting.py`.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from aiohttp import web

from simulator.slack.blockkit import parse_blocks
from simulator.slack.errors import SlackError
from simulator.slack.messages import Message
from simulator.slack.methods.access import own
from simulator.slack.methods.chat import posted_event
from simulator.slack.people import BOT, TEAM
from simulator.slack.workspace import ResponseUrl, Workspace

LIFETIME = 1800.0


class Hooks:
    """The handlers of `/commands/…`, `/actions/…` and `/upload/…`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.posts: list[dict[str, Any]] = []
        """Every body that came to a response address."""

    def issue(self, user: str, channel: str, message: Message | None = None, kind: str = "commands") -> str:
        """Return a new response address."""
        ws = self._workspace
        hook = ResponseUrl(secrets.token_urlsafe(18), user, channel, ws.now() + LIFETIME, message=message)
        ws.response_urls[hook.id] = hook
        return f"{ws.url}/{kind}/{TEAM}/{secrets.randbelow(10**12)}/{hook.id}"

    async def respond(self, request: web.Request) -> web.Response:
        """Handle a POST to a response address."""
        ws = self._workspace
        hook = ws.response_urls.get(request.match_info["id"])
        if hook is None or hook.uses_left == 0:
            return web.Response(status=404, text="used_url" if hook else "no_service")
        if ws.now() > hook.expires_at:
            return web.Response(status=404, text="expired_url")
        try:
            body = _object(await request.text())
            self.posts.append(body)
            self.apply(hook, body)
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        except SlackError as error:
            return web.Response(status=400, text=error.code)
        hook.uses_left -= 1
        if request.path.startswith("/actions"):
            return web.json_response({"ok": True})
        return web.Response(text="ok")

    def apply(self, hook: ResponseUrl, body: dict[str, Any]) -> None:
        """Apply the response: post a message, or change or delete the clicked one. Raises SlackError."""
        ws = self._workspace
        target = hook.message
        if body.get("delete_original") and target is not None:
            self._delete(target)
            return
        text, given = str(body.get("text") or ""), body.get("blocks") or []
        blocks = parse_blocks(given) if given else []
        if not text and not blocks:
            raise SlackError("no_text")
        if body.get("replace_original") and target is not None:
            target.text, target.blocks = text, blocks
            target.edited = None if target.ephemeral_to else {"user": BOT, "ts": ws.next_ts()}
            ws.note_pings(target)
            ws.changed(target)
            return
        message = own(ws.channels[hook.channel], ws.next_ts(), text, body.get("thread_ts"))
        message.blocks = blocks
        if body.get("response_type") != "in_channel":
            message.ephemeral_to = hook.user
        ws.place(message)
        if message.ephemeral_to is None:
            ws.on_event(posted_event(ws, message))

    def _delete(self, target: Message) -> None:
        ws = self._workspace
        if target.ephemeral_to is None:
            ws.remove(target)
        elif target in ws.ephemerals:
            ws.ephemerals.remove(target)
            ws.changed()

    async def upload(self, request: web.Request) -> web.Response:
        """Store an uploaded file's content."""
        file = self._workspace.files.get(request.match_info["id"])
        content = await request.read()
        if file is None or len(content) != file["length"]:
            return web.Response(status=400, text="invalid upload")
        file["content"] = content
        return web.Response(text=f"OK - {len(content)}")


def _object(text: str) -> dict[str, Any]:
    """Return a JSON object. Raises ValueError, or `invalid_payload` for other JSON."""
    body = json.loads(text)
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    return body
