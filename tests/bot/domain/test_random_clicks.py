"""Random people click random buttons with true, stale, mixed and made-up values: a model says what each may decide,

what each may see, whom a question is sent to, and what the session hears of it. `CLICKS=n` plays longer.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot.domain.approvals.always_allow import AlwaysAllow
from bot.domain.approvals.decisions import ApprovalDecisions
from bot.domain.approvals.lifecycle import ApprovalLifecycle
from bot.domain.approvals.rules import ApprovalRule
from bot.listeners.interactions import parse_action
from bot.model import action_ids
from bot.model.commands import AllowAll, DecideApproval, ExplainDenial, RevokeAllowance, ShowApproval, Verdict
from bot.model.errors import NotPermitted, SlackUnavailable
from bot.model.events import ToolCall
from store import allowances, approvals
from store.database import Database
from store.ids import new_id
from store.records import ApprovalState, SecondView, Secret
from tests.builders import NOON, a_context, a_member, a_message, a_thread, a_turn, store_member, store_turn

PEOPLE = [a_member(user) for user in ("U0ANN", "U0BEN", "U0CAT", "U0DAN")] + [a_member(workspace_id="T0ELSEWHERE")]
OWNERS = PEOPLE[:2]
APPROVERS = tuple(frozenset(names) for names in (("U0ANN", "U0CAT"), ("U0CAT",), ("U0BEN", "U0DAN"), ("U0ANN",)))
TOOLS = ("plain", "twice", "twice_full")
SECOND = {"twice": SecondView.REDACTED, "twice_full": SecondView.FULL}
BUTTONS = (action_ids.APPROVE, action_ids.APPROVE, action_ids.DENY, action_ids.ALWAYS_ALLOW, action_ids.APPROVE_ALL,
           action_ids.SHOW_DETAILS, action_ids.DENY_WITH_REASON)  # fmt: skip
LIFETIME = timedelta(minutes=15)


class Clock:
    """Time as the play has it."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def steady(self) -> datetime:
        return self.now()


@dataclass
class Screen:
    """Remembers who was shown what; may be out."""

    refuses: str = ""
    """What Slack does not take now: nothing, `cards` or `seconds`."""
    shown: list[str] = field(default_factory=list)
    cards: list = field(default_factory=list)
    """Thread and held call, as drawn."""
    asked: list = field(default_factory=list)
    """User and held call: the private cards of second approvers."""
    numbers: ClassVar = itertools.count(1)

    async def show_call(self, command, _thread, held):
        self.shown.append(f"{command.member.user_id} {held.approval.id}")

    async def ask_reason(self, _trigger, approval):
        self.shown.append(f"reason {approval.id}")

    async def tell(self, *_):
        pass

    async def message_once(self, *_):
        pass

    async def find_card(self, *_):
        return None

    async def post_card(self, thread, shown):
        self.answer("cards")
        self.cards += [(thread, held) for held in shown]
        return a_message(ts=f"1763899200.{next(self.numbers):06}")

    async def update_card(self, thread, _ref, shown):
        self.answer("cards")
        self.cards += [(thread, held) for held in shown]

    async def ask_second(self, user_id, notice, replacing):
        self.answer("seconds")
        self.asked.append((user_id, notice.held))
        return replacing or a_message(ts=f"1763899200.{next(self.numbers):06}", channel="D0SECOND")

    def answer(self, what: str) -> None:
        if self.refuses == what:
            raise SlackUnavailable


@dataclass
class Agents:
    """The session's calls, as they are, and what it was told about them."""

    calls: dict[str, ToolCall] = field(default_factory=dict)
    told: list[tuple[str, Verdict]] = field(default_factory=list)

    async def find_call(self, _session_id, tool_use_id):
        return self.calls[tool_use_id]

    async def send_decision(self, _session_id, tool_use_id, verdict, _reason):
        self.told.append((tool_use_id, verdict))


class Sessions:
    """Every session is its owner's."""

    async def is_owners(self, *_):
        return True


class Readable:
    """Every thread may be read where it is."""

    async def require_audience(self, _thread):
        pass


