"""Sessions, agents and environments (docs/reference/managed-agents.md#sessions, #agents and #environments)."""

from __future__ import annotations

import anthropic
import pytest

from simulator.agents.server import AgentsSimulator

BUDGET = {"type": "limit", "max_list_cost": {"amount": "2500", "currency": "USD"}}


def error_of(refused):
    return refused.value.status_code, refused.value.error_code


async def test_a_new_session_is_idle_with_the_latest_agent(make, client):
    agent = await make.agent()
    await client.beta.agents.update(agent.id, system="Be brief.")

    session = await make.session(agent=agent, metadata={"slack_thread_ts": "1.2"}, budget=BUDGET, title="Hi")

    assert (session.status, session.agent.version, session.agent.system) == ("idle", 2, "Be brief.")
    assert (session.metadata, session.budget.max_list_cost.amount) == ({"slack_thread_ts": "1.2"}, "2500")


async def test_initial_events_start_the_session_at_once(make, listen, client):
    words = {"type": "user.message", "content": [{"type": "text", "text": "think for 60 seconds"}]}

    session = await make.session(initial_events=[words])

    assert session.status == "running"
    with pytest.raises(anthropic.BadRequestError):
        await client.beta.sessions.archive(session.id)
    with pytest.raises(anthropic.BadRequestError):
        await client.beta.sessions.delete(session.id)
    with pytest.raises(anthropic.BadRequestError):
        await client.beta.sessions.update(session.id, agent={"tools": [], "mcp_servers": []})


async def test_overrides_replace_and_never_merge(make, client):
    agent = await make.agent(system="Old", model={"id": "claude-opus-5-5", "effort": "high"})
    environment = await make.environment()

    session = await client.beta.sessions.create(
        agent={
            "type": "agent_with_overrides",
            "id": agent.id,
            "version": 1,
            "system": None,
            "model": "claude-sonnet-5",
            "tools": [],
            "mcp_servers": [],
        },
        environment_id=environment.id,
    )

    assert (session.agent.system, session.agent.tools, session.agent.mcp_servers) == (None, [], [])
    assert (session.agent.model.id, session.agent.model.effort) == ("claude-sonnet-5", None)


@pytest.mark.parametrize("override", [{"mcp_servers": []}, {"tools": []}])
async def test_overrides_must_hold_together(make, client, override):
    agent, environment = await make.agent(), await make.environment()

    with pytest.raises(anthropic.BadRequestError):
        await client.beta.sessions.create(
            agent={"type": "agent_with_overrides", "id": agent.id, **override}, environment_id=environment.id
        )


async def test_a_session_cannot_be_made_without_a_model(make, client):
    agent, environment = await make.agent(), await make.environment()

    with pytest.raises(anthropic.BadRequestError) as refused:
        await client.beta.sessions.create(
            agent={"type": "agent_with_overrides", "id": agent.id, "model": None}, environment_id=environment.id
        )

    assert error_of(refused) == (400, "agent_model_required")


async def test_a_session_keeps_the_agent_it_was_made_with(make, client):
    agent = await make.agent()
    session = await make.session(agent=agent)

    await client.beta.agents.update(agent.id, system="Changed")

    assert (await client.beta.sessions.retrieve(session.id)).agent.version == 1


async def test_an_archived_session_says_so_word_for_word(make, client, ask):
    session = await make.session()

    archived = await client.beta.sessions.archive(session.id)
    with pytest.raises(anthropic.BadRequestError) as refused:
        await ask(session.id, "hello?")

    assert (archived.status, archived.archived_at is None) == ("terminated", False)
    assert refused.value.api_message == f"Cannot send events to archived session: {session.id}"
    assert session.id not in [one.id async for one in client.beta.sessions.list()]
    assert session.id in [one.id async for one in client.beta.sessions.list(include_archived=True)]


async def test_a_list_is_newest_first_in_pages_that_lead_back(make, client):
    agent, environment = await make.agent(), await make.environment()
    made = [(await make.session(agent=agent, environment=environment, vaults=[])).id for _ in range(5)]
    sessions = client.beta.sessions

    page = await sessions.list(limit=2)
    second = await page.get_next_page()

    assert [one.id async for one in sessions.list(limit=2)] == made[::-1]
    assert [one.id async for one in sessions.list(order="asc", limit=3)] == made
    assert (page.prev_page, second.prev_page is None) == (None, False)
    assert [one.id for one in (await sessions.list(limit=2, page=second.prev_page)).data] == made[:2:-1]


