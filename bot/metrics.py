"""Metrics for operators, served at `/metrics`: numbers only, no ids and no names."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

SIGNATURES_REFUSED = "deputy_slack_signatures_refused"


class Metrics:
    """The process's numbers; one registry per app, so that two apps in one process do not share."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._ended = Counter("deputy_turns_ended", "Turns that ended, by outcome", ["outcome"], registry=self.registry)
        self._driven = Gauge("deputy_threads_driven", "Threads with a running turn", registry=self.registry)
        self._failing = Gauge("deputy_tasks_failing", "Endless tasks whose last round failed", registry=self.registry)
        self._again = Counter(
            "deputy_work_begun_anew",
            "Work that was cut off and begun anew: an endless task by its name, `store` while the store was out",
            ["what"],
            registry=self.registry,
        )
        self._refused = Counter(
            SIGNATURES_REFUSED, "Requests for Slack's path whose signature does not hold", registry=self.registry
        )

    def count_refused_signature(self) -> None:
        """Count a request that says it is Slack's and was not signed with our secret."""
        self._refused.inc()

    def count_end(self, outcome: str) -> None:
        """Count a turn that ended."""
        self._ended.labels(outcome).inc()

    def count_again(self, what: str) -> None:
        """Count work that was cut off and is begun anew."""
        self._again.labels(what).inc()

    def watch_failing(self, count: Callable[[], int]) -> None:
        """Read the number of failing endless tasks whenever metrics are fetched."""
        self._failing.set_function(count)

    def watch_driven(self, count: Callable[[], int]) -> None:
        """Read the number of driven threads whenever metrics are fetched."""
        self._driven.set_function(count)