@dataclass
class Expected:
    """One approval as the model has it."""

    id: str
    call_id: str
    shown: str
    thread: int
    owner: str
    tool: str
    expires: datetime
    state: ApprovalState = ApprovalState.PENDING
    by: str | None = None
    is_first_said: bool = False
    is_unasked: bool = False
    is_changed: bool = False
    """The call is another one now."""
    is_told: bool = False
    asked: set[str] = field(default_factory=set)
    """Second approvers who were asked."""

    @property
    def value(self) -> str:
        return f"{self.id}:{self.shown}"


@dataclass
class Model:
    """What should have come of everything so far; written from the rules, not from the code."""

    may_remember: bool = True
    approvers: frozenset[str] = APPROVERS[0]
    tool_hash: str = "as listed"
    held: list[Expected] = field(default_factory=list)
    remembered: dict[tuple[int, str], str] = field(default_factory=dict)
    """(thread, tool) → the tool as it was then."""

    def is_second(self, who, one: Expected) -> bool:
        """Return whether somebody may be the second yes: after the owner, never the owner."""
        is_other = who.workspace_id == "T0ACME" and who.user_id != one.owner
        return one.tool in SECOND and one.is_first_said and is_other and who.user_id in self.approvers

    def may_see(self, who, one: Expected) -> bool:
        is_owner = (who.workspace_id, who.user_id) == ("T0ACME", one.owner)
        is_shown = is_owner or (SECOND.get(one.tool) is SecondView.FULL and self.is_second(who, one))
        return is_shown and not one.is_changed

    def may(self, who, one: Expected, shown: str, now: datetime, *, is_yes: bool) -> str:
        """Return what a decision does: nothing, `first` or `settles`."""
        if who.workspace_id != "T0ACME" or shown != one.shown:
            return ""
        if one.state is not ApprovalState.PENDING or now >= one.expires:
            return ""
        if who.user_id == one.owner:
            if not is_yes or one.tool not in SECOND:
                return "settles"
            return "first" if not one.is_first_said and self.approvers - {one.owner} else ""
        return "settles" if self.is_second(who, one) else ""

    def decide(self, who, one: Expected, shown: str, now: datetime, *, is_yes: bool) -> bool:
        does = self.may(who, one, shown, now, is_yes=is_yes)
        if does == "first":
            one.is_first_said, one.expires = True, now + LIFETIME
        elif does == "settles":
            one.state = ApprovalState.ALLOWED if is_yes else ApprovalState.DENIED
            one.by = who.user_id
        return bool(does)

    def remember(self, one: Expected, now: datetime) -> None:
        self.remembered[one.thread, one.tool] = self.tool_hash
        for other in self.held:
            if (other.thread, other.tool) == (one.thread, one.tool):
                self.unasked(other, now)

    def unasked(self, one: Expected, now: datetime) -> None:
        is_open = one.state is ApprovalState.PENDING and now < one.expires
        is_same = self.remembered.get((one.thread, one.tool)) == self.tool_hash
        if self.may_remember and is_open and one.tool not in SECOND and is_same:
            one.state, one.by, one.is_unasked = ApprovalState.ALLOWED, one.owner, True

    def settle(self, thread: int, state: ApprovalState, now: datetime | None = None) -> None:
        """Settle what waits in a thread without a person; with `now` only what has waited too long."""
        for one in self.held:
            if one.thread == thread and one.state is ApprovalState.PENDING and (now is None or now >= one.expires):
                one.state = state


