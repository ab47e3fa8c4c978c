import io
import json
import logging

import anthropic
import httpx2
import pytest
import structlog
from slack_sdk.errors import SlackApiError

from bot import logs
from bot.model.errors import AgentsRejected, NotPermitted, Refusal, Refused
from tests.bot.model.test_secret_patterns import SECRETS


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


@pytest.mark.parametrize("secret", [one for every in SECRETS.values() for one in every] + ["xoxb-1", "vlt_0a", "ghp_x"])
def test_a_log_has_no_secret_that_filters_know_nor_the_beginning_of_one_of_ours(lines, secret):
    stream, read = lines
    logs.configure("info", stream)

    structlog.get_logger("bot.test").info("failed", because=f"it was {secret}", at="/agent")

    assert read()[0]["at"] == "/agent"
    assert secret not in read()[0]["because"]
    assert "hunter2" not in stream.getvalue()


def failed(raised: Exception, behind: Exception | None = None) -> Exception:
    try:
        raise raised from behind
    except type(raised) as error:
        return error


@pytest.mark.fault("D14")
def test_what_an_api_says_is_not_in_a_line_and_where_it_failed_is(lines):
    stream, read = lines
    logs.configure("info", stream)
    response = httpx2.Response(400, request=httpx2.Request("POST", "http://api"))
    api = anthropic.BadRequestError("canary of the API", response=response, body={"error": {"message": "canary"}})
    slack = SlackApiError("canary of Slack", {"ok": False, "error": "canary"})
    ours = AgentsRejected("invalid_request_error", 400)
    words = NotPermitted(Refused(Refusal.GONE, "canary", kept="canary that a member wrote"))
    log = structlog.get_logger("bot.test")

    log.error("turn_rejected", exc_info=failed(ours, failed(api)))
    log.error("grouped", exc_info=ExceptionGroup("two at once", [failed(slack), failed(words)]))
    try:
        raise failed(ValueError("ours"), failed(api))
    except ValueError:
        log.exception("bug")
    logging.getLogger("somebody").error("broke", exc_info=failed(slack, failed(words)))
    logging.getLogger("somebody").error("nothing", exc_info=True)  # noqa: LOG014  # as libraries do

    assert "canary" not in stream.getvalue()
    rejected, grouped, bug, broke, nothing = read()
    assert rejected["exception"].endswith("bot.model.errors.AgentsRejected code=invalid_request_error status=400")
    assert "anthropic.BadRequestError status_code=400" in rejected["exception"]
    assert "in failed" in rejected["exception"]
    assert "bot.model.errors.NotPermitted" in grouped["exception"]
    assert bug["exception"].endswith("ValueError: ours")
    assert broke["exception"].index("NotPermitted") < broke["exception"].index("SlackApiError")
    assert "exception" not in nothing


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