async def test_a_list_is_narrowed_by_status_agent_and_time(make, client, clock):
    agent = await make.agent()
    first = await make.session(agent=agent)
    clock.advance(60)
    second = await make.session()
    sessions = client.beta.sessions

    assert [one.id async for one in sessions.list(agent_id=agent.id)] == [first.id]
    assert [one.id async for one in sessions.list(created_at_gt=first.created_at)] == [second.id]
    assert [one.id async for one in sessions.list(statuses=["running", "terminated"])] == []


async def test_an_update_tells_the_stream_what_changed(make, listen, client):
    session = await make.session(metadata={"a": "1", "b": "2"})

    async with listen(session.id) as heard:
        updated = await client.beta.sessions.update(session.id, metadata={"a": None}, title="New")
        await heard.until(lambda it: it.events)

    assert (updated.metadata, updated.title) == ({"b": "2"}, "New")
    assert (heard.events[0].type, heard.events[0].metadata, heard.events[0].agent) == (
        "session.updated",
        {"b": "2"},
        None,
    )


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"vault_ids": []}, None),
        ({"budget": BUDGET}, "budget_create_only"),
        ({"metadata": {"k": "v" * 513}}, "invalid_metadata"),
    ],
)
async def test_what_an_update_cannot_do(make, client, update, code):
    session = await make.session()

    with pytest.raises(anthropic.BadRequestError) as refused:
        await client.beta.sessions.update(session.id, **update)

    assert error_of(refused) == (400, code)


async def test_new_tools_apply_from_the_next_turn(make, listen, ask, client):
    session = await make.session()
    await client.beta.sessions.update(session.id, agent={"tools": [], "mcp_servers": []})

    async with listen(session.id) as heard:
        await ask(session.id, "run `ls`")
        await heard.idle()

    assert "agent.tool_use" not in heard.types


async def test_a_stale_agent_version_is_a_conflict_even_without_a_change(make, client):
    agent = await make.agent()
    await client.beta.agents.update(agent.id, system="two")

    with pytest.raises(anthropic.ConflictError):
        await client.beta.agents.update(agent.id, version=1)

    same = await client.beta.agents.update(agent.id, version=2, system="two")
    assert same.version == 2
    assert [one.version async for one in client.beta.agents.versions.list(agent.id)] == [2, 1]
    assert (await client.beta.agents.retrieve(agent.id, version=1)).system is None


@pytest.mark.parametrize("fields", [{"tools": []}, {"mcp_servers": []}])
async def test_toolsets_and_servers_belong_together(make, fields):
    with pytest.raises(anthropic.BadRequestError):
        await make.agent(**fields)


async def test_an_archived_agent_is_neither_updated_nor_used(make, client):
    agent = await make.agent()
    await client.beta.agents.archive(agent.id)

    with pytest.raises(anthropic.BadRequestError):
        await client.beta.agents.update(agent.id, system="x")
    with pytest.raises(anthropic.BadRequestError):
        await make.session(agent=agent)


async def test_defaults_of_tool_policies_are_said(make):
    agent = await make.agent(
        tools=[{"type": "mcp_toolset", "mcp_server_name": "notes"}, {"type": "agent_toolset_20260401"}]
    )

    policies = [tool.default_config.permission_policy.type for tool in agent.tools]
    assert policies == ["always_ask", "always_allow"]


async def test_environment_names_are_unique_and_types_stay(client, make):
    environment = await client.beta.environments.create(name="prod", config={"type": "cloud"})

    with pytest.raises(anthropic.ConflictError):
        await client.beta.environments.create(name="prod")
    with pytest.raises(anthropic.BadRequestError) as refused:
        await client.beta.environments.update(environment.id, config={"type": "self_hosted"})
    await make.session(environment=environment)
    with pytest.raises(anthropic.ConflictError):
        await client.beta.environments.delete(environment.id)

    assert error_of(refused) == (400, "invalid_config_type_change")


