"""What operators watch: numbers only, no ids, no names. Served at `/metrics`."""

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

        self._refused = Counter(
            SIGNATURES_REFUSED, "Requests for Slack's path whose signature does not hold", registry=self.registry
        )

    def count_refused_signature(self) -> None:
        """Count a request that says it is Slack's and was not signed with our secret."""
        self._refused.inc()

    def count_end(self, outcome: str) -> None:
        """Count a turn that ended."""
        self._ended.labels(outcome).inc()

    def watch_driven(self, count: Callable[[], int]) -> None:
        """Read the number of driven threads whenever metrics are fetched."""
        self._driven.set_function(count)
