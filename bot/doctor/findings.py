"""The doctor's findings, and how they are printed for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """The result of one check."""

    OK = "ok"
    NOTE = "note"
    """It works, but somebody should know something; does not change the exit code."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check in words; `fix` says what to do about it."""

    state: State
    detail: str
    fix: str = ""

    @property
    def is_well(self) -> bool:
        """Return whether nothing has to be fixed."""
        return self.state is not State.FAIL


Findings = Mapping[str, Finding]
"""Name of the check → finding, in the order of the checks."""

_MARKS = {State.OK: "ok  ", State.NOTE: "note", State.FAIL: "FAIL"}


def well(detail: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(State.OK, detail)


def noted(detail: str, fix: str) -> Finding:
    """Return a finding about something that works but should be known."""
    return Finding(State.NOTE, detail, fix)


def amiss(detail: str, fix: str) -> Finding:
    """Return a finding about something that does not work."""
    return Finding(State.FAIL, detail, fix)


def is_all_well(findings: Findings) -> bool:
    """Tell whether nothing failed."""
    return all(finding.is_well for finding in findings.values())


def render(findings: Findings) -> str:
    """Return the findings as text for a terminal."""
    lines = []
    for name, finding in findings.items():
        lines.append(f"{_MARKS[finding.state]}  {name}: {finding.detail}")
        if finding.fix:
            lines.append(f"      → {finding.fix}")
    sick = sum(not finding.is_well for finding in findings.values())
    lines.append(
        "All is well." if not sick else f"{sick} of {len(findings)} {'needs' if sick == 1 else 'need'} attention."
    )
    return "\n".join(lines)


def as_json(findings: Findings) -> str:
    """Return the findings as one JSON object: `{"is_well": bool, "findings": [{name, state, detail, fix}]}`."""
    listed = [{"name": name, **asdict(finding)} for name, finding in findings.items()]
    return json.dumps({"is_well": is_all_well(findings), "findings": listed}, ensure_ascii=False, indent=2)
