"""The files endpoints, as little as mounting needs, and the models list (reference §2.8, §2.9).

Mounting a file is `sessions`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import BodyPartReader, web
from anthropic.types.beta import BetaDeletedFile, BetaFileMetadata, BetaModelInfo, FileListParams

from simulator.agents.asking import Ask, Route
from simulator.agents.errors import bad_request, not_found
from simulator.agents.ids import check_id, new_id
from simulator.agents.pages import page_of
from simulator.agents.schemas import answer
from simulator.agents.state import World

Json = dict[str, Any]
MODELS = ("claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5")


class Files:
    """Uploaded files and what sessions left; `put` is how a test makes an output."""

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
        """Keep a file; one with a session is an output of it and may be downloaded. Return its id."""
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
        """Keep an uploaded file; it cannot be downloaded again."""
        try:
            reader = await ask.request.multipart()
        except (AssertionError, ValueError, KeyError) as error:
            raise bad_request("a multipart body is needed") from error
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "file" and part.filename:
                if (
                    len(part.filename) > 255
                    or set(part.filename) & set('<>:"|?*\\/')
                    or not part.filename.isprintable()
                ):
                    raise bad_request("file: filename has forbidden characters or is too long")
                kind = part.headers.get("content-type", "application/octet-stream")
                content = bytes(await part.read())
                if not content:
                    raise bad_request("file: File must not be empty")
                file_id = self.put(part.filename, kind, content)
                self._world.note()
                return self._show(self._world.files[file_id])
        raise bad_request("file: Field required")

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
        """Return what is known of one."""
        return self._show(self._find(ask.path("file_id")))

    async def content(self, ask: Ask) -> web.StreamResponse:
        """Return the bytes of an output."""
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
        # The capabilities and limits of a model are beside the point here: the required fields only.
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
