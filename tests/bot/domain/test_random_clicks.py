"""Random people click random buttons with true, stale, mixed and made-up values: a model says what each may decide.

`CLICKS=n` plays longer.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot import actions
from bot.commands import AllowAll, DecideApproval, ExplainDenial, RevokeAllowance, ShowApproval
from bot.domain.allowances import Allowances
from bot.domain.approvals import Approvals
from bot.domain.calls import Calls
from bot.domain.deciding import Decisions
from bot.domain.permits import Permit
from bot.errors import NotPermitted
from bot.events import ToolCall
from bot.listeners.buttons import parse_action
from store import allowances, approvals
from store.database import Database
from store.ids import new_id
from store.records import ApprovalState, SecondView, Secret
from tests.builders import NOON, a_member, a_thread, a_turn, store_member, store_turn

PEOPLE = [a_member(user) for user in ("U0ANN", "U0BEN", "U0CAT", "U0DAN")] + [a_member(workspace_id="T0ELSEWHERE")]
OWNERS = PEOPLE[:2]
APPROVERS = frozenset({"U0ANN", "U0CAT"})
TOOLS = ("plain", "twice", "twice_full")
SECOND = {"twice": SecondView.REDACTED, "twice_full": SecondView.FULL}
BUTTONS = (actions.APPROVE, actions.APPROVE, actions.DENY, actions.ALWAYS_ALLOW, actions.APPROVE_ALL,
           actions.SHOW_DETAILS, actions.DENY_WITH_REASON)  # fmt: skip
MINUTES = 15


class Clock:
    """Time as the play has it."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class Screen:
    """Remembers who was shown what."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def show_call(self, command, _thread, held):
        self.shown.append(f"{command.member.user_id} {held.approval.id}")

    async def ask_reason(self, _trigger, approval):
        self.shown.append(f"reason {approval.id}")

    async def tell(self, *_):
        pass


class Agents:
    """The session's calls, as they are."""

    def __init__(self) -> None:
        self.calls: dict[str, ToolCall] = {}

    async def find_call(self, _session_id, tool_use_id):
        return self.calls[tool_use_id]


@dataclass
class Expected:
    """One approval as the model has it."""

    id: str
    shown: str
    thread: int
    owner: str
    tool: str
    expires: datetime
    state: ApprovalState = ApprovalState.PENDING
    by: str | None = None
    is_first_said: bool = False
    is_unasked: bool = False

    @property
    def value(self) -> str:
        return f"{self.id}:{self.shown}"


@dataclass
class Model:
    """What should have come of everything so far; written from the rules, not from the code."""

    may_remember: bool = True
    held: list[Expected] = field(default_factory=list)
    remembered: dict[tuple[int, str], str] = field(default_factory=dict)
    """(thread, tool) → allowance."""

    def may(self, who, one: Expected, shown: str, now: datetime, *, is_yes: bool) -> str:
        """Return what a decision does: nothing, `first` or `settles`."""
        if who.workspace_id != "T0ACME" or shown != one.shown:
            return ""
        if one.state is not ApprovalState.PENDING or now >= one.expires:
            return ""
        if who.user_id == one.owner:
            if not is_yes or one.tool not in SECOND:
                return "settles"
            return "first" if not one.is_first_said and APPROVERS - {one.owner} else ""
        return "settles" if one.is_first_said and who.user_id in APPROVERS else ""

    def decide(self, who, one: Expected, shown: str, now: datetime, *, is_yes: bool) -> bool:
        does = self.may(who, one, shown, now, is_yes=is_yes)
        if does == "first":
            one.is_first_said, one.expires = True, now + timedelta(minutes=MINUTES)
        elif does == "settles":
            one.state = ApprovalState.ALLOWED if is_yes else ApprovalState.DENIED
            one.by = who.user_id
        return bool(does)

    def remember(self, one: Expected, allowance: str, now: datetime) -> None:
        self.remembered[one.thread, one.tool] = allowance
        for other in self.held:
            if (other.thread, other.tool) == (one.thread, one.tool):
                self.unasked(other, now)

    def unasked(self, one: Expected, now: datetime) -> None:
        is_open = one.state is ApprovalState.PENDING and now < one.expires
        if self.may_remember and is_open and one.tool not in SECOND and (one.thread, one.tool) in self.remembered:
            one.state, one.by, one.is_unasked = ApprovalState.ALLOWED, one.owner, True


