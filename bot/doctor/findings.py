"""A doctor's finding, and how findings are printed for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    NOTE = "note"
    """Works, but somebody should know; it does not change the exit code."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen; `fix` says what to do where it is not well."""

    state: State
    detail: str
    fix: str = ""

    @property
    def is_well(self) -> bool:
        """Return whether nothing has to be done."""
        return self.state is not State.FAIL


Findings = Mapping[str, Finding]
"""By the name of the check, in the order in which they were made."""

_MARKS = {State.OK: "ok  ", State.NOTE: "note", State.FAIL: "FAIL"}


def well(detail: str) -> Finding:
    """Return that all is well."""
    return Finding(State.OK, detail)


def noted(detail: str, fix: str) -> Finding:
    """Return what works and should be known."""
    return Finding(State.NOTE, detail, fix)


def amiss(detail: str, fix: str) -> Finding:
    """Return what does not work, and what to do."""
    return Finding(State.FAIL, detail, fix)


def is_all_well(findings: Findings) -> bool:
    """Tell whether nothing failed."""
    return all(finding.is_well for finding in findings.values())


def render(findings: Findings) -> str:
    """Return the findings as lines for a terminal."""
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
