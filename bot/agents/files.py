"""A session's files: mounts attached ones, and finds what the agent wrote to its output folder.

Contents are only held in memory.
"""

from __future__ import annotations

import mimetypes

from anthropic import AsyncAnthropic

from bot.agents.client import errors_translated, text_of
from bot.domain.ports import OutputFile
from bot.model.slack_text import file_name_within
from bot.model.visible_text import one_line
from store.records import SessionId

_BETA = "managed-agents-2026-04-01"
_UPLOADS = "/mnt/session/uploads"
_KEPT_FOR = 30 * 24 * 3600
"""Seconds after which an uploaded file goes by itself: one whose mounting failed belongs to nobody."""
_NEWEST = 1000
"""How many of the workspace's files are looked through for one that was uploaded a moment ago."""
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"|?*\\/', "_"))


class SessionFiles:
    """The files of the workspace."""

    def __init__(self, client: AsyncAnthropic) -> None:
        self._beta = client.beta
        # A repeated upload is another file.
        self._once = client.with_options(max_retries=0).beta

    async def mounted_paths(self, session_id: SessionId) -> frozenset[str]:
        """See `Agents.mounted_paths`."""
        found: set[str] = set()
        with errors_translated(in_session=True):
            async for resource in self._beta.sessions.resources.list(session_id):
                if resource.type == "file" and resource.mount_path:
                    found.add(resource.mount_path.removeprefix(_UPLOADS))
        return frozenset(found)

    async def mount(self, session_id: SessionId, content: bytes, path: str, *, may_be_uploaded: bool) -> None:
        """See `Agents.mount`."""
        name = _upload_name(path)
        file_id = await self._uploaded(name) if may_be_uploaded else None
        if file_id is None:
            file_id = await self._upload(name, content)
        with errors_translated(in_session=True):
            await self._once.sessions.resources.add(session_id, type="file", file_id=file_id, mount_path=path)

    async def _uploaded(self, name: str) -> str | None:
        """Return the file that an earlier try left, whose answer was lost or which ended before the mounting."""
        with errors_translated():
            newest = await self._beta.files.list(betas=[_BETA], limit=_NEWEST)
        # The mounted copies have the same name, and a session.
        return next((file.id for file in newest.data if file.filename == name and file.scope is None), None)

    async def _upload(self, name: str, content: bytes) -> str:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with errors_translated():
            uploaded = await self._once.files.upload(file=(name, content, kind), expires_in_seconds=_KEPT_FOR)
        return text_of(uploaded, "id")

    async def list_outputs(self, session_id: SessionId) -> tuple[OutputFile, ...]:
        """See `Agents.list_outputs`."""
        with errors_translated():
            listed = [file async for file in self._beta.files.list(scope_id=session_id, betas=[_BETA], limit=1000)]
        # What was mounted is listed too, and may not be downloaded.
        found = [OutputFile(file.id, file.filename, file.size_bytes) for file in listed if file.downloadable is True]
        return tuple(reversed(found))

    async def read_output(self, file_id: str) -> bytes:
        """See `Agents.read_output`."""
        with errors_translated():
            answer = await self._beta.files.download(file_id, betas=[_BETA])
            return await answer.read()


def _upload_name(path: str) -> str:
    """Return the name of the upload for a path: one that no other path has, so that it is found again."""
    shown = one_line(path.strip("/").translate(_FORBIDDEN))
    return file_name_within(shown, 255) or "file"
