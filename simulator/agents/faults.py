"""Faults that tests order: at the nth request of a kind, or in the middle of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

REQUEST_KINDS = frozenset(
    {
        "connection_error_before",
        "connection_error_after",
        "status_400",
        "status_403",
        "status_413",
        "status_429",
        "status_500",
        "status_529",
        "timeout",
        "timeout_after",
        "malformed",
    }
)
STREAM_KINDS = frozenset({"drop", "eof", "silence", "error", "duplicate", "delay"})


@dataclass(eq=False)
class RequestFault:
    """What happens to the `nth` request (1 is the next) whose path and method match, `times` times in a row."""

    path: str
    method: str
    nth: int
    kind: str
    retry_after: float | None
    times: int
    code: str | None = None
    """The `error_code` in the error's details."""
    seen: int = 0
    done: int = 0


@dataclass(eq=False)
class StreamFault:
    """What happens to one open stream of a session.

    Just before the first frame of event type `at` is written, or before frame number `after` (counted
    from 0 in that stream): `drop` cuts inside the frame, `eof` ends cleanly, `silence` writes nothing
    more, `error` writes `event: error`, `duplicate` writes the frame twice, `delay` waits `seconds`.
    """

    kind: str
    at: str | None
    after: int | None
    session_id: str | None
    seconds: float
    times: int
    done: int = 0

    def strikes(self, session_id: str, event_type: str, number: int) -> bool:
        """Say whether the fault strikes at this frame, and count it."""
        if self.done >= self.times or self.session_id not in (None, session_id):
            return False
        if (self.at is not None and self.at != event_type) or (self.after is not None and self.after != number):
            return False
        self.done += 1
        return True


class Faults:
    """The faults that were ordered."""

    def __init__(self) -> None:
        self.requests: list[RequestFault] = []
        self.streams: list[StreamFault] = []

    def add(
        self,
        path: str = "*",
        method: str = "*",
        nth: int = 1,
        kind: str = "connection_error_before",
        *,
        retry_after: float | None = None,
        times: int = 1,
        code: str | None = None,
    ) -> RequestFault:
        """Order a fault for requests whose path matches the shell pattern (`/v1/sessions/*/events`)."""
        if kind not in REQUEST_KINDS:
            raise ValueError(kind)
        fault = RequestFault(path, method.upper(), nth, kind, retry_after, times, code)
        self.requests.append(fault)
        return fault

    def stream(
        self,
        kind: str,
        *,
        at: str | None = None,
        after: int | None = None,
        session_id: str | None = None,
        seconds: float = 0.0,
        times: int = 1,
    ) -> StreamFault:
        """Order a fault inside a stream."""
        if kind not in STREAM_KINDS:
            raise ValueError(kind)
        fault = StreamFault(kind, at, after, session_id, seconds, times)
        self.streams.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every fault that was ordered."""
        self.requests.clear()
        self.streams.clear()

    def of_request(self, method: str, path: str) -> RequestFault | None:
        """Return the fault that strikes this request, None for most."""
        for fault in self.requests:
            if fault.method not in ("*", method) or not fnmatch(path, fault.path):
                continue
            fault.seen += 1
            if fault.seen >= fault.nth and fault.done < fault.times:
                fault.done += 1
                return fault
        return None

    def of_frame(self, session_id: str, event_type: str, number: int) -> StreamFault | None:
        """Return the fault that strikes this frame of a stream, None for most."""
        for fault in self.streams:
            if fault.strikes(session_id, event_type, number):
                return fault
        return None
