"""`ManagedAgents` implements the `Agents` port over the Managed Agents API, from the modules of this folder."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import datetime

from anthropic import AsyncAnthropic

from bot.agents.event_stream import Pace, follow
from bot.agents.files import SessionFiles
from bot.agents.profiles import AgentsAndEnvironments
from bot.agents.sessions import SessionsApi
from bot.agents.vaults import VaultsApi
from bot.agents.webhooks import Webhooks
from bot.domain.ports import EventFeed
from store.records import Secret, SessionId


class ManagedAgents:
    """The domain's `Agents` port; lives as long as the client that it is given."""

    def __init__(self, *, client: AsyncAnthropic, pace: Pace | None = None, webhook_key: Secret | None = None) -> None:
        self._client = client
        self._pace = pace or Pace()
        profiles = AgentsAndEnvironments(client)
        self.save_profile = profiles.save
        vaults = VaultsApi(client)
        self.create_vault = vaults.create
        self.find_vault = vaults.find
        self.settle_vault = vaults.settle
        self.delete_vault = vaults.delete
        self.add_credential = vaults.add_credential
        self.validate_credential = vaults.validate_credential
        self.list_credentials = vaults.list_credentials
        self.remove_credential = vaults.remove_credential
        self.read_webhook = Webhooks(client, webhook_key).read
        files = SessionFiles(client)
        self.mounted_paths = files.mounted_paths
        self.mount = files.mount
        self.list_outputs = files.list_outputs
        self.read_output = files.read_output
        sessions = SessionsApi(client, resend_pause=self._pace.first_pause)
        self.create_session = sessions.create
        self.find_session = sessions.find
        self.session_vaults = sessions.vaults
        self.update_tools = sessions.update_tools
        self.set_budget = sessions.set_budget
        self.send_request = sessions.send_request
        self.usage_so_far = sessions.usage_so_far
        self.find_request = sessions.find_request
        self.find_call = sessions.find_call
        self.send_decision = sessions.send_decision
        self.refuse_call = sessions.refuse_call
        self.interrupt = sessions.interrupt
        self.is_at_rest = sessions.is_at_rest

    def follow(
        self, session_id: SessionId, since: datetime | None, *, is_from_last_request: bool = False
    ) -> AbstractAsyncContextManager[EventFeed]:
        """See `Agents.follow`."""
        return follow(self._client, session_id, since, self._pace, is_from_last_request=is_from_last_request)
