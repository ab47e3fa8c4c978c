"""The official suite within `make test` (88 of docs/oauth-threats.md#h-abuse)."""

from __future__ import annotations

import pytest

from tests.conformance import __main__ as conformance


@pytest.mark.threat(88)
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_auth_scenario_of_the_official_suite_passes(tmp_path):
    try:
        conformance.install()
    except conformance.SuiteMissing as missing:
        pytest.skip(str(missing))

    said = conformance.run_suite(tmp_path)

    problems = {name: conformance.judge(tmp_path, name) for name in conformance.SCENARIOS}
    assert len(problems) == 25
    assert {name: found for name, found in problems.items() if found} == {}, said


def test_a_scenario_that_was_not_run_has_not_passed(tmp_path):
    assert conformance.judge(tmp_path, "iss-normalized") == ["it was not run"]


@pytest.mark.parametrize(
    ("checks", "end", "is_good"),
    [
        ('[{"id": "a", "status": "SUCCESS"}]', "connected", True),
        ('[{"id": "a", "status": "SUCCESS"}]', "refused: x", False),
        ('[{"id": "a", "status": "SUCCESS"}]', "", False),
        (
            '[{"id": "a", "status": "WARNING", "description": "d"}, {"id": "", "status": "SUCCESS"}]',
            "connected",
            False,
        ),
        (
            '[{"id": "a", "status": "FAILURE", "description": "d"}, {"id": "", "status": "SUCCESS"}]',
            "connected",
            False,
        ),
        ('[{"id": "a", "status": "INFO"}]', "connected", False),
    ],
)
def test_a_warning_or_another_end_is_no_pass(tmp_path, checks, end, is_good):
    result = tmp_path / "results" / "auth" / "iss-supported-2026-11-23T00-00-00-000Z"
    result.mkdir(parents=True)
    (result / "checks.json").write_text(checks)
    (result / "stdout.txt").write_text(end)
    (result / "stderr.txt").write_text("")

    assert (conformance.judge(tmp_path, "iss-supported") == []) is is_good
