"""A session's files: mounts attached ones, and finds those that the agent wrote to its output folder.

Contents are held in memory only, never on our disk.
"""

from __future__ import annotations

import mimetypes

from anthropic import AsyncAnthropic

from bot.agents.client import errors_translated, text_of
from bot.domain.ports import OutputFile
from bot.model.slack_text import file_name_within
from bot.model.visible_text import one_line
from store.records import SessionId

# The SDK sends this header by itself everywhere but here (docs/reference/managed-agents.md#requests).
_BETA = "managed-agents-2026-04-01"
_UPLOADS = "/mnt/session/uploads"
# Seconds until an uploaded file expires: nobody would ever delete one that could not be mounted.
_KEPT_FOR = 30 * 24 * 3600
# How many of the workspace's newest files are searched for one that was uploaded a moment ago.
_NEWEST = 1000
# Files of one session that one call lists.
_PAGE = 1000
# Of a file's name.
_NAME_BYTES = 255
# Characters that the Files API does not take in a name.
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"|?*\\/', "_"))


class SessionFiles:
    """The files of the API workspace's sessions."""

    def __init__(self, client: AsyncAnthropic) -> None:
        self._beta = client.beta
        # A repeated upload would make a second file.
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
        """Return the file that an earlier attempt uploaded and did not mount, because of a lost answer or a crash."""
        with errors_translated():
            newest = await self._beta.files.list(betas=[_BETA], limit=_NEWEST)
        # Mounting makes a copy of the same name, which has a session as its scope.
        return next((file.id for file in newest.data if file.filename == name and file.scope is None), None)

    async def _upload(self, name: str, content: bytes) -> str:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with errors_translated():
            uploaded = await self._once.files.upload(file=(name, content, kind), expires_in_seconds=_KEPT_FOR)
        return text_of(uploaded, "id")

    async def list_outputs(self, session_id: SessionId) -> tuple[OutputFile, ...]:
        """See `Agents.list_outputs`."""
        with errors_translated():
            listed = [file async for file in self._beta.files.list(scope_id=session_id, betas=[_BETA], limit=_PAGE)]
        # Mounted uploads are listed too and cannot be downloaded (docs/reference/managed-agents.md#files).
        found = [OutputFile(file.id, file.filename, file.size_bytes) for file in listed if file.downloadable is True]
        # The API lists the newest first; people get them in the order in which they were made.
        return tuple(reversed(found))

    async def read_output(self, file_id: str) -> bytes:
        """See `Agents.read_output`."""
        with errors_translated():
            answer = await self._beta.files.download(file_id, betas=[_BETA])
            return await answer.read()


def _upload_name(path: str) -> str:
    """Return the name under which a file for this path is uploaded; unique to the path, so that it is found again."""
    shown = one_line(path.strip("/").translate(_FORBIDDEN))
    return file_name_within(shown, _NAME_BYTES) or "file"
