"""Slack's own status of a thread's agent session: “Working…” with its Stop button, or idle.

An answer does not depend on it: if Slack cannot show it, that is remembered and nothing else happens.
"""

from __future__ import annotations

import structlog

from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.visible_text import one_line
from bot.renderers import slack_limits
from bot.slack.client import CAPABILITY_ERRORS, SlackApi
from store.records import Thread, Turn

_METHOD = "agents.sessions.setStatus"
_WORKING = "processing"
_KEPT = 15
"""Calls a minute that are left for saying that nothing is worked on any more."""

_log = structlog.get_logger(__name__)


class SessionStatus:
    """The status during one turn; `processing`, `suspended` and `active` are Slack's words."""

    def __init__(self, *, api: SlackApi, thread: Thread, turn: Turn) -> None:
        self._api = api
        self._thread = thread
        self._turn = turn
        self._shown = ""

    def is_now(self, status: str) -> None:
        """Remember what another call has set."""
        self._shown = status

    async def show(self, status: str) -> None:
        """Set the status unless it is set. The first call makes the asker the session's initiator.

        That something is worked on is said if there is room for it; that it no longer is, must be.
        """
        if status == self._shown or self._api.pacer.is_off(self._api.workspace, _METHOD):
            return
        if status != _WORKING and not self._shown:
            return
        if status == _WORKING and self._api.take(_METHOD, keep=_KEPT):
            return
        before, self._shown = self._shown, status
        try:
            await self._set(status)
        except SlackRejected as error:
            # A channel that is archived, or that we were taken out of, says nothing of the others.
            if error.code in CAPABILITY_ERRORS:
                self._api.pacer.turn_off(self._api.workspace, _METHOD)
            _log.info("slack.no_session_status", code=error.code, turn_id=self._turn.id)
        except SlackUnavailable:
            self._shown = before if status == _WORKING else status
            _log.info("slack.session_status_not_shown", turn_id=self._turn.id)

    async def _set(self, status: str) -> None:
        call = self._api.call_now if status == _WORKING else self._api.call
        await call(
            _METHOD,
            channel_id=self._thread.channel,
            thread_ts=self._thread.thread_ts,
            status=status,
            title=one_line(self._thread.title, slack_limits.SESSION_TITLE_MAX) or None,
            initiator_user_id=self._turn.owner.user_id,
        )
