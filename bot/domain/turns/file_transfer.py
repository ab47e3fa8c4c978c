"""Mounts attached files in the session and posts the agent's files to the thread, each once.

Contents are held in memory only, and never logged.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.domain.context import DomainContext
from bot.domain.ports import OutputFile
from bot.domain.turns.attachments import LARGEST, MOST, path_of, why_refused
from bot.model.commands import Place
from bot.model.errors import AgentsRejected, AgentsUnavailable, DeputyError, Rejected, SlackRejected, SlackUnavailable
from bot.model.notices import FilesLeftOut, LeftOut, WhyLeftOut
from bot.model.progress import Progress
from bot.model.retry_policy import FILE
from store import output_files, threads, turns
from store.records import Attachment, OutputState, SessionId, Thread, Turn

log = structlog.get_logger(__name__)

LOOKS = 3
PAUSE = timedelta(seconds=1)
"""Outputs are listed one to three seconds after the session is idle (docs/reference/managed-agents.md#files)."""
LISTED_WITHIN = 3
"""The look (counted from 0) from which on a listing with files that has not changed counts as complete."""
MOST_LOOKS = 8


class FileTransfer:
    """Transfers files between Slack and sessions."""

    def __init__(self, context: DomainContext) -> None:
        self._database, self._clock = context.database, context.clock
        self._agents, self._screen = context.agents, context.screen
        self._slack = context.files

    async def mount(self, session_id: SessionId, thread: Thread, turn: Turn, *, is_doubtful: bool) -> tuple[str, ...]:
        """Mount a turn's files in its session; return their paths. Idempotent: each path is mounted once.

        `is_doubtful`: an earlier attempt was cut off at an unknown point. Files that cannot be mounted are told to the
        owner. Raises `AgentsUnavailable`.
        """
        if not turn.files:
            return ()
        # After a restart some of the files may be mounted already.
        mounted = await self._agents.mounted_paths(session_id)
        paths: list[str] = []
        left: list[LeftOut] = []
        for number, file in enumerate(turn.files, 1):
            path = path_of(turn.id, number, file)
            why = None if path in mounted else await self._brought(session_id, file, path, is_doubtful=is_doubtful)
            if why is None:
                paths.append(path)
            else:
                left.append(LeftOut(file.name, why))
        if left:
            await self._tell(thread, FilesLeftOut(tuple(left)))
        return tuple(paths)

    async def _brought(
        self, session_id: SessionId, file: Attachment, path: str, *, is_doubtful: bool
    ) -> WhyLeftOut | None:
        """Move one file from Slack into the session, looking for it before each further attempt; None if it worked."""
        content: bytes | None = None
        for attempt in FILE.attempts():
            try:
                if attempt == 1 or path not in await self._agents.mounted_paths(session_id):
                    content = await self._slack.read(file.id, LARGEST)
                    await self._agents.mount(session_id, content, path, may_be_uploaded=is_doubtful or attempt > 1)
            except (SlackUnavailable, AgentsUnavailable) as error:
                if FILE.is_over(attempt) and isinstance(error, AgentsUnavailable):
                    raise  # the request cannot be sent then either
                await self._pause(attempt, error)
            except (SlackRejected, AgentsRejected) as error:
                log.warning("file_not_mounted", code=error.code, status=error.status)
                return why_refused(error, content)
            else:
                return None
        return WhyLeftOut.UNREADABLE

    async def deliver(self, turn: Turn, progress: Progress) -> None:
        """Post the agent's output files that were not posted yet; files that cannot be are told to the owner."""
        async with self._database.transaction() as tx:
            thread, turn = await threads.get(tx, turn.thread_id), await turns.get(tx, turn.id)
        if progress.withheld_by is not None:
            return  # what a filter found in the answer may be in its files too
        # Only built-in tools can write files, so turns without them need not wait for a listing.
        if thread.session_id is None or not any(task.call.service is None for task in progress.tasks):
            return
        try:
            await self._note(thread.session_id, turn)
            await self._send_noted(thread, turn)
        except DeputyError as error:
            log.warning("outputs_not_delivered", turn=turn.id, error=type(error).__name__)
            why = why_refused(error) if isinstance(error, Rejected) else WhyLeftOut.UNREADABLE
            await self._tell(thread, FilesLeftOut((LeftOut("", why),), is_output=True))

    async def _note(self, session_id: SessionId, turn: Turn) -> None:
        """Store which output files are new, before any is posted; look until no more are listed."""
        before: tuple[str, ...] = ()
        for look in range(MOST_LOOKS):
            found = tuple(output.id for output in await self._agents.list_outputs(session_id))
            async with self._database.transaction() as tx:
                has_any = await output_files.note(tx, turn, found, most=MOST)
            # Without any files, three looks are enough; after the first one, others may be listed seconds later.
            if look >= (LISTED_WITHIN if has_any else LOOKS - 1) and found == before:
                return
            before = found
            await self._clock.sleep_until(self._clock.steady() + PAUSE)

    async def _send_noted(self, thread: Thread, turn: Turn) -> None:
        if thread.session_id is None:
            return
        listed = {output.id: output for output in await self._agents.list_outputs(thread.session_id)}
        async with self._database.transaction() as tx:
            noted = await output_files.list_for(tx, turn.id)
        left: list[LeftOut] = []
        for row in noted:
            output = listed.get(row.file_id)
            if output is None or row.state is OutputState.SHARED:
                continue
            why = (
                WhyLeftOut.TOO_MANY if row.state is OutputState.LEFT else await self._send(thread, output, row.slack_id)
            )
            if why is not None:
                left.append(LeftOut(output.name, why))
        if left:
            await self._tell(thread, FilesLeftOut(tuple(left), is_output=True))

    async def _send(self, thread: Thread, output: OutputFile, slack_id: str | None) -> WhyLeftOut | None:
        if output.size == 0:
            return WhyLeftOut.EMPTY  # Slack refuses empty files (docs/reference/slack.md#files)
        if output.size > LARGEST:
            return WhyLeftOut.TOO_LARGE
        is_doubtful = slack_id is not None
        for attempt in FILE.attempts():
            try:
                slack_id = slack_id or await self._uploaded(output)
                if not (is_doubtful and await self._is_shared(slack_id, thread)):
                    is_doubtful = True
                    await self._slack.share(slack_id, output.name, thread)
                async with self._database.transaction() as tx:
                    await output_files.shared(tx, output.id)
            except (SlackUnavailable, AgentsUnavailable) as error:
                await self._pause(attempt, error)
            except (SlackRejected, AgentsRejected) as error:
                log.warning("output_not_shared", code=error.code, status=error.status)
                return why_refused(error)
            else:
                return None
        return WhyLeftOut.UNREADABLE

    async def _is_shared(self, slack_id: str, thread: Thread) -> bool:
        """Tell whether a file was shared. Looks more than once: Slack completes a share after it has answered."""
        # A second share could not be undone, so a false no is worse than some seconds.
        for look in range(LOOKS):
            if await self._slack.is_shared(slack_id, thread):
                return True
            if look < LOOKS - 1:
                await self._clock.sleep_until(self._clock.steady() + PAUSE)
        return False

    async def _uploaded(self, output: OutputFile) -> str:
        """Upload an output file to Slack; return its id, which is stored before the file is shared.

        After a crash the file is searched for by this id.
        """
        content = await self._agents.read_output(output.id)
        if len(content) != output.size:
            raise AgentsUnavailable  # cut short, which nobody would notice in the posted file
        slack_id = await self._slack.upload(output.name, content)
        async with self._database.transaction() as tx:
            await output_files.uploaded(tx, output.id, slack_id)
        return slack_id

    async def _pause(self, attempt: int, error: SlackUnavailable | AgentsUnavailable) -> None:
        log.warning("file_in_doubt", attempt=attempt, error=type(error).__name__)
        await self._clock.sleep(FILE.pause_after(attempt, error.retry_after))

    async def _tell(self, thread: Thread, notice: FilesLeftOut) -> None:
        place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
        try:
            await self._screen.tell(thread.owner, place, notice)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("notice_not_sent", error=type(error).__name__)
