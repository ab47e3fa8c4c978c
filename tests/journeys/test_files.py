"""Files both ways: attached ones reach the session, what the agent makes reaches the thread, each once."""

from urllib.parse import urlsplit

import pytest

from simulator.slack import people
from tests.world import ALICE, GENERAL, World

MENTION = f"<@{people.BOT}>"
SECRET = "only in the file: 42"
MEGABYTE = 1024 * 1024


def a_file(name="report.csv", content=b"name,amount\nalpha,3\n", **fields):
    return {"name": name, "content": content, "mimetype": "text/csv"} | fields


def shared(world: World, root) -> list[str]:
    """Return the names of the files in a thread that Deputy brought there."""
    thread = world.slack.thread(root.channel, root.ts)
    return [file["name"] for message in thread if message.by_app for file in message.files]


async def test_an_attached_file_is_read_by_the_agent(running_world: World):
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[a_file(), a_file("two words.txt", b"second")]
    )
    (answer,) = await running_world.answered(root)
    await running_world.settled()

    (session,) = running_world.agents.sessions.values()
    paths = [resource["mount_path"] for resource in session.resources]
    assert [path.rsplit("/", 1)[1] for path in paths] == ["1-report.csv", "2-two_words.txt"]
    assert "alpha,3" in running_world.slack.text_of(answer)
    assert "second" in running_world.slack.text_of(answer)
    (request,) = running_world.requests()
    assert request.endswith("I attached these files:\n" + "\n".join(f"- {path}" for path in paths))


def looks_for_uploads(world: World) -> int:
    """Return how often the whole workspace's files were listed; outputs are listed by their session."""
    listings = [call for call in world.agents.calls if (call.method, call.path) == ("GET", "/v1/files")]
    return len([call for call in listings if "scope_id" not in call.query])


def uploads(world: World) -> list[str]:
    return [file["filename"] for file in world.agents.files.values() if file["scope"] is None]


async def test_a_first_upload_looks_for_no_earlier_one(running_world: World):
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[a_file(), a_file("other.csv")]
    )
    await running_world.answered(root)

    assert len(uploads(running_world)) == 2
    assert looks_for_uploads(running_world) == 0


@pytest.mark.parametrize("path", ["/v1/files", "/v1/sessions/*/resources"])
async def test_an_upload_in_doubt_is_looked_for_and_not_made_twice(running_world: World, path):
    running_world.agents.faults.add(path, "POST", kind="connection_error_after")
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[a_file()]
    )
    (answer,) = await running_world.answered(root)

    assert "alpha,3" in running_world.slack.text_of(answer)
    assert len(uploads(running_world)) == 1
    assert looks_for_uploads(running_world) <= 1


async def test_after_a_restart_in_the_middle_of_an_upload_the_file_is_there_once(deputy_world: World):
    deputy_world.agents.faults.add("/v1/files", "POST", kind="timeout_after")
    async with deputy_world.deputy():
        root = await deputy_world.slack.post_message(
            ALICE, GENERAL, f"{MENTION} read the attached files", files=[a_file()]
        )
        await deputy_world.agents.until(lambda _: uploads(deputy_world))
    deputy_world.agents.faults.clear()

    async with deputy_world.deputy():
        (answer,) = await deputy_world.answered(root)

    assert "alpha,3" in deputy_world.slack.text_of(answer)
    assert len(uploads(deputy_world)) == 1
    assert looks_for_uploads(deputy_world) == 1


async def test_files_without_a_word_are_a_request(running_world: World):
    root = await running_world.slack.post_message(ALICE, ALICE, "", files=[a_file()])
    await running_world.answered(root)

    assert running_world.requests()[0].startswith("Look at the attached files.\n")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"size": 31 * MEGABYTE}, "larger than 30 MB"),
        ({"mode": "external", "is_external": True}, "not a file I can take"),
        ({"mode": "canvas"}, "not a file I can take"),
        ({"mode": "list"}, "not a file I can take"),
        ({"mode": "email"}, "not a file I can take"),
        ({"original_w": 9_000, "original_h": 10}, "8,000 pixels"),
    ],
)
async def test_a_file_that_cannot_come_along_is_named_and_the_rest_goes_on(running_world: World, fields, said):
    files = [a_file("big.bin", **fields), a_file()]
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} read the attached files", files=files)
    await running_world.answered(root)

    told = await running_world.whispered(ALICE, said)
    assert "“big.bin”" in running_world.slack.text_of(told)
    assert running_world.requests()[0].count("/mnt/session/uploads/") == 1


