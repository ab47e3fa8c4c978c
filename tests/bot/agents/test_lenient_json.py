"""One broken event costs neither its page nor its stream, and never looks like one that is whole."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest

from bot.agents.lenient_json import UNREADABLE, Pool, Reading, why_not
from bot.agents.translate import translate
from bot.model.events import SessionGone, SessionIdle, TextWritten, ToolStarted, Unrecognised

from .conftest import HOLD, frame
from .raw import Raw
from .test_event_stream import IDS, PERSISTED, event, follow_turn, persisted_ids

pytestmark = pytest.mark.fault("S20")

DIGITS = b"9" * 5000
DEEP = b"[" * 3000 + b"]" * 3000
ODD = {
    "a long number": (b'{"n":-%s}' % DIGITS, "number too long"),
    "no text": (b'{"n":"\xff\xfe\xed\xa0\x80"}', "no UTF-8"),
    "no end of nesting": (b'{"n":%s}' % DEEP, "too deep"),
    "no JSON": (b'{"n":tru}', "no JSON"),
    "not a number": (b'{"n":[NaN,-Infinity,1e999]}', None),
    "half a character": (b'{"n":"\\ud800"}', None),
    "null": (b"null", None),
}
BOTH = pytest.mark.parametrize(("odd", "cause"), ODD.values(), ids=ODD)


def a_call(arguments: bytes) -> Raw:
    """A call whose arguments are written as they are given."""
    call = event(3, "agent.tool_use", name="bash", evaluated_permission="ask", input="@")
    return Raw(call, b'"@"', arguments)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("where", ["stream", "list", "both"])
async def test_one_broken_event_costs_neither_its_stream_nor_its_page(raw_api, raw_agents, logged, name, where) -> None:
    odd, cause = ODD[name]
    before, after = PERSISTED[:2], PERSISTED[3:]
    events = [*before, a_call(odd), *after]
    session = raw_api.session(persisted=[] if where == "stream" else events)
    frames = b"".join(map(frame, PERSISTED[-1:] if where == "list" else events))
    session.streams.extend([[frames, HOLD], [frames, HOLD]])

    seen = await follow_turn(raw_agents)

    said = [line for line in logged.lines if "event_not_readable" in line]
    assert [one for one in persisted_ids(seen) if one != "sevt_3"] == [one for one in IDS if one != "sevt_3"]
    # What is no JSON was perhaps cut on its way: the list may have it whole.
    is_looked_for = cause == "no JSON" and where == "stream"
    assert len([target for target in session.requests if "/stream" in target]) == 1 + is_looked_for
    assert "999" not in "".join(logged.lines)
    assert len(said) == (cause is not None)
    assert all(str(cause) in line for line in said)


@BOTH
def test_a_call_that_cannot_be_read_is_none_and_one_that_can_is_whole(odd, cause) -> None:
    body = Reading().body(b'{"data":[%s],"next_page":null}' % a_call(odd).bytes())
    ours = translate(json.loads(body)["data"][0])

    if cause in {"too deep", "no JSON"}:
        assert ours == Unrecognised("sevt_3", UNREADABLE)
    else:
        assert isinstance(ours, ToolStarted)
    if cause == "number too long":
        assert ours.call.arguments == {"n": "-" + DIGITS.decode()}


def test_a_stream_and_a_list_read_a_call_the_same() -> None:
    for odd, _ in ODD.values():
        listed = json.loads(Reading().body(b'{"data":[%s]}' % a_call(odd).bytes()))["data"][0]
        data = Reading().frame(frame(a_call(odd))).partition(b"data: ")[2]
        streamed = json.loads(data)
        assert translate(streamed) == translate(listed) or "no JSON" in why_not(odd.decode(errors="replace"))


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("session.status_idle", SessionIdle("sevt_3", "unknown", None)),
        ("session.status_terminated", SessionGone("sevt_3")),
        ("session.deleted", SessionGone("sevt_3")),
        ("user.message", Unrecognised("sevt_3", UNREADABLE)),
        ("agent.message", Unrecognised("sevt_3", UNREADABLE)),
    ],
)
def test_an_end_is_believed_and_everything_else_that_cannot_be_read_is_nothing(kind, ours) -> None:
    body = Reading().body(b'{"data":[%s]}' % Raw(event(3, kind, x="@"), b'"@"', DEEP).bytes())

    assert translate(json.loads(body)["data"][0]) == ours


def test_only_the_broken_one_of_a_page_is_touched() -> None:
    fine = '{"id": "a", "x": [{"data": [1, "]}\\"{["]}], "y": 1e999}'
    broken = f'{{"id": "b", "n": {"9" * 5000}}}'
    page = f'{{"first": {{"data": [{{}}]}}, "data": [{fine}, {broken}, null, 7], "next_page": "p"}}'

    mended = Reading().body(page.encode()).decode()

    assert fine in mended
    assert json.loads(mended)["data"][1:] == [{"id": "b", "n": "9" * 5000}, None, 7]
    assert json.loads(mended)["next_page"] == "p"


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"7", b"{", b'{"data":[{]}', b"<html>", b"\xff", DEEP])
def test_what_is_no_object_is_no_answer(content) -> None:
    assert Reading().body(content) is None


async def test_what_is_too_large_to_be_held_is_left_out(raw_api, raw_agents, logged) -> None:
    giant = [b"event: agent.message\ndata: {", *[b'"x":"' + b"y" * 2**20 + b'",'] * 20, b'"z":1}\n\n']
    session = raw_api.session()
    session.streams.append([b"".join(map(frame, PERSISTED[:3])), *giant, b"".join(map(frame, PERSISTED[3:])), HOLD])

    assert persisted_ids(await follow_turn(raw_agents)) == IDS
    assert [line for line in logged.lines if "too large" in line]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 7, 10**6])
async def test_frames_come_whole_however_they_are_cut_and_written(raw_api, raw_agents, end, size) -> None:
    lines = b": hello\n\n" + b"".join(map(frame, PERSISTED)) + b"event: ping\ndata: {}\n\n"
    lines = lines.replace(b'"type":"session.status_idle"', b'\ndata: "type":"session.status_idle"').replace(b"\n", end)
    session = raw_api.session()
    session.streams.append([*(lines[start : start + size] for start in range(0, len(lines), size)), HOLD])

    events = await follow_turn(raw_agents)

    assert persisted_ids(events) == IDS
    assert [type(one) for one in events].count(TextWritten) == 1


async def answered(head: bytes) -> httpx2.Response:
    """Return what becomes of a deletion that a server answers with this head and nothing else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, Pool(trust_env=False) as pool:
        port = server.sockets[0].getsockname()[1]
        return await pool.delete(f"http://127.0.0.1:{port}/v1/vaults/vlt_1")


async def test_a_success_without_content_is_one_and_an_empty_answer_is_none() -> None:
    assert (await answered(b"HTTP/1.1 204 No Content")).status_code == 204
    with pytest.raises(httpx2.DecodingError):
        await answered(b"HTTP/1.1 200 OK\r\ncontent-length: 0")
