"""The files endpoints, as far as mounting needs them, and the models list (docs/reference/managed-agents.md#files)."""

from __future__ import annotations

from typing import Any

from aiohttp import BodyPartReader, MultipartReader, web
from anthropic.types.beta import BetaDeletedFile, BetaFileMetadata, BetaModelInfo, FileListParams, FileUploadParams

from simulator.agents.asking import Ask, Route
from simulator.agents.errors import bad_request, not_found
from simulator.agents.ids import check_id, new_id
from simulator.agents.pages import page_of
from simulator.agents.schemas import HEADERS, answer
from simulator.agents.state import World

Json = dict[str, Any]
UPLOAD = FileUploadParams.__annotations__.keys() - HEADERS
MODELS = ("claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5")


async def _read_upload(reader: MultipartReader) -> tuple[str, str, bytes]:
    """Return name, type and content of the uploaded file. Raises 400 for parts that the SDK's type does not have."""
    found = None
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name not in UPLOAD or (part.name == "file" and found):
            raise bad_request("body: extra parts are not permitted")
        if part.name == "file":
            found = await _read_file(part)
        else:
            _check_expiry(await part.text())
    if found is None:
        raise bad_request("file: Field required")
    return found


async def _read_file(part: BodyPartReader) -> tuple[str, str, bytes]:
    name = part.filename or ""
    if not 0 < len(name) <= 255 or set(name) & set('<>:"|?*\\/') or not name.isprintable():
        raise bad_request("file: filename is missing, has forbidden characters or is too long")
    content = bytes(await part.read())
    if not content:
        raise bad_request("file: File must not be empty")
    return name, part.headers.get("content-type", "application/octet-stream"), content


def _check_expiry(seconds: str) -> None:
    if not seconds.isdecimal() or not 3600 <= int(seconds) <= 7_776_000:
        raise bad_request("expires_in_seconds: must be between 3600 and 7776000")


class Files:
    """Uploaded files and sessions' outputs; a test makes an output with `put`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        one = "/v1/files/{file_id}"
        return [
            ("POST", "/v1/files", self.upload),
            ("GET", "/v1/files", self.list),
            ("GET", one, self.retrieve),
            ("GET", one + "/content", self.content),
            ("DELETE", one, self.delete),
            ("GET", "/v1/models", self.models),
            ("GET", "/v1/models/{model_id}", self.model),
        ]

    def put(self, filename: str, mime_type: str, content: bytes, *, session_id: str | None = None) -> str:
        """Store a file and return its id; with a session it is that session's output, and may be downloaded."""
        file_id = new_id("file")
        self._world.files[file_id] = {
            "id": file_id,
            "type": "file",
            "filename": filename,
            "mime_type": mime_type,
            "size_bytes": len(content),
            "created_at": self._world.now(),
            "downloadable": session_id is not None,
            "scope": {"type": "session", "id": session_id} if session_id else None,
            "content": content,
        }
        return file_id

    def _find(self, file_id: str) -> Json:
        found: Json | None = self._world.files.get(check_id("file", file_id))
        if found is None:
            raise not_found(f"File `{file_id}` not found.")
        return found

    @staticmethod
    def _show(file: Json) -> Json:
        return answer(BetaFileMetadata, {key: value for key, value in file.items() if key != "content"})

    async def upload(self, ask: Ask) -> Json:
        """Store an uploaded file; it cannot be downloaded again."""
        try:
            reader = await ask.request.multipart()
        except (AssertionError, ValueError, KeyError) as error:
            raise bad_request("a multipart body is needed") from error
        file_id = self.put(*await _read_upload(reader))
        self._world.note()
        return self._show(self._world.files[file_id])

    async def list(self, ask: Ask) -> Json:
        """List the newest first, by id or by session."""
        query = ask.query(FileListParams)
        scope = query.get("scope_id")
        rows = [
            file
            for file in reversed(self._world.files.values())
            if file["id"] in query.get("ids", [file["id"]])
            and (scope is None or (file["scope"] or {}).get("id") == scope)
        ]
        return page_of([self._show(file) for file in rows], query, most=1000)

    async def retrieve(self, ask: Ask) -> Json:
        """Return a file's metadata."""
        return self._show(self._find(ask.path("file_id")))

    async def content(self, ask: Ask) -> web.StreamResponse:
        """Return an output's content."""
        file = self._find(ask.path("file_id"))
        if not file["downloadable"]:
            raise bad_request("This file cannot be downloaded.", "file_not_downloadable")
        return web.Response(body=file["content"], content_type=file["mime_type"], headers=ask.headers)

    async def delete(self, ask: Ask) -> Json:
        """Delete."""
        file = self._find(ask.path("file_id"))
        del self._world.files[file["id"]]
        return answer(BetaDeletedFile, {"id": file["id"], "type": "file_deleted"})

    @staticmethod
    def _show_model(model_id: str) -> Json:
        # Without capabilities and limits, which nothing of ours reads: the required fields only.
        shown = {"id": model_id, "type": "model", "display_name": model_id, "created_at": "2026-01-01T00:00:00Z"}
        missing = {name: None for name in BetaModelInfo.model_fields if name not in shown}
        return shown | missing

    async def models(self, _: Ask) -> Json:
        """List the models."""
        rows = [self._show_model(model_id) for model_id in MODELS]
        return {"data": rows, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}

    async def model(self, ask: Ask) -> Json:
        """Return one model."""
        if ask.path("model_id") not in MODELS:
            raise not_found(f"model: {ask.path('model_id')}")
        return self._show_model(ask.path("model_id"))