@pytest.mark.fault("F13")
async def test_files_of_one_name_or_of_any_signs_all_come_each_under_a_path_of_its_own(running_world: World):
    names = ["a/../b.csv", "a/../b.csv", "\u202egnp.csv", "🚀.csv", "\u05e7\u05d5\u05d1\u05e5.csv", "C:\\x.csv"]
    files = [*(a_file(name) for name in names), a_file("note.txt", mode="snippet")]
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} read the attached files", files=files)
    await running_world.answered(root)
    await running_world.settled()

    listed = [line for line in running_world.requests()[0].splitlines() if "/mnt/session/uploads/" in line]
    paths = [line.partition("/mnt/session/uploads/")[2] for line in listed]
    assert len(set(paths)) == len(files), running_world.whispers(ALICE)
    assert all(path.count("/") == 1 and ".." not in path.split("/") and "\u202e" not in path for path in paths)
    assert running_world.whispers(ALICE) == ""


async def test_a_file_that_slack_does_not_hand_out_is_said(running_world: World):
    running_world.slack.scopes.discard("files:read")
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} what can you do", files=[a_file()])
    await running_world.answered(root)

    await running_world.whispered(ALICE, "not allowed to bring it")
    assert "/mnt/session/uploads/" not in running_world.requests()[0]


@pytest.mark.parametrize("kind", ["ratelimited", "status_500", "connection_error_after", "malformed"])
async def test_a_file_whose_fetching_fails_is_fetched_again(running_world: World, kind):
    running_world.slack.faults.add("download", kind=kind)
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[a_file()]
    )
    (answer,) = await running_world.answered(root)

    assert "alpha,3" in running_world.slack.text_of(answer)
    assert running_world.whispers(ALICE) == ""


async def test_a_file_that_was_deleted_before_its_turn_came_is_said(running_world: World):
    root = await running_world.ask(ALICE, "think for 1 seconds")
    await running_world.agents.until(lambda _: running_world.sent())
    await running_world.slack.post_message(ALICE, GENERAL, "what can you do", thread_ts=root.ts, files=[a_file()])
    await running_world.answer_in(root, "Queued")
    running_world.slack.workspace.files.clear()
    await running_world.answered(root, 2)

    await running_world.whispered(ALICE, "“report.csv”: it is no longer in Slack")
    assert "/mnt/session/uploads/" not in running_world.requests()[1]


async def test_a_file_the_agent_makes_comes_to_the_thread_once(running_world: World):
    root = await running_world.ask(ALICE, "write files called report.csv and notes.txt")
    await running_world.answered(root)
    await running_world.settled()
    await running_world.slack.post_message(ALICE, GENERAL, "write a file called more.csv", thread_ts=root.ts)
    await running_world.answered(root, 2)
    await running_world.settled()

    assert shared(running_world, root) == ["report.csv", "notes.txt", "more.csv"]


async def test_of_many_files_ten_come_and_the_rest_is_named(running_world: World):
    names = [f"part{number}.csv" for number in range(12)]
    root = await running_world.ask(ALICE, f"write files called {' and '.join(names)}")
    await running_world.answered(root)
    await running_world.settled()

    assert shared(running_world, root) == names[:10]
    told = await running_world.whispered(ALICE, "I take ten at once")
    assert "part10.csv" in running_world.slack.text_of(told)


@pytest.mark.parametrize("kind", ["connection_error_after", "status_500", "ratelimited"])
@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"])
async def test_a_call_that_fails_brings_the_file_once_all_the_same(running_world: World, method, kind):
    running_world.slack.faults.add(method, kind=kind)
    root = await running_world.ask(ALICE, "write a file called report.csv")
    await running_world.answered(root)
    await running_world.settled()

    assert shared(running_world, root) == ["report.csv"]


