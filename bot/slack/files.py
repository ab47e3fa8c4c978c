"""Files in Slack: reads them with the bot's token, uploads and shares them (implements `SlackFiles`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.slack_message import read_file
from bot.model.slack_text import file_name_within
from bot.model.visible_text import one_line
from bot.slack.client import SlackApi, SlackUnsure, seconds_of
from store.records import Attachment, Secret, Thread

_PIECE = 64 * 1024
# People save the file to disks that take 255 bytes.
_NAME_BYTES = 240
_START = 200
# Redirects that are followed: on Enterprise Grid a file is at the organisation's host.
_HOPS = 3
_SLACKS = frozenset({"slack.com", "slack-gov.com"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_THERE = frozenset({404, 410})


class SlackFiles:
    """The files of one workspace. Methods raise `SlackUnavailable` or `SlackRejected`."""

    def __init__(self, *, api: SlackApi, session: aiohttp.ClientSession, token: Secret) -> None:
        self._api = api
        self._session = session
        self._token = token

    async def describe(self, file: Attachment) -> Attachment:
        """Return a file with what an event left out: for some files it has only the id."""
        found = await self._info(file.id)
        return read_file({"id": file.id, **found})

    async def read(self, slack_id: str, most: int) -> bytes:
        """Return a file's content. Raises `SlackRejected` if it has more than `most` bytes or cannot be read."""
        file = await self._info(slack_id)
        url, size = str(file.get("url_private_download") or file.get("url_private") or ""), file.get("size")
        if isinstance(size, int) and size > most:
            raise SlackRejected("file_too_large")
        if not url:
            raise SlackRejected("file_not_readable")
        content = await self._download(url, most)
        # First, since an HTML file of the right length is the file itself and no sign-in page.
        if len(content) == size:
            return content
        # If the token may not read the file, Slack answers 200 with a sign-in page (docs/reference/slack.md#files).
        if content[:_START].lstrip().lower().startswith(b"<!doctype html"):
            raise SlackRejected("file_not_readable")
        if not isinstance(size, int):
            return content  # Slack did not say how long it is
        raise SlackUnsure  # cut short: another attempt may get all of it

    async def upload(self, name: str, content: bytes) -> str:
        """Upload a file that nobody sees yet; return its id."""
        title = _title(name)
        place = await self._api.call("files.getUploadURLExternal", filename=title, length=len(content))
        url = str(place["upload_url"])
        if not self._is_slacks(url):
            raise SlackRejected("upload_url_refused")
        try:
            async with self._session.post(url, data=content, allow_redirects=False) as response:
                _check(response, "upload_refused")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackUnsure from error
        return str(place["file_id"])

    async def share(self, slack_id: str, name: str, thread: Thread) -> None:
        """Show an uploaded file in a thread. After an unknown outcome ask `is_shared` before trying again."""
        await self._api.call(
            "files.completeUploadExternal",
            files=[{"id": slack_id, "title": _title(name)}],
            channel_id=thread.channel,
            thread_ts=thread.thread_ts,
        )

    async def is_shared(self, slack_id: str, thread: Thread) -> bool:
        """Tell whether a file is shared in the thread's channel already."""
        try:
            shares = (await self._info(slack_id)).get("shares") or {}
        except SlackRejected:
            return False  # until its upload is completed, Slack does not know the file
        return any(thread.channel in places for places in shares.values() if isinstance(places, Mapping))

    async def _info(self, slack_id: str) -> Mapping[str, Any]:
        answer = await self._api.call("files.info", file=slack_id)
        file = answer.get("file")
        return file if isinstance(file, Mapping) else {}

    async def _download(self, url: str, most: int) -> bytes:
        """Return the bytes at an address, following redirects to Slack's own hosts only: the token goes along."""
        for _ in range(_HOPS + 1):
            if not self._is_slacks(url):
                break
            found = await self._get(url, most)
            if isinstance(found, bytes):
                return found
            url = found
        raise SlackRejected("file_not_readable")

    async def _get(self, url: str, most: int) -> bytes | str:
        """Return the bytes at an address of Slack's, or the address that it redirects to."""
        headers, content = {"Authorization": f"Bearer {self._token.reveal()}"}, bytearray()
        try:
            # aiohttp would follow a redirect to anybody's host and send the token there.
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status in _REDIRECTS and (location := response.headers.get("location")):
                    return urljoin(url, location)
                if response.status in _NOT_THERE:
                    raise SlackRejected("file_not_found", response.status)
                _check(response, "file_not_readable")
                async for piece in response.content.iter_chunked(_PIECE):
                    content += piece
                    if len(content) > most:
                        raise SlackRejected("file_too_large")
        except ValueError as error:
            raise SlackRejected("file_not_readable") from error  # redirected to something that is no URL
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackUnsure from error
        return bytes(content)

    def _is_slacks(self, url: str) -> bool:
        """Tell whether an address is Slack's own, so that the token may go there."""
        try:
            given, own = urlsplit(url), urlsplit(self._api.base_url)
            host, port = given.hostname or "", given.port
        except ValueError:
            return False  # no address at all
        # Outside of tests the Web API is at slack.com, and only Slack's own hosts over TLS may get the token.
        if own.hostname in _SLACKS:
            return given.scheme == "https" and port in {None, 443} and host.endswith(f".{own.hostname}")
        # A simulator has one host, on any port.
        return (given.scheme, given.netloc) == (own.scheme, own.netloc)


def _title(name: str) -> str:
    return file_name_within(one_line(name), _NAME_BYTES) or "file"


def _check(response: aiohttp.ClientResponse, refused: str) -> None:
    """Raise for an answer that is no success: `SlackUnavailable` if another attempt may work."""
    if response.status == 429:
        raise SlackUnavailable(seconds_of(response.headers))
    if response.status == 408 or response.status >= 500:
        raise SlackUnsure
    if response.status != 200:
        raise SlackRejected(refused, response.status)
