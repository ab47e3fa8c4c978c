"""The workspace page's routes: the page, its feed of changes, and the visitor's actions.

`simulator/slack/page_state.py` makes what a person sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from simulator.slack.build_page import DIST
from simulator.slack.delivery import Delivery
from simulator.slack.errors import NotPossible
from simulator.slack.messages import Message
from simulator.slack.page_state import PERSONAS, Json, Offer, state_for
from simulator.slack.people import BOT
from simulator.slack.server import SlackSimulator
from simulator.slack.workspace import View

CALM = 0.04
"""Seconds between two states on one feed, so that a burst of changes is one state and text still grows smoothly."""
HEARTBEAT = 15.0
COOKIE = "sim_user"

Choice = str | int | list[str] | None

# The page needs nobody but us: no other host, no inline script.
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"

SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/workspace/page.css">
<script type="module" src="/workspace/page.js"></script>
</head>
<body><div id="root" data-person="{person}"><noscript>This page needs JavaScript.</noscript></div></body>
</html>
"""

NOT_BUILT = """<!doctype html><html lang="en"><title>Not built</title>
<p>The page has not been built yet: run <code>python -m simulator.slack.build_page</code> and reload.</p></html>
"""


class Malformed(Exception):  # an act that cannot be read is no error of ours
    """An act that the page would not send; the words say what is wrong with it."""


class Act:
    """The body of a POST, read field by field. Every reader raises `Malformed`."""

    def __init__(self, body: object) -> None:
        if not isinstance(body, dict):
            raise Malformed("the body must be a JSON object")
        self.body: Json = body
        self.person = self.text("as")
        if self.person not in PERSONAS:
            raise Malformed(f"`as` must be one of {', '.join(PERSONAS)}")

    def text(self, name: str) -> str:
        """Return a string that must be there."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Malformed(f"`{name}` must be a non-empty string")
        return value

    def maybe_text(self, name: str) -> str | None:
        """Return a string, or None where there is none."""
        return None if self.body.get(name) is None else self.text(name)

    def choice(self, name: str) -> Choice:
        """Return what was chosen: an option's value or an id, several, a text, a moment; None is nothing."""
        return _choice(name, self.body.get(name))

    def choices(self, name: str) -> dict[str, dict[str, Choice]]:
        """Return block id → action id → what was chosen."""
        blocks = self.body.get(name)
        if not isinstance(blocks, dict) or not all(isinstance(actions, dict) for actions in blocks.values()):
            raise Malformed(f"`{name}` must be an object of objects")
        return {
            block_id: {action_id: _choice(name, chosen) for action_id, chosen in actions.items()}
            for block_id, actions in blocks.items()
        }


def _choice(name: str, value: object) -> Choice:
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    raise Malformed(f"`{name}` must hold strings, lists of strings, whole numbers or null")


async def write(slack: SlackSimulator, act: Act) -> None:
    """Write into a channel or thread, as typed: `@name` mentions."""
    await slack.post_message(act.person, _channel(slack, act), act.text("text"), act.maybe_text("thread_ts"))


async def command(slack: SlackSimulator, act: Act) -> None:
    """Type a slash command; one that failed is told by Slackbot, as in Slack."""
    await slack.type_command(act.person, _channel(slack, act), act.text("text"))


async def click(slack: SlackSimulator, act: Act) -> Delivery:
    """Use a button, menu or input of a message or view; `value` is what was chosen."""
    where = _view(slack, act) if "view_id" in act.body else _message(slack, act)
    return await slack.click(act.person, where, act.text("action_id"), act.text("block_id"), act.choice("value"))


async def shortcut(slack: SlackSimulator, act: Act) -> Delivery:
    """Use a message shortcut."""
    return await slack.use_shortcut(act.person, _message(slack, act), act.text("callback_id"))


async def submit(slack: SlackSimulator, act: Act) -> Delivery:
    """Submit a modal; a field that is not there, or empty and required, is not possible."""
    return await slack.submit_view(act.person, _view(slack, act), act.choices("values"))


async def close(slack: SlackSimulator, act: Act) -> None:
    """Close a modal."""
    await slack.close_modal(act.person, _view(slack, act))


async def home(slack: SlackSimulator, act: Act) -> None:
    """Look at the app's `home` or `messages` tab."""
    tab = act.text("tab")
    if tab not in {"home", "messages"}:
        raise Malformed("`tab` must be home or messages")
    await slack.open_home(act.person, tab)


async def stop(slack: SlackSimulator, act: Act) -> None:
    """Press Slack's own Stop in a thread."""
    root = slack.workspace.find(_channel(slack, act), act.text("thread_ts"))
    if root is None:
        raise NotPossible("there is no such thread")
    await slack.press_native_stop(act.person, root)


ACTS: dict[str, Callable[[SlackSimulator, Act], Awaitable[Delivery | None]]] = {
    "message": write,
    "command": command,
    "click": click,
    "shortcut": shortcut,
    "submit": submit,
    "close": close,
    "home": home,
    "stop": stop,
}


def _channel(slack: SlackSimulator, act: Act) -> str:
    channel = act.text("channel")
    if channel not in slack.workspace.channels:
        raise NotPossible("there is no such channel")
    return channel


def _message(slack: SlackSimulator, act: Act) -> Message:
    channel, ts = act.text("channel"), act.text("ts")
    own = (message for message in slack.ephemerals(act.person) if (message.channel, message.ts) == (channel, ts))
    found = slack.workspace.find(channel, ts) or next(own, None)
    if found is None:
        raise NotPossible("this message is gone")
    return found


