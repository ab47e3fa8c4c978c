"""All three simulators on one clock, and the environment that makes `python -m bot` use them.

Tests, the kill driver and the demo start them here; what each of them does is in its own folder.
"""

from __future__ import annotations

import base64
import secrets
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal

from simulator.agents.server import AgentsSimulator
from simulator.clock import SimulatorClock
from simulator.roughness import Roughness
from simulator.service.accounts import ALICE, BOB, CAROL
from simulator.service.server import ServiceSimulator
from simulator.slack import page, people
from simulator.slack.server import SlackSimulator

Peer = Literal["slack", "agents", "notes"]
SLACK_VARIABLES = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_API_URL",
)
AGENTS_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_WEBHOOK_SIGNING_KEY")

CATALOG = """\
# Written by the simulators: the one service there is.
[services.notes]
title = "Notes"
mcp_url = "{notes.mcp_url}"
manage_url = "{notes.manage_url}"
[services.notes.tools]
allowed_tools = ["list_notes", "read_note", "search_notes", "whoami"]
user_approved_tools = ["write_note", "delete_note"]
denied_tools = []
default = "user_approved"
"""


class Peers:
    """Slack, Managed Agents and Notes: `async with Peers().running() as peers`.

    Port 0 takes a free one. `sealing_key` stays for the life of this object, so that a bot that is
    started again opens what it sealed.
    """

    def __init__(
        self,
        *,
        clock: SimulatorClock | None = None,
        slack_port: int = 0,
        agents_port: int = 0,
        service_port: int = 0,
        sealing_key: str | None = None,
    ) -> None:
        self.clock = clock or SimulatorClock()
        self.slack = SlackSimulator(clock=self.clock, port=slack_port)
        self.slack.app.add_routes(page.routes(self.slack))
        self.agents = AgentsSimulator(clock=self.clock, port=agents_port)
        self.notes = ServiceSimulator(
            clock=self.clock,
            port=service_port,
            personas={people.ALICE: ALICE, people.BOB: BOB, people.CAROL: CAROL},
        )
        self.sealing_key = sealing_key or new_sealing_key()
        self.catalog = Path()
        self._started: tuple[Peer, ...] = ()

    def roughen(self, rough: Roughness) -> None:
        """Make all three deviate from the documents, in the kinds that `rough` has switched on."""
        self.slack.workspace.rough = self.agents.rough = self.notes.rough = rough

    @asynccontextmanager
    async def running(self, without: Collection[Peer] = ()) -> AsyncIterator[Peers]:
        """Serve all of them except `without`, for which the real ones are used."""
        everybody: tuple[Peer, ...] = ("slack", "agents", "notes")
        self._started = tuple(peer for peer in everybody if peer not in without)
        async with AsyncExitStack() as stack:
            for peer in self._started:
                await stack.enter_async_context(getattr(self, peer).running())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="deputy-peers-"))
            self.catalog = Path(folder) / "catalog.toml"
            if "notes" in self._started:
                self.catalog.write_text(CATALOG.format(notes=self.notes), "utf-8")
            yield self

    def environment(self, public_url: str, port: int, database_url: str) -> dict[str, str]:
        """Return the variables by which `python -m bot` finds the peers that were started.

        Registers the bot's addresses with the simulated Slack app, as one does in Slack's app settings.
        """
        variables = {
            "DATABASE_URL": database_url,
            "DEPUTY_PUBLIC_URL": public_url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DEPUTY_SECRET_KEYS": self.sealing_key,
            "DEPUTY_ALLOW_LOOPBACK": "1",
        }
        if "slack" in self._started:
            variables |= self._slack_environment(public_url)
        if "agents" in self._started:
            variables |= {
                "ANTHROPIC_API_KEY": self.agents.api_key,
                "ANTHROPIC_BASE_URL": self.agents.url,
                "ANTHROPIC_WEBHOOK_SIGNING_KEY": self.agents.webhooks.register(f"{public_url}/anthropic/webhooks"),
            }
        if "notes" in self._started:
            variables |= {"DEPUTY_CATALOG": str(self.catalog), "DEPUTY_SERVICES": "notes"}
        return variables

    def _slack_environment(self, public_url: str) -> dict[str, str]:
        self.slack.openid.redirect_uris.add(f"{public_url}/connect/slack/callback")
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_CLIENT_ID": self.slack.client_id,
            "SLACK_CLIENT_SECRET": self.slack.client_secret,
            "SLACK_API_URL": self.slack.api_url,
            "DEPUTY_ADMINS": people.CAROL,
        }


def new_sealing_key() -> str:
    """Return what `python -m bot new-key` prints: 32 random bytes in urlsafe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
