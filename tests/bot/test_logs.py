import io
import json
import logging

import pytest
import structlog

from bot import logs


@pytest.fixture
def lines():
    root = logging.getLogger()
    before = root.level, list(root.handlers), structlog.get_config()
    stream = io.StringIO()

    def read():
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield stream, read
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.configure(**before[2])
    for name in logs.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_our_lines_and_a_librarys_are_both_one_json_object_without_tokens(lines):
    stream, read = lines
    logs.configure("info", stream)

    structlog.get_logger("bot.test").info("asked", token="xoxb-1-canary", count=2)
    logging.getLogger("somebody").warning("sent %s", "Bearer abc.def")
    logging.getLogger("somebody").error("broke", exc_info=ValueError("key sk-ant-api03-zzz"))

    ours, theirs, broke = read()
    assert (ours["event"], ours["token"], ours["count"], ours["level"]) == ("asked", "•••", 2, "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("sent •••", "somebody", "warning")
    assert theirs["timestamp"].endswith("Z")
    assert "ValueError: key •••" in broke["exception"]
    assert "zzz" not in stream.getvalue()


@pytest.mark.parametrize("level", ["debug", "info"])
def test_vendors_are_heard_from_warnings_on_even_those_that_set_their_own_level(lines, level):
    stream, read = lines
    logs.configure(level, stream)

    for name in ("slack_bolt.AsyncApp", "uvicorn.error", "httpx"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.debug("payload")
        logger.info("chatter")
        logger.warning("trouble")
        logger.setLevel(logging.NOTSET)

    assert [line["event"] for line in read()] == ["trouble"] * 3


@pytest.mark.fault("D1")
def test_a_socket_that_cannot_be_opened_is_one_line_a_minute_without_a_traceback(lines):
    stream, read = lines
    logs.configure("info", stream)
    socket = logging.getLogger("slack_sdk.socket_mode")

    for _ in range(5):
        socket.error("Failed to connect", exc_info=ValueError("wss://canary"))
    logging.getLogger("somebody").error("broke", exc_info=ValueError("theirs"))

    assert [line["event"] for line in read()] == ["Failed to connect", "broke"]
    assert ["exception" in line for line in read()] == [False, True]


def test_what_is_below_the_level_is_not_written(lines):
    stream, read = lines
    logs.configure("warning", stream)

    structlog.get_logger("bot.test").info("asked")
    structlog.get_logger("bot.test").warning("odd")

    assert [line["event"] for line in read()] == ["odd"]
