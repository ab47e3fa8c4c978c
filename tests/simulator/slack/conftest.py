"""A running workspace, the real client, and a real Bolt app on Socket Mode."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from simulator.clock import SimulatorClock
from simulator.slack.server import SlackSimulator


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(clock=SimulatorClock()).running() as simulator:
        yield simulator


@pytest.fixture
async def client(slack: SlackSimulator) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


class Bot:
    """A Bolt app that records what it is sent and answers as a test says."""

    def __init__(self, slack: SlackSimulator, client: AsyncWebClient) -> None:
        self.slack = slack
        self.app = AsyncApp(client=client, signing_secret=slack.signing_secret, request_verification_enabled=True)
        self.events: list[dict[str, Any]] = []
        self.bodies: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.shortcuts: list[dict[str, Any]] = []
        self.retries: list[str | None] = []
        self.ack_command: dict[str, Any] | str = ""
        self.ack_view: dict[str, Any] = {}
        self._listen()

    def _listen(self) -> None:
        @self.app.event(re.compile(".*"))
        async def on_event(event, body, request):
            self.events.append(event)
            self.bodies.append(body)
            self.retries.append((request.headers.get("x-slack-retry-num") or [None])[0])

        @self.app.command("/agent")
        async def on_command(ack, command):
            self.commands.append(command)
            if isinstance(self.ack_command, dict):
                await ack(**self.ack_command)
            else:
                await ack(self.ack_command)

        @self.app.action(re.compile(".*"))
        async def on_action(ack, body):
            await ack()
            self.actions.append(body)

        @self.app.view(re.compile(".*"))
        async def on_view(ack, body):
            self.views.append(body)
            await ack(**self.ack_view)

        @self.app.shortcut(re.compile(".*"))
        async def on_shortcut(ack, body):
            await ack()
            self.shortcuts.append(body)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncSocketModeHandler]:
        before = self.slack.socket_mode.connected
        handler = AsyncSocketModeHandler(self.app, self.slack.app_token, ping_interval=0.2)
        await handler.connect_async()
        await self.slack.until(lambda _: self.slack.deliveries.carriers)
        assert self.slack.socket_mode.connected > before
        try:
            yield handler
        finally:
            await handler.close_async()

    async def until(self, predicate) -> Any:
        return await self.slack.until(lambda _: predicate(self))


@pytest.fixture
def unconnected(slack: SlackSimulator, client: AsyncWebClient) -> Bot:
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    return Bot(slack, client)


@pytest.fixture
async def bot(unconnected: Bot) -> AsyncIterator[Bot]:
    async with unconnected.connected():
        yield unconnected
