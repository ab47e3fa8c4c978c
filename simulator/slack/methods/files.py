"""`files.getUploadURLExternal` and `files.completeUploadExternal`: the two halves of an upload.

`simulator/slack/hooks.py` takes the content between them.
"""

from __future__ import annotations

import secrets
from typing import Any

from simulator.slack.errors import SlackError
from simulator.slack.methods.access import own, thread_root, writable
from simulator.slack.methods.chat import posted_event
from simulator.slack.methods.registry import Args, serves
from simulator.slack.workspace import Workspace

Answer = dict[str, Any]
UNSEEN_LOOKS = 1
"""How many times `files.info` does not show a new share: Slack completes it after it has answered the call."""


@serves("files.getUploadURLExternal", "filename length alt_txt snippet_type", scopes="files:write", per_minute=100)
def get_upload_url(ws: Workspace, args: Args) -> Answer:
    """Return the URL to which the content is to be uploaded."""
    name, length = args.required("filename"), args.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments")
    file_id = "F" + secrets.token_hex(5).upper()
    ws.files[file_id] = {"id": file_id, "name": name, "length": length, "content": None, "is_shared": False}
    return {"upload_url": f"{ws.url}/upload/{file_id}", "file_id": file_id}


@serves(
    "files.completeUploadExternal",
    "files channel_id channels initial_comment thread_ts",
    scopes="files:write",
    per_minute=100,
)
def complete_upload(ws: Workspace, args: Args) -> Answer:
    """Share uploaded files as one message."""
    given = args.structure("files", "invalid_arguments")
    if not isinstance(given, list) or not given:
        raise SlackError("invalid_arguments")
    found = [ws.files.get(str(one.get("id"))) for one in given]
    if any(file is None or file["content"] is None for file in found):
        raise SlackError("file_not_found")
    shared = [
        {"id": file["id"], "name": file["name"], "title": one.get("title") or file["name"], "size": file["length"]}
        for file, one in zip(found, given, strict=True)
        if file is not None
    ]
    if any(file and file.get("shares") for file in found):
        raise SlackError("invalid_arguments")
    target = args.string("channel_id")
    if target is not None:
        channel = writable(ws, target)
        root = thread_root(ws, channel, args.string("thread_ts"))
        message = own(channel, ws.next_ts(), args.string("initial_comment") or "", root.ts if root else None)
        message.files = shared
        for file in found:
            if file is not None:
                file["unseen_looks"] = UNSEEN_LOOKS
                file["shares"] = {
                    "private" if channel.is_im else "public": {channel.id: [{"thread_ts": message.thread_ts}]}
                }
        if root and root.thread_ts is None:
            root.thread_ts = root.ts
        ws.place(message)
        ws.on_event(posted_event(ws, message))
    return {"files": shared}


@serves("files.info", "file count cursor limit page", scopes="files:read", per_minute=100)
def info(ws: Workspace, args: Args) -> Answer:
    """Return a file's description. Raises `file_not_found`, also for one that was never shared."""
    file = ws.files.get(args.required("file"))
    if file is None or not file.get("shares"):
        raise SlackError("file_not_found")
    if file.get("unseen_looks"):
        file["unseen_looks"] -= 1
        raise SlackError("file_not_found")
    return {"file": described(ws, file)}


def described(ws: Workspace, file: dict[str, Any]) -> dict[str, Any]:
    """Return a file in the form that messages and methods have."""
    url = f"{ws.url}/files-pri/{file['id']}/{file['name']}"
    same = ("id", "name", "mimetype", "mode", "is_external", "original_w", "original_h", "shares")
    known = {key: file[key] for key in same if key in file}
    return {"mode": "hosted", "size": file["length"], "url_private": url, "url_private_download": url} | known