class Play(RuleBasedStateMachine):
    """One play in a database that all share."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    database: ClassVar[Database]
    numbers: ClassVar = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.model, self.clock, self.screen, self.agents = Model(), Clock(), Screen(), Agents()
        context = a_context(database=self.database, clock=self.clock, agents=self.agents, screen=self.screen)
        self.decisions = ApprovalDecisions(
            context, find_rule=self.find_rule, filtering=None, admission=Readable(), lifetime=LIFETIME
        )
        self.allowances = AlwaysAllow(context)
        self.approvals = ApprovalLifecycle(context, sessions=Sessions(), find_rule=self.find_rule, lifetime=LIFETIME)
        self.threads, self.turns, self.revoked = [], [], []
        self.run(self.prepare())
        for thread, tool in itertools.product(range(2), TOOLS):
            self.hold(thread, tool)

    async def find_rule(self, _tx, _thread, _service, tool) -> ApprovalRule:
        second = SECOND.get(tool)
        return ApprovalRule(
            may_remember=self.model.may_remember and second is None,
            second=second,
            approvers=self.model.approvers,
            tool_hash=self.model.tool_hash,
        )

    async def prepare(self) -> None:
        async with self.database.transaction() as tx:
            for member in PEOPLE:
                await store_member(tx, member)
            for owner, is_private in zip(OWNERS, (False, True), strict=True):
                thread = a_thread(owner, is_private=is_private)
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
        expires = self.clock.time + LIFETIME
        one = Expected(
            found.id, call.id, found.arguments_hash, thread, self.threads[thread].owner.user_id, tool, expires
        )
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
        if button == action_ids.APPROVE_ALL:
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
        for shown in value.split(",") if button == action_ids.APPROVE_ALL else [value]:
            approval_id, _, shown_hash = shown.partition(":")
            one = next((one for one in self.model.held if one.id == approval_id), None)
            if one is None:
                done.append(False)
            elif button == action_ids.SHOW_DETAILS:
                done.append(self.model.may_see(who, one))
            elif button == action_ids.DENY_WITH_REASON:
                done.append(bool(self.model.may(who, one, shown_hash, now, is_yes=False)))
            elif button == action_ids.ALWAYS_ALLOW:
                is_possible = self.model.may_remember and one.tool not in SECOND
                is_done = is_possible and self.model.decide(who, one, shown_hash, now, is_yes=True)
                if is_done:
                    self.model.remember(one, now)
                done.append(is_done)
            else:
                done.append(self.model.decide(who, one, shown_hash, now, is_yes=button != action_ids.DENY))
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

    @rule(one=st.integers(0, 20), button=st.sampled_from([action_ids.APPROVE, action_ids.ALWAYS_ALLOW]))
    def say_yes_as_the_owner(self, one: int, button: str) -> None:
        target = self.model.held[one % len(self.model.held)]
        self.press(next(who for who in OWNERS if who.user_id == target.owner), button, target.value)

    @rule(
        who=st.sampled_from(PEOPLE),
        one=st.integers(0, 20),
        button=st.sampled_from([action_ids.APPROVE, action_ids.SHOW_DETAILS, action_ids.DENY_WITH_REASON]),
    )
    def try_as_a_second(self, who, one: int, button: str) -> None:
        seconded = [held for held in self.model.held if held.tool in SECOND]
        self.press(who, button, seconded[one % len(seconded)].value)

    @rule(thread=st.integers(0, 1), refuses=st.sampled_from(["", "", "", "cards", "seconds"]))
    def the_driver_looks(self, thread: int, refuses: str) -> None:
        """Expire, deliver, draw, ask seconds: as after each click, and when it is time."""
        self.screen.refuses, is_well = refuses, True
        self.screen.asked.clear()
        self.screen.cards.clear()
        self.agents.told.clear()
        try:
            self.run(self.approvals.attend(self.threads[thread], self.turns[thread]))
        except SlackUnavailable:
            is_well = False
            assert refuses
        self.model.settle(thread, ApprovalState.EXPIRED, self.clock.time)
        self.look_at_what_was_told(thread)
        self.look_at_the_cards()
        if is_well:
            self.look_for_the_unasked(thread)

    def look_at_what_was_told(self, thread: int) -> None:
        by_call = {one.call_id: one for one in self.model.held}
        for call_id, verdict in self.agents.told:
            one = by_call[call_id]
            is_yes = one.state is ApprovalState.ALLOWED and not one.is_changed
            assert not one.is_told
            assert verdict is (Verdict.ALLOW if is_yes else Verdict.DENY)
            one.is_told = True
        untold = (ApprovalState.PENDING, ApprovalState.WITHDRAWN)
        assert all(one.is_told == (one.state not in untold) for one in self.model.held if one.thread == thread)

    def look_at_the_cards(self) -> None:
        for thread, held in self.screen.cards:
            is_shown = thread.is_private and held.approval.state is ApprovalState.PENDING
            assert is_shown or not held.call.arguments
        by_id = {one.id: one for one in self.model.held}
        for user_id, held in self.screen.asked:
            one = by_id[held.approval.id]
            if held.approval.state is ApprovalState.PENDING:
                assert self.model.is_second(a_member(user_id), one)
                assert not held.call.arguments or one.tool == "twice_full"
                one.asked.add(user_id)
            else:
                assert user_id in one.asked
                assert not held.call.arguments

    def look_for_the_unasked(self, thread: int) -> None:
        for one in self.model.held:
            if one.thread == thread and one.is_first_said and one.state is ApprovalState.PENDING:
                assert one.asked >= self.model.approvers - {one.owner}

    @rule(thread=st.integers(0, 1), chance=st.integers(0, 9))
    def the_turn_ends(self, thread: int, chance: int) -> None:
        if chance == 0:
            self.screen.refuses = ""
            self.run(self.approvals.withdraw(self.threads[thread], self.turns[thread]))
            self.model.settle(thread, ApprovalState.WITHDRAWN)

    @rule(one=st.integers(0, 20))
    def the_call_changes(self, one: int) -> None:
        target = self.model.held[one % len(self.model.held)]
        before = self.agents.calls[target.call_id]
        self.agents.calls[target.call_id] = replace(before, arguments={"n": "another"})
        target.is_changed = True

    @rule(thread=st.integers(0, 1))
    def the_call_changes_once_it_was_approved(self, thread: int) -> None:
        self.hold(thread, "plain")
        self.say_yes_as_the_owner(len(self.model.held) - 1, action_ids.APPROVE)
        self.the_call_changes(len(self.model.held) - 1)
        self.the_driver_looks(thread, "")

    @rule(approvers=st.sampled_from(APPROVERS))
    def change_the_approvers(self, approvers: frozenset[str]) -> None:
        self.model.approvers = approvers

    @rule()
    def the_tool_changes(self) -> None:
        self.model.tool_hash = f"changed {next(self.numbers)}"

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
            "actions": [{"action_id": action_ids.REVOKE_ALLOWANCE, "value": value}],
        }
        assert self.run(self.carry_out(parse_action(body).build(who))) == is_theirs
        if is_theirs:
            del self.model.remembered[thread, "plain"]

    @rule(thread=st.integers(0, 1))
    def take_back_what_was_always_allowed(self, thread: int) -> None:
        self.hold(thread, "plain")
        self.say_yes_as_the_owner(len(self.model.held) - 1, action_ids.ALWAYS_ALLOW)
        self.revoke(self.threads[thread].owner, thread)
        self.hold(thread, "plain")

    @rule(thread=st.integers(0, 1))
    def another_tool_is_not_what_was_always_allowed(self, thread: int) -> None:
        self.hold(thread, "plain")
        self.say_yes_as_the_owner(len(self.model.held) - 1, action_ids.ALWAYS_ALLOW)
        self.the_tool_changes()
        self.hold(thread, "plain")

    @rule(thread=st.integers(0, 1), tool=st.sampled_from(TOOLS))
    def come_too_late(self, thread: int, tool: str) -> None:
        self.hold(thread, tool)
        self.clock.time += LIFETIME
        self.say_yes_as_the_owner(len(self.model.held) - 1, action_ids.APPROVE)

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


@pytest.fixture
def played(tmp_path):
    """A database for plays, and the loop that they run in."""
    Play.loop = asyncio.new_event_loop()
    Play.database = Database.open(f"sqlite+aiosqlite:///{tmp_path}/clicks.db", (Secret("k" * 43 + "="),))
    try:
        Play.loop.run_until_complete(Play.database.migrate())
        yield
    finally:
        Play.loop.run_until_complete(Play.database.close())
        Play.loop.close()


@pytest.mark.slow
@pytest.mark.usefixtures("played")
def test_random_clicks_decide_only_what_they_may():
    run_state_machine_as_test(
        Play,
        settings=settings(
            max_examples=int(os.environ.get("CLICKS", "15")),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.usefixtures("played")
def test_whom_slack_kept_from_being_asked_is_not_asked_once_they_are_no_approver():
    play = Play()
    play.begin()
    number = next(n for n, one in enumerate(play.model.held) if (one.thread, one.tool) == (0, "twice_full"))
    play.say_yes_as_the_owner(number, action_ids.APPROVE)
    play.the_driver_looks(0, "")
    other = next(n for n, one in enumerate(play.model.held) if (one.thread, one.tool) == (0, "twice"))
    play.say_yes_as_the_owner(other, action_ids.APPROVE)
    play.the_driver_looks(0, "seconds")
    play.change_the_approvers(APPROVERS[2])

    play.the_driver_looks(0, "")

    assert {user_id for user_id, _ in play.screen.asked} == {"U0BEN", "U0DAN"}
