"""The state machine: hypothesis chooses the next act; what an act is, `acts`, `attacks` and `browsers` say.

Acts run side by side on one loop and the world outlives an example, so a failure is told with the acts that led
to it (`Play.told`) rather than shrunk: no two runs interleave alike.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from simulator.roughness import Roughness
from tests.authority.acts import Acts
from tests.authority.attacks import Attacks
from tests.authority.browsers import Browsers
from tests.authority.stage import Stage
from tests.authority.watch import Crossing, Watch
from tests.authority.words import ACCOUNTS, EVERYBODY, MEMBERS, OUTSIDERS

STEPS_OF_EXAMPLE = 500
EXAMPLES_OF_WORLD = 3
"""How many examples a world lives through: its history grows, and with it what may go wrong."""
READING, WRITING = 8, 1
"""Kinds of `Acts.task` that read a note, and that ask before they write one."""
MINUTES = (1, 8, 20)
"""Approvals wait for 15, what is known of people for 10."""

WEIGHTS = {
    "ask": 2,
    "ask_privately": 1,
    "reply_in_own": 2,
    "write_directly": 1,
    "reply_anywhere": 4,
    "say_stop": 1,
    "decide": 6,
    "click": 4,
    "submit": 2,
    "shortcut": 2,
    "look_or_leave": 2,
    "take_back": 1,
    "stop_natively": 1,
    "connect": 1,
    "walk": 1,
    "steal": 1,
    "lure": 1,
    "open_link": 2,
    "go_on": 6,
    "go_wrong": 2,
    "click_anothers": 6,
    "mix": 4,
    "forge_form": 3,
    "as_another": 4,
    "come_from_outside": 4,
    "send_again": 4,
    "plant": 1,
    "disturb": 2,
    "leave_or_return": 2,
}
"""Turns cost fifty times what a refused click costs; and most of what could go wrong are clicks."""
DEEDS = tuple(name for name, weight in WEIGHTS.items() for _ in range(weight))
numbers = st.integers(0, 63)


class Scene:
    """One world, what is done in it and who watches."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.watch = Watch(stage)
        self.acts = Acts(stage, self.watch)
        self.attacks = Attacks(self.acts)
        self.browsers = Browsers(self.acts)
        self.examples = 0
        self.gone: set[str] = set()
        """Who is deactivated."""


class Tally:
    """What was done and seen, over all worlds."""

    def __init__(self) -> None:
        self.steps = 0
        self.examples = 0
        self.rules: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.failure: Exception | None = None
        self.failed_at = 0
        """After how many steps of its example."""
        self.told: list[str] = []
        """What was done before it failed."""

    @property
    def crossings(self) -> int:
        """Return how often somebody acted as somebody else; the first one ends the play."""
        return int(isinstance(self.failure, Crossing))

    def missing(self) -> list[str]:
        """Return what never happened, without which nothing is proved."""
        happened = ("sends", "confirmations", "mcp_calls", "credentials", "arrivals_refused", "restarts")
        return [name for name in happened if not self.counts[name]]

    def line(self, seed_used: int) -> str:
        """Return everything in one line."""
        seen = self.counts
        return (
            f"authority: seed {seed_used}, {self.steps} steps, {self.examples} examples, {seen['restarts']} restarts, "
            f"{seen['sessions']} sessions, {seen['sends']} sends, {seen['confirmations']} confirmations, "
            f"{seen['denials']} denials, {seen['mcp_calls']} MCP calls checked, {seen['credentials']} credentials, "
            f"{seen['arrivals_refused']} of {seen['arrivals']} arrivals refused, {self.crossings} crossings"
        )