async def test_after_a_restart_between_upload_and_answer_the_file_is_there_once(deputy_world: World):
    deputy_world.slack.latency_after["files.completeUploadExternal"] = 30
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a file called report.csv")
        await deputy_world.slack.until(lambda _: shared(deputy_world, root))
    deputy_world.slack.latency_after.clear()

    async with deputy_world.deputy():
        await deputy_world.settled()

    assert shared(deputy_world, root) == ["report.csv"]
    assert len(deputy_world.slack.calls_of("files.completeUploadExternal")) == 1
    assert len(deputy_world.answers(root)) == 1


async def test_what_is_in_a_file_is_neither_stored_nor_logged(running_world: World, logged):
    files = [a_file(content=SECRET.encode())]
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} what can you do", files=files)
    await running_world.answered(root)
    await running_world.settled()

    stored = [
        path.name for path in running_world.folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert stored == []
    assert not any(SECRET in line for line in logged.lines)


@pytest.mark.fault("F13")
@pytest.mark.parametrize("kind", ["plain", "gone", "refused", "external"])
async def test_a_file_that_slack_only_names_is_looked_up(running_world: World, kind):
    emit = running_world.slack.emit

    def stubs(event):
        if event.get("files"):
            stub = {"created": 1, "timestamp": 1, "mode": "file_access", "file_access": "check_file_info"}
            event = event | {"files": [stub | {"id": file["id"]} for file in event["files"]]}
        return emit(event)

    if kind in {"gone", "refused"}:
        error = "file_deleted" if kind == "gone" else "access_denied"
        running_world.slack.faults.add("files.info", error=error, times=9)
    running_world.slack.emit = stubs
    file = a_file(mode="external", is_external=True) if kind == "external" else a_file()
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[file, a_file("b.csv")][: 1 + (kind == "external")]
    )
    (answer,) = await running_world.answered(root)
    await running_world.settled()

    said = {"gone": "no longer in Slack", "refused": "not allowed to bring it", "external": "not a file I can take"}
    if kind == "plain":
        assert "alpha,3" in running_world.slack.text_of(answer)
        assert running_world.whispers(ALICE) == ""
    else:
        assert said[kind] in running_world.whispers(ALICE)


@pytest.mark.fault("F13")
@pytest.mark.parametrize(
    ("mode", "said"), [("tombstone", "no longer in Slack"), ("hidden_by_limit", "on this workspace's plan")]
)
async def test_a_file_that_slack_keeps_back_is_said_for_what_it_is(running_world: World, mode, said):
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} what can you do", files=[a_file(mode=mode)]
    )
    await running_world.answered(root)

    await running_world.whispered(ALICE, said)


@pytest.mark.fault("F14")
@pytest.mark.parametrize("hops", [1, 3])
async def test_a_download_that_slack_sends_on_to_an_address_of_its_own_is_followed(running_world: World, hops):
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[a_file(hops=hops)]
    )
    (answer,) = await running_world.answered(root)

    assert "alpha,3" in running_world.slack.text_of(answer)
    assert running_world.whispers(ALICE) == ""


@pytest.mark.fault("F14")
@pytest.mark.parametrize("where", ["elsewhere", "for ever"])
async def test_the_token_is_not_sent_on_to_others_nor_for_ever(running_world: World, where):
    own = urlsplit(running_world.slack.url)
    moves = {"hops": 99} | ({"moves_to": f"http://localhost:{own.port}"} if where == "elsewhere" else {})
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} what can you do", files=[a_file(**moves)])
    await running_world.answered(root)

    await running_world.whispered(ALICE, "not allowed to bring it")
    downloads = running_world.slack.workspace.downloads
    assert {host for host, _ in downloads} == {own.netloc}
    assert len(downloads) == (1 if where == "elsewhere" else 4)


@pytest.mark.fault("F34")
async def test_an_empty_file_the_agent_makes_is_called_empty(running_world: World):
    running_world.agents.pace = 0.02
    root = await running_world.ask(ALICE, "write a file called notes.txt: hello")
    await running_world.agents.until(lambda _: running_world.sent())
    (session_id,) = running_world.agents.sessions
    running_world.agents.put("empty.log", b"", session_id)

    await running_world.answered(root)
    await running_world.whispered(ALICE, "it is empty")
    await running_world.settled()

    assert shared(running_world, root) == ["notes.txt"]