async def test_what_is_unknown_is_404_and_what_is_malformed_400(client):
    with pytest.raises(anthropic.NotFoundError):
        await client.beta.agents.retrieve("agent_01unknownunknown")
    with pytest.raises(anthropic.BadRequestError) as malformed:
        await client.beta.agents.retrieve("x")

    assert malformed.value.api_message == "Invalid agent ID."


async def test_extra_keys_are_refused_where_the_sdk_has_none(client):
    with pytest.raises(anthropic.BadRequestError) as refused:
        await client.beta.vaults.create(display_name="x", extra_body={"owner": "alice"})

    assert "owner" in refused.value.api_message


async def test_a_wrong_key_is_401_and_a_missing_beta_404(client, agents):
    with pytest.raises(anthropic.AuthenticationError) as wrong:
        await client.with_options(api_key="nope").beta.agents.list()
    with pytest.raises(anthropic.NotFoundError):
        await client.beta.agents.list(extra_headers={"anthropic-beta": "other"})
    x_api_key = {"authorization": anthropic.omit, "x-api-key": agents.api_key}
    assert (await client.beta.agents.list(extra_headers=x_api_key)).data == []

    assert wrong.value.request_id.startswith("req_")


async def test_a_file_is_uploaded_mounted_and_never_given_back(client, make):
    file = await client.beta.files.upload(file=("data.csv", b"a,b\n", "text/csv"))

    session = await make.session(resources=[{"type": "file", "file_id": file.id, "mount_path": "/data.csv"}])

    assert session.resources[0].mount_path == "/mnt/session/uploads/data.csv"
    with pytest.raises(anthropic.BadRequestError) as refused:
        await client.beta.files.download(file.id)
    assert error_of(refused) == (400, "file_not_downloadable")


async def test_what_a_session_left_is_listed_by_session_and_downloaded(client, make, agents):
    session = await make.session()
    agents.output_files.put("out.txt", "text/plain", b"done", session_id=session.id)

    beta = ["managed-agents-2026-04-01"]
    files = [one async for one in client.beta.files.list(scope_id=session.id, betas=beta)]

    assert [file.filename for file in files] == ["out.txt"]
    assert await (await client.beta.files.download(files[0].id)).read() == b"done"


async def test_the_primary_thread_is_listed(client, make):
    session = await make.session()

    threads = [one async for one in client.beta.sessions.threads.list(session.id)]

    assert [(thread.parent_thread_id, thread.status) for thread in threads] == [(None, "idle")]
    assert (await client.beta.sessions.threads.retrieve(threads[0].id, session_id=session.id)).id == threads[0].id


async def test_models_are_listed(client):
    models = [model.id async for model in client.beta.models.list()]

    assert (await client.beta.models.retrieve(models[0])).id == models[0]


async def test_the_same_port_serves_again_after_a_stop(clock):
    simulator = AgentsSimulator(clock=clock)
    async with simulator.running():
        port = simulator.port
    async with simulator.running():
        assert simulator.port == port


async def test_what_the_sdk_would_not_send_is_refused_everywhere(client, make, agents):
    session = await make.session(vaults=[])
    vault = await make.vault(token=None)
    content = ("data.csv", b"a,b\n", "text/csv")
    file = await client.beta.files.upload(file=content, expires_in_seconds=3600)
    more = {"extra_body": {"of_tomorrow": "x"}}

    for asked in (
        client.beta.sessions.resources.add(session.id, type="file", file_id=file.id, **more),
        client.beta.sessions.archive(session.id, **more),
        client.beta.vaults.archive(vault.id, **more),
        client.beta.vaults.delete(vault.id, **more),
        client.beta.files.upload(file=content, **more),
        client.beta.files.upload(file=content, expires_in_seconds=3599),
    ):
        with pytest.raises(anthropic.BadRequestError):
            await asked

    assert (list(agents.files), list(agents.vaults)) == ([file.id], [vault.id])
    assert agents.vaults[vault.id].archived_at is agents.sessions[session.id].archived_at is None


async def test_the_files_of_a_session_are_not_listed_without_the_beta(client, make):
    session = await make.session(vaults=[])

    assert (await client.beta.files.list()).data == []
    with pytest.raises(anthropic.NotFoundError):
        await client.beta.files.list(scope_id=session.id)