def _view(slack: SlackSimulator, act: Act) -> View:
    view = slack.workspace.views.get(act.text("view_id"))
    if view is None:
        raise NotPossible("this view is gone")
    return view


def routes(simulator: SlackSimulator, offer: Offer | None = None) -> list[web.RouteDef]:
    """Return the routes of the page, to be mounted in `simulator.app` before it runs; it ends with the simulator."""
    page = WorkspacePage(simulator, offer or Offer())
    simulator.app.on_shutdown.append(page.close)
    return [
        web.get("/", page.shell),
        web.get(r"/workspace/{file:[\w-]+\.(?:js|css|woff2)}", page.bundle),
        web.get("/workspace/state", page.state),
        web.get("/workspace/feed", page.feed),
        web.post("/workspace/{act}", page.act),
    ]


class WorkspacePage:
    """The handlers of `routes`; lives as long as the simulator."""

    def __init__(self, simulator: SlackSimulator, offer: Offer) -> None:
        self.simulator = simulator
        self.offer = offer
        self._is_closing = False

    async def close(self, _: web.Application) -> None:
        """End every feed, or the server would wait for them when it closes."""
        self._is_closing = True
        async with self.simulator.change:
            self.simulator.change.notify_all()

    async def shell(self, request: web.Request) -> web.Response:
        """Serve the page, and store in a cookie as whom it was opened."""
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        if not (DIST / "page.js").exists():
            return web.Response(text=NOT_BUILT, content_type="text/html", status=503, headers=headers)
        asked = request.query.get("as") or request.cookies.get(COOKIE)
        person = asked if asked in PERSONAS else PERSONAS[0]
        text = SHELL.format(title=html.escape(self.offer.workspace_name), person=person)
        response = web.Response(text=text, content_type="text/html", headers=headers)
        _remember(response, person)
        return response

    async def bundle(self, request: web.Request) -> web.StreamResponse:
        """Serve the built page's script, never from a cache: a reload must get the newest."""
        path = DIST / request.match_info["file"]
        if not path.exists():
            return _refusal("the page is not built: python -m simulator.slack.build_page", status=503)
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    async def state(self, request: web.Request) -> web.Response:
        """Answer with what one person can see."""
        try:
            viewer = self._viewer(request)
        except Malformed as error:
            return _refusal(str(error))
        return web.json_response(self._seen_by(viewer))

    async def feed(self, request: web.Request) -> web.StreamResponse:
        """Send what one person can see, now and after each change, as server-sent events."""
        try:
            viewer = self._viewer(request)
        except Malformed as error:
            return _refusal(str(error))
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        _remember(response, viewer)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the visitor closed the page
            await self._follow(viewer, response)
        return response

    async def _follow(self, viewer: str, response: web.StreamResponse) -> None:
        """Write a state for each change until the simulator ends."""
        sent = ""
        while not self._is_closing:
            version = self.simulator.workspace.version
            seen = json.dumps(self._seen_by(viewer))
            if seen != sent:
                await response.write(f"event: state\ndata: {seen}\n\n".encode())
                sent = seen
            await asyncio.sleep(CALM)
            if not await self._changed_since(version):
                await response.write(b": still here\n\n")

    async def act(self, request: web.Request) -> web.Response:
        """Carry out a person's action; 400 with the reason if it is malformed or not possible."""
        do = ACTS.get(request.match_info["act"])
        if do is None:
            return _refusal(f"there is no such act; there are {', '.join(ACTS)}", status=404)
        try:
            delivery = await do(self.simulator, await _read(request))
        except (Malformed, NotPossible) as error:
            return _refusal(str(error))
        if delivery is not None and not delivery.is_acked:
            return _refusal(f"{self._app_name} did not answer in time. Is the bot running?", status=504)
        return web.json_response({"ok": True})

    @property
    def _app_name(self) -> str:
        return self.simulator.workspace.people[BOT].real_name

    def _viewer(self, request: web.Request) -> str:
        """Return the person whose view was asked for."""
        viewer = request.query.get("as", "")
        if viewer not in PERSONAS:
            raise Malformed(f"`as` must be one of {', '.join(PERSONAS)}")
        self.simulator.workspace.dm_of(viewer)  # Slack shows the app before anybody wrote to it
        return viewer

    def _seen_by(self, viewer: str) -> Json:
        return state_for(self.simulator.workspace, viewer, self.offer)

    async def _changed_since(self, version: int) -> bool:
        """Wait for a change; return False if a heartbeat is due before one."""
        change = self.simulator.change
        try:
            async with asyncio.timeout(HEARTBEAT), change:
                await change.wait_for(lambda: self._is_closing or self.simulator.workspace.version != version)
        except TimeoutError:
            return False
        return True


async def _read(request: web.Request) -> Act:
    """Return the body as an action. It must be JSON, which a form of another site cannot send."""
    if request.content_type != "application/json":
        raise Malformed("the body must be JSON")
    try:
        return Act(await request.json())
    except ValueError:
        raise Malformed("the body must be JSON") from None


def _remember(response: web.StreamResponse, person: str) -> None:
    """Set the cookie by which the simulated Sign in with Slack knows who the browser is."""
    response.set_cookie(COOKIE, person, path="/", samesite="Lax")


def _refusal(words: str, status: int = 400) -> web.Response:
    return web.json_response({"ok": False, "error": words}, status=status)