FETCHED, UPLOADED, MOUNTED = "download", "/v1/files", "/v1/sessions/*/resources"


@pytest.mark.fault("F34")
@pytest.mark.parametrize(
    ("where", "fault", "said"),
    [
        (FETCHED, {"kind": "status_404"}, "no longer in Slack"),
        (FETCHED, {"kind": "status_503"}, "try again"),
        (FETCHED, {"kind": "status_408"}, "try again"),
        ("files.info", {"error": "access_denied"}, "not allowed to bring it"),
        (UPLOADED, {"kind": "status_400"}, "isn't accepted as it is"),
        (UPLOADED, {"kind": "status_413"}, "larger than is accepted"),
        (UPLOADED, {"kind": "status_403"}, "not allowed to bring it"),
        (UPLOADED, {"kind": "status_400", "code": "storage_quota_exceeded"}, "no room for more files"),
        (MOUNTED, {"kind": "status_400"}, "isn't accepted as it is"),
    ],
)
async def test_only_what_may_pass_is_said_to_be_tried_again_of_an_attached_file(
    running_world: World, where, fault, said
):
    peer = running_world.agents if where.startswith("/") else running_world.slack
    peer.faults.add(where, **({"method": "POST"} if where.startswith("/") else {}), times=99, **fault)
    root = await running_world.slack.post_message(ALICE, GENERAL, f"{MENTION} what can you do", files=[a_file()])
    await running_world.answered(root)

    told = running_world.slack.text_of(await running_world.whispered(ALICE, "Your agent didn't get every file"))
    assert "“report.csv”" in told
    assert said in told
    assert ("try again" in told) is (said == "try again")


@pytest.mark.fault("F34")
async def test_an_attached_file_that_is_empty_is_called_empty(running_world: World):
    root = await running_world.slack.post_message(
        ALICE, GENERAL, f"{MENTION} read the attached files", files=[a_file("empty.log", b""), a_file()]
    )
    await running_world.answered(root)

    told = running_world.slack.text_of(await running_world.whispered(ALICE, "it is empty"))
    assert "“empty.log”" in told
    assert running_world.requests()[0].count("/mnt/session/uploads/") == 1


@pytest.mark.fault("F34")
@pytest.mark.parametrize(
    ("where", "fault", "said"),
    [
        ("files.getUploadURLExternal", {"error": "file_type_not_allowed"}, "isn't accepted as it is"),
        ("files.getUploadURLExternal", {"error": "file_uploads_disabled"}, "not allowed to bring it here"),
        ("files.getUploadURLExternal", {"error": "file_upload_size_restricted"}, "larger than is accepted"),
        ("files.getUploadURLExternal", {"kind": "status_503"}, "ask for it again"),
        ("files.completeUploadExternal", {"error": "restricted_action"}, "not allowed to bring it here"),
        ("upload", {"kind": "status_413"}, "larger than is accepted"),
        (
            "/v1/files/*/content",
            {"kind": "status_400", "code": "file_not_downloadable"},
            "not allowed to bring it here",
        ),
        ("/v1/files/*/content", {"kind": "status_500"}, "ask for it again"),
    ],
)
async def test_only_what_may_pass_is_said_to_be_asked_again_of_the_agents_file(
    running_world: World, where, fault, said
):
    peer = running_world.agents if where.startswith("/") else running_world.slack
    peer.faults.add(where, times=99, **fault)
    root = await running_world.ask(ALICE, "write a file called report.csv")
    await running_world.answered(root)

    told = running_world.slack.text_of(await running_world.whispered(ALICE, "Some files your agent made aren't here"))
    assert "“report.csv”" in told
    assert said in told
    assert ("again" in told) is (said == "ask for it again")


@pytest.mark.fault("F35")
async def test_a_file_that_is_listed_later_than_the_first_is_brought_too(running_world: World):
    root = await running_world.ask(ALICE, "write a file called first.txt: hello")

    def looked(_):
        return any(call.path == "/v1/files" and call.method == "GET" for call in running_world.agents.calls)

    await running_world.agents.until(looked)
    (session_id,) = running_world.agents.sessions
    running_world.agents.put("second.txt", b"late", session_id)
    await running_world.settled()

    assert sorted(shared(running_world, root)) == ["first.txt", "second.txt"]