class Play(RuleBasedStateMachine):
    """One play in a database that all share."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    database: ClassVar[Database]
    numbers: ClassVar = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.model, self.clock, self.screen, self.agents = Model(), Clock(), Screen(), Agents()
        calls = Calls(self.agents)
        common = {"database": self.database, "screen": self.screen, "clock": self.clock}
        self.decisions = Decisions(**common, calls=calls, permits=self.permit, minutes=MINUTES)
        self.allowances = Allowances(**common)
        self.approvals = Approvals(
            **common, agents=self.agents, sessions=None, permits=self.permit, minutes=MINUTES,
            changed=lambda *_: None, on_call=self.nothing,
        )  # fmt: skip
        self.threads, self.turns, self.revoked = [], [], []
        self.run(self.prepare())
        for thread, tool in itertools.product(range(2), TOOLS):
            self.hold(thread, tool)

    async def nothing(self, *_) -> None:
        pass

    async def permit(self, _tx, _thread, _service, tool) -> Permit:
        second = SECOND.get(tool)
        return Permit(may_remember=self.model.may_remember and second is None, second=second, approvers=APPROVERS)

    async def prepare(self) -> None:
        async with self.database.transaction() as tx:
            for member in PEOPLE:
                await store_member(tx, member)
            for owner in OWNERS:
                thread = a_thread(owner)
                self.threads.append(thread)
                self.turns.append(await store_turn(tx, a_turn(thread)))

    def run(self, doing):
        return self.loop.run_until_complete(doing)

    @rule(thread=st.integers(0, 1), tool=st.sampled_from(TOOLS))
    def hold_anything(self, thread: int, tool: str) -> None:
        self.hold(thread, tool)

    def hold(self, thread: int, tool: str) -> None:
        call = ToolCall(new_id("sevt"), "notes", tool, {"n": next(self.numbers)})
        self.agents.calls[call.id] = call
        turn = self.turns[thread]
        self.run(self.approvals.hold(self.threads[thread], turn, f"sesn_{turn.id}", call))
        found = next(one for one in self.stored() if one.tool_use_id == call.id)
        expires = self.clock.time + timedelta(minutes=MINUTES)
        one = Expected(found.id, found.arguments_hash, thread, self.threads[thread].owner.user_id, tool, expires)
        self.model.held.append(one)
        self.model.unasked(one, self.clock.time)

    @rule(
        who=st.sampled_from(PEOPLE),
        button=st.sampled_from(BUTTONS),
        one=st.integers(0, 20),
        other=st.integers(0, 20),
        lie=st.sampled_from(["", "", "", "", "", "hash of another", "no hash", "nonsense", "sql"]),
    )
    def click(self, who, button: str, one: int, other: int, lie: str) -> None:
        target, another = (self.model.held[number % len(self.model.held)] for number in (one, other))
        value = {
            "": target.value,
            "hash of another": f"{target.id}:{another.shown}",
            "no hash": f"{target.id}:",
            "nonsense": f"apr_nothing:{target.shown}",
            "sql": f"{target.id}' OR '1'='1:{target.shown}",
        }[lie]
        if button == actions.APPROVE_ALL:
            value = f"{value},{another.value}"
        self.press(who, button, value)

    def press(self, who, button: str, value: str) -> None:
        body = {"user": {"id": who.user_id}, "trigger_id": "t", "actions": [{"action_id": button, "value": value}]}
        command = parse_action(body).build(who)
        expected = self.expect(who, button, value)
        is_taken = self.run(self.carry_out(command))
        assert is_taken == expected, (who.user_id, button, value)

    def expect(self, who, button: str, value: str) -> bool:
        """Return whether it is taken, having changed the model."""
        now, done = self.clock.time, []
        for shown in value.split(",") if button == actions.APPROVE_ALL else [value]:
            approval_id, _, shown_hash = shown.partition(":")
            one = next((one for one in self.model.held if one.id == approval_id), None)
            if one is None:
                done.append(False)
            elif button == actions.SHOW_DETAILS:
                is_second = one.tool == "twice_full" and one.is_first_said and who.user_id in APPROVERS
                done.append(who.workspace_id == "T0ACME" and (who.user_id == one.owner or is_second))
            elif button == actions.DENY_WITH_REASON:
                done.append(bool(self.model.may(who, one, shown_hash, now, is_yes=False)))
            elif button == actions.ALWAYS_ALLOW:
                is_possible = self.model.may_remember and one.tool not in SECOND
                is_done = is_possible and self.model.decide(who, one, shown_hash, now, is_yes=True)
                if is_done:
                    self.model.remember(one, "new", now)
                done.append(is_done)
            else:
                done.append(self.model.decide(who, one, shown_hash, now, is_yes=button != actions.DENY))
        return any(done)

    async def carry_out(self, command) -> bool:
        self.screen.shown.clear()
        handlers = {
            DecideApproval: lambda: self.decisions.decide(command, lambda _: None),
            AllowAll: lambda: self.decisions.allow_all(command, lambda _: None),
            ShowApproval: lambda: self.decisions.show(command),
            ExplainDenial: lambda: self.decisions.explain(command),
            RevokeAllowance: lambda: self.allowances.revoke(command),
        }
        try:
            await handlers[type(command)]()
        except NotPermitted:
            assert self.screen.shown == []
            return False
        return True

    @rule(one=st.integers(0, 20), button=st.sampled_from([actions.APPROVE, actions.ALWAYS_ALLOW]))
    def say_yes_as_the_owner(self, one: int, button: str) -> None:
        target = self.model.held[one % len(self.model.held)]
        self.press(next(who for who in OWNERS if who.user_id == target.owner), button, target.value)

    @rule(one=st.integers(0, 20), button=st.sampled_from([actions.APPROVE, actions.SHOW_DETAILS]))
    def try_as_an_approver(self, one: int, button: str) -> None:
        target = self.model.held[one % len(self.model.held)]
        self.press(PEOPLE[2], button, target.value)

    @rule(thread=st.integers(0, 1))
    def hold_what_may_be_remembered(self, thread: int) -> None:
        self.hold(thread, "plain")

    @rule(who=st.sampled_from(PEOPLE), thread=st.integers(0, 1))
    def revoke(self, who, thread: int) -> None:
        given = self.run(self.find_allowance(thread))
        value = given.id if given else "alw_nothing"
        owner = self.threads[thread].owner
        is_theirs = given is not None and (who.workspace_id, who.user_id) == (owner.workspace_id, owner.user_id)
        body = {
            "user": {"id": who.user_id},
            "trigger_id": "t",
            "actions": [{"action_id": actions.REVOKE_ALLOWANCE, "value": value}],
        }
        assert self.run(self.carry_out(parse_action(body).build(who))) == is_theirs
        if is_theirs:
            del self.model.remembered[thread, "plain"]

    async def find_allowance(self, thread: int):
        async with self.database.transaction() as tx:
            return await allowances.find(tx, self.threads[thread].id, "notes", "plain")

    @rule(minutes=st.integers(1, 9))
    def wait(self, minutes: int) -> None:
        self.clock.time += timedelta(minutes=minutes)

    @rule()
    def change_the_rule(self) -> None:
        self.model.may_remember = not self.model.may_remember

    def stored(self):
        async def read():
            async with self.database.transaction() as tx:
                return [one for turn in self.turns for one in await approvals.list_for_turn(tx, turn.id)]

        return self.run(read())

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        stored = {one.id: one for one in self.stored()}
        for one in self.model.held:
            found = stored[one.id]
            assert (found.state, found.decided_by, found.allowance_id is not None, found.is_confirming) == (
                one.state, one.by, one.is_unasked, one.is_first_said and one.state is ApprovalState.PENDING,
            )  # fmt: skip


def test_random_clicks_decide_only_what_they_may(tmp_path):
    Play.loop = asyncio.new_event_loop()
    Play.database = Database.open(f"sqlite+aiosqlite:///{tmp_path}/clicks.db", (Secret("k" * 43 + "="),))
    count = int(os.environ.get("CLICKS", "15"))
    try:
        Play.loop.run_until_complete(Play.database.migrate())
        run_state_machine_as_test(
            Play,
            settings=settings(
                max_examples=count,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Play.loop.run_until_complete(Play.database.close())
        Play.loop.close()
