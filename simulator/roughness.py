"""What real servers were seen to send although no document says so, switched on by kind: always, or at random.

The three simulators share one `Roughness` (`Peers.roughen`). Each place that can deviate asks `strikes`, which says no
by default. `Roughness.random(seed)` makes every kind strike now and then, the same way for the same seed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal, get_args

AgentsKind = Literal[
    "agents:no_processed_at",
    "agents:no_evaluated_permission",
    "agents:no_usage",
    "agents:no_mcp_server_name",
    "agents:history_replayed",
    "agents:event_twice",
    "agents:status_409",
    "agents:status_201",
    "agents:not_found_without_json",
]
SlackKind = Literal[
    "slack:event_twice",
    "slack:events_reordered",
    "slack:mention_without_files",
    "slack:file_stub",
    "slack:org_payload",
    "slack:late_view",
    "slack:not_found_without_json",
]
ServiceKind = Literal[
    "service:client_forgotten",
    "service:redirect",
    "service:status_201",
    "service:scopes_with_commas",
    "service:odd_lifetime",
]
Kind = AgentsKind | SlackKind | ServiceKind
KINDS: tuple[Kind, ...] = (*get_args(AgentsKind), *get_args(SlackKind), *get_args(ServiceKind))


class Roughness:
    """Which kinds are switched on, with which chance each strikes, and how often it did (`struck`).

    Chance 1 is for a test of one kind, a lower one for property and anomaly tests.
    """

    def __init__(self, kinds: Collection[Kind] = (), *, chance: float = 1.0, seed: int = 0) -> None:
        self.kinds = set(kinds)
        self.chance = chance
        self.struck: Counter[Kind] = Counter()
        self._random = random.Random(seed)  # noqa: S311  # which test goes how, no secret

    @classmethod
    def random(cls, seed: int, chance: float = 0.1) -> Roughness:
        """Return a roughness of all kinds, each with this chance; the same seed strikes in the same places."""
        return cls(KINDS, chance=chance, seed=seed)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let nothing strike while the block runs."""
        chance, self.chance = self.chance, 0.0
        try:
            yield
        finally:
            self.chance = chance

    def strikes(self, kind: Kind) -> bool:
        """Say whether to deviate in this way this time, and count it."""
        if kind not in self.kinds or self._random.random() >= self.chance:
            return False
        self.struck[kind] += 1
        return True