class Play(RuleBasedStateMachine):
    """One example. `run` gives it its loop, its scene and its tally."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    scene: ClassVar[Scene | None] = None
    tally: ClassVar[Tally]
    rough: ClassVar[Roughness]

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.told: deque[str] = deque(maxlen=40)
        if Play.tally.failure is not None:
            return
        if Play.scene is None or Play.scene.examples >= EXAMPLES_OF_WORLD:
            self.loop.run_until_complete(renew())
        self.now = Play.scene
        assert self.now is not None
        self.now.examples += 1
        self._kept(lambda: self.loop.run_until_complete(prepare(self.now)))
        Play.tally.examples += 1

    def do(self, name: str, *chosen: object, doing: Coroutine[Any, Any, None]) -> None:
        """Begin an act, let Deputy go on with everything, look at what is new."""
        self.told.append(f"{name}{chosen}")
        Play.tally.steps += 1
        Play.tally.rules[name] += 1
        self.loop.run_until_complete(self.now.stage.act(doing))
        self.now.watch.look()

    def teardown(self) -> None:
        """Let everything come to rest; then the store is looked at, and who is gone must have left nothing."""
        self.told.append("and came to rest")
        self._kept(lambda: self.loop.run_until_complete(rest(self.now)))

    def _kept(self, doing: Callable[[], object]) -> None:
        """Do it unless the play is over: hypothesis plays a failure again, and shall get the same one."""
        if Play.tally.failure is None:
            try:
                doing()
            except Exception as error:
                Play.tally.failure = error
                Play.tally.failed_at = self.count
                Play.tally.told = list(self.told)
                raise
        elif self.count >= Play.tally.failed_at:
            raise Play.tally.failure

    @rule(deed=st.integers(0, len(DEEDS) - 1), one=numbers, two=numbers)
    def step(self, deed: int, one: int, two: int) -> None:
        """Do one thing. One rule for all: hypothesis would switch most of thirty rules off in each example.

        The count is added because its first example is made of noughts only: that one goes round.
        """
        self.count += 1
        name = DEEDS[(deed + self.count * 31) % len(DEEDS)]
        self._kept(lambda: getattr(self, name)((one + self.count * 5) % 64, (two + self.count * 7) % 64))

    # Members, as Slack lets them.

    def ask(self, one: int, two: int) -> None:
        self.do("ask", one, two, doing=self.now.acts.ask(member(one), two, is_private=False))

    def ask_privately(self, one: int, two: int) -> None:
        self.do("ask_privately", one, two, doing=self.now.acts.ask(member(one), two, is_private=True))

    def reply_in_own(self, one: int, two: int) -> None:
        root = self.now.acts.own_root(member(one), one // 3)
        doing = self.now.acts.write(member(one), two, root, is_mention=root is None)
        self.do("reply_in_own", one, two, doing=doing)

    def reply_anywhere(self, one: int, two: int) -> None:
        roots = [root for root in self.now.acts.roots()[-60:] if not root.channel.startswith("D")]
        root = roots[two % len(roots)] if roots else None
        is_mention = one >= 48 or root is None
        doing = self.now.acts.write(anybody(one), two, root, is_mention=is_mention)
        self.do("reply_anywhere", one, two, doing=doing)

    def say_stop(self, one: int, two: int) -> None:
        roots = self.now.acts.roots()[-30:]
        if not roots:
            return self.ask(one, two)
        root = roots[two % len(roots)]
        only = self.now.stage.slack.workspace.channels[root.channel].user
        return self.do("say_stop", one, two, doing=self.now.acts.say(only or anybody(one), "stop", root))

    def write_directly(self, one: int, two: int) -> None:
        self.do("write_directly", one, two, doing=self.now.acts.write_direct(member(one), two))

    def decide(self, one: int, two: int) -> None:
        self.do("decide", one, two, doing=self.now.acts.decide(one, two))

    def click(self, one: int, two: int) -> None:
        self.do("click", one, two, doing=self.now.acts.click_something(one, two))

    def submit(self, one: int, two: int) -> None:
        self.do("submit", one, two, doing=self.now.acts.submit(one, two))

    def shortcut(self, one: int, two: int) -> None:
        self.do("shortcut", one, two, doing=self.now.acts.shortcut(one, two))

    def look_or_leave(self, one: int, two: int) -> None:
        acts = self.now.acts
        ways = (acts.status, acts.home, acts.stop_by_command, acts.status, acts.home, acts.status, acts.disconnect)
        way = ways[two % len(ways)]
        self.do(way.__name__, one, two, doing=way(member(one)))

    def take_back(self, one: int, two: int) -> None:
        written = self.now.acts.written[-20:]
        if not written:
            return self.ask(one, two)
        message = written[one % len(written)]
        doing = self.now.acts.delete(message) if two % 2 else self.now.acts.edit(message)
        return self.do("take_back", one, two, doing=doing)

    def stop_natively(self, one: int, two: int) -> None:
        self.do("stop_natively", one, two, doing=self.now.acts.stop_natively(anybody(two), one))

    # Links.

    def connect(self, one: int, two: int) -> None:
        self.do("connect", one, two, doing=self.now.acts.connect(member(one)))

    def walk(self, one: int, two: int) -> None:
        self.do("walk", one, two, doing=self.now.browsers.walk(member(one)))

    def steal(self, one: int, two: int) -> None:
        thief = anybody(two)
        if thief == member(one):
            thief = member(one + 1)
        self.do("steal", one, two, doing=self.now.browsers.steal(member(one), thief))

    def lure(self, one: int, two: int) -> None:
        doing = self.now.browsers.lure(member(one), member(one + 1 + two % 2))
        self.do("lure", one, two, doing=doing)

    def open_link(self, one: int, two: int) -> None:
        doing = self.now.browsers.open_link(one, two, is_forwarded=two >= 40)
        self.do("open_link", one, two, doing=doing)

    def go_on(self, one: int, two: int) -> None:
        self.do("go_on", one, two, doing=self.now.browsers.go_on(one, two))

    def go_wrong(self, one: int, two: int) -> None:
        self.do("go_wrong", one, two, doing=self.now.browsers.go_wrong(one, two))

    # Attacks.

    def click_anothers(self, one: int, two: int) -> None:
        doing = self.now.attacks.click_anothers(anybody(two), one, two // 2)
        self.do("click_anothers", one, two, doing=doing)

    def mix(self, one: int, two: int) -> None:
        self.do("mix", one, two, doing=self.now.attacks.mix(anybody(two), one, two))

    def forge_form(self, one: int, two: int) -> None:
        self.do("forge_form", one, two, doing=self.now.attacks.forge_form(anybody(one // 2), one, two))

    def as_another(self, one: int, two: int) -> None:
        self.do("as_another", one, two, doing=self.now.attacks.as_another(anybody(two), one))

    def come_from_outside(self, one: int, two: int) -> None:
        self.do("come_from_outside", one, two, doing=self.now.attacks.outsider(outsider(one), two, one // 5))

    def send_again(self, one: int, two: int) -> None:
        self.do("send_again", one, two, doing=self.now.attacks.send_again(one))

    def plant(self, one: int, two: int) -> None:
        self.do("plant", one, two, doing=self._planted(one, two))

    async def _planted(self, one: int, two: int) -> None:
        attacks = self.now.attacks
        if two % 4 == 0:
            attacks.plant_vault(one)
        elif two % 4 == 1:
            await asyncio.to_thread(attacks.swap_sessions, one)
        else:
            await attacks.plant_session(one)
        # Then somebody goes on in a thread, so that Deputy meets it.
        await self.now.acts.write(member(one), two, self.now.acts.own_root(member(one), two), is_mention=False)

    # The world.

    def disturb(self, one: int, two: int) -> None:
        stage = self.now.stage
        if one < 5:
            self.do("restart", one, doing=nothing())
            self.loop.run_until_complete(stage.restart(is_killed=one != 0))
            Play.tally.counts["restarts"] += 1
        elif one < 12:
            self.do("refresh_socket", one, doing=stage.slack.refresh_socket())
        elif one < 24:
            self.do("let_time_pass", one, doing=self._later(MINUTES[one % 3]))
        elif one < 27:
            self.do("settle", one, doing=nothing())
            self.loop.run_until_complete(stage.settle())
        else:
            self.send_again(two, one)

    async def _later(self, minutes: int) -> None:
        self.now.stage.world.peers.clock.advance(minutes * 60)
        if app := self.now.stage.world.app:
            app.supervisor.wake_all()

    def leave_or_return(self, one: int, two: int) -> None:
        slack, gone, user = self.now.stage.slack, self.now.gone, member(one)
        if user in gone and one >= 8:
            gone.discard(user)
            self.loop.run_until_complete(on_loop(lambda: slack.change_person(user, deleted=False)))
            self.do("return", one, doing=self.now.browsers.walk(user))
        elif user in gone:
            self.do("write_though_gone", one, two, doing=self.now.attacks.outsider(user, two, one // 3))
        elif not gone and one < 8:
            gone.add(user)
            self.do("leave", one, doing=nothing())
            self.loop.run_until_complete(on_loop(lambda: slack.deactivate(user)))
        else:
            self.look_or_leave(one, two)


def member(number: int) -> str:
    """Return one of the three."""
    return MEMBERS[number % 3]


def anybody(number: int) -> str:
    """Return a member rather than an outsider."""
    return (*MEMBERS, *MEMBERS, *EVERYBODY)[number % (6 + len(EVERYBODY))]


def outsider(number: int) -> str:
    """Return somebody who is no member."""
    return OUTSIDERS[number % len(OUTSIDERS)]


async def nothing() -> None:
    """Do nothing but let the loop go round."""


async def on_loop(act: Callable[[], object]) -> None:
    """Do something at once, on the loop: what Slack sends out of order needs one."""
    act()


async def renew() -> None:
    """Put the old world away and make a new one."""
    await away()
    Play.scene = Scene(await Stage().__aenter__())
    Play.scene.stage.world.peers.roughen(Play.rough)


async def prepare(scene: Scene) -> None:
    """Let everybody who is there be connected and have something running: there shall be something to reach for."""
    with Play.rough.paused():
        await _prepare(scene)


async def _prepare(scene: Scene) -> None:
    stage = scene.stage
    here = [user for user in MEMBERS if user not in scene.gone]
    for user in here:
        await stage.act(scene.browsers.walk(user))
    await stage.settle()
    if stranded := [user for user in here if (user, ACCOUNTS[user][0]) not in stage.words.chosen]:
        raise RuntimeError(f"{stranded} could not connect, and without credentials nothing is proved")
    if len(here) > 1:
        # Among other acts a long way is seldom gone to its end, and it is there that it would matter.
        attacker, victim = here[scene.examples % len(here)], here[scene.examples % len(here) - 1]
        await stage.act(scene.browsers.lure(attacker, victim))
        await stage.act(scene.browsers.steal(victim, attacker))
        await stage.settle()
    scene.watch.look()
    for number, user in enumerate(here):
        for kind in (READING, WRITING):
            await stage.act(scene.acts.ask(user, kind, is_private=number == kind % 3))
    await stage.settle()


async def away() -> None:
    """Put the world away, its counts kept."""
    if Play.scene is not None:
        scene, Play.scene = Play.scene, None
        Play.tally.counts.update(scene.watch.counts)
        scene.watch.close()
        await scene.stage.__aexit__()


async def rest(scene: Scene) -> None:
    """Come to rest and look at the store. Raises `Crossing`."""
    await scene.stage.settle()
    scene.watch.look()
    scene.watch.look_at_store()
    if scene.stage.agents.troubles:
        raise RuntimeError(scene.stage.agents.troubles[0])
    for user in scene.gone:
        for _ in range(1500):
            if not (left := scene.watch.remains_of(user)):
                break
            await asyncio.sleep(0.02)
        else:
            raise Crossing(f"{user} is gone and still has {left}")


def play(steps: int, seed_used: int, roughness: float) -> Tally:
    """Play until there were `steps` steps or a crossing; return what was seen. Raises what is no crossing.

    `roughness` is how often each kind of `simulator.roughness` strikes.
    """
    tally = Play.tally = Tally()
    Play.rough = Roughness.random(seed_used, roughness)
    with asyncio.Runner() as runner:
        Play.loop = runner.get_loop()
        try:
            number = 0
            while tally.steps < steps and tally.failure is None:
                examples = -(-(steps - tally.steps) // STEPS_OF_EXAMPLE)
                _run_examples(examples, seed_used + number)
                number += 1
        finally:
            Play.loop.run_until_complete(away())
    return tally


def _run_examples(examples: int, seed_used: int) -> None:
    options = settings(
        max_examples=examples,
        stateful_step_count=STEPS_OF_EXAMPLE,
        phases=(Phase.generate,),
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        # A step is a request to a whole Deputy: slow by hypothesis's measure, and many in one example.
        suppress_health_check=list(HealthCheck),
    )
    machine = seed(seed_used)(type("Seeded", (Play,), {}))
    with suppress(Exception):
        # What failed is in the tally, with what led to it.
        run_state_machine_as_test(machine, settings=options)
