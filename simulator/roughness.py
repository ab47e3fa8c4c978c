"""What the world sends and no document promises, switched on by kind: always, or at random from a seed.

The three simulators share one `Roughness` (`Peers.roughen`). Each place that can be rough asks it: a smooth world, the
default, answers no. `Roughness.random(seed)` makes every kind strike now and then, the same way for the same seed.
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
    """Which kinds are on, how often each strikes, and how often it has (`struck`).

    A kind that strikes always is for a test of that kind; a chance below 1 is for property and anomaly tests.
    """

    def __init__(self, kinds: Collection[Kind] = (), *, chance: float = 1.0, seed: int = 0) -> None:
        self.kinds = set(kinds)
        self.chance = chance
        self.struck: Counter[Kind] = Counter()
        self._random = random.Random(seed)  # noqa: S311  # which test goes how, no secret

    @classmethod
    def random(cls, seed: int, chance: float = 0.1) -> Roughness:
        """Return one in which every kind strikes now and then, the same way for the same seed."""
        return cls(KINDS, chance=chance, seed=seed)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Be smooth for a while."""
        chance, self.chance = self.chance, 0.0
        try:
            yield
        finally:
            self.chance = chance

    def strikes(self, kind: Kind) -> bool:
        """Say whether this place is rough this time, and count it."""
        if kind not in self.kinds or self._random.random() >= self.chance:
            return False
        self.struck[kind] += 1
        return True
