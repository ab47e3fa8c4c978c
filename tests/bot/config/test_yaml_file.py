"""The file: reading back what was written is the identity, equal settings are equal files, mistakes are named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.config.file_services import Document
from bot.config.items import diff
from bot.config.model import Config, Profile
from bot.config.yaml_file import list_strange_services, read, render_plan, write
from bot.model.errors import SettingsInvalid
from tests.bot.config.strategies import configs, documents, few

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = Document.model_json_schema()


@few
@given(documents())
def test_what_was_written_reads_back_as_the_same_settings(document):
    assert read(write(document)) == document


@pytest.mark.parametrize("prompt", ["\x85", "a\x85b\n\n", "a\u2028b\u2029", "\ufeffa\r\n\x0b", " a\t\n"])
def test_every_kind_of_line_end_is_kept(prompt):
    config = Config(profiles={"one": Profile(system_prompt=prompt)})

    assert read(write(config)).config == config


@pytest.mark.slow
@few
@given(documents())
def test_the_published_schema_takes_every_file_that_is_written(document):
    jsonschema.validate(yaml.safe_load(write(document)), SCHEMA)


@few
@given(configs(), st.randoms(use_true_random=False))
def test_equal_settings_are_equal_files_whatever_order_they_were_made_in(config, random):
    def shuffled(part):
        if not isinstance(part, dict):
            return part
        items = list(part.items())
        random.shuffle(items)
        return {key: shuffled(value) for key, value in items}

    turned = Config.model_validate(shuffled(json.loads(json.dumps(config.model_dump(mode="json")))))

    assert write(turned) == write(config)


EXAMPLES = [
    (path.name, number, text)
    for path in sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md"])
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", path.read_text("utf-8"), re.DOTALL))
]


@pytest.mark.parametrize(("path", "number", "text"), EXAMPLES, ids=lambda part: str(part)[:20])
def test_every_example_in_the_docs_is_valid_and_means_what_the_code_reads(path, number, text):
    jsonschema.validate(yaml.safe_load(text), SCHEMA)

    assert read(text) != Document()


def test_there_are_examples():
    assert EXAMPLES


UNREADABLE = "there is a number or a date that cannot be read"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("profiles: {a: {}, a: {}}", "line 1: this is not YAML, or a name is there twice"),
        ("a: &x 1\nb: *x", "line 2: this is not YAML, or a name is there twice"),
        ("admins: [", "line 1: this is not YAML, or a name is there twice"),
        ("- one", "the file must be a table of settings"),
        ("1: one", "the file must be a table of settings"),
        ("!!python/object/apply:os.system [ls]", "line 1: this is not YAML, or a name is there twice"),
        ("[" * 2_000, "the file is nested too deeply"),
        ("#" * 4_000_001, "the file is too large"),
        (f"approval_minutes: {'9' * 20_000}", UNREADABLE),
        ("budget: 2026-02-31", UNREADABLE),
        ("profile: {}", "profile: there is no such setting"),
    ],
    ids=range(11),
)
@pytest.mark.fault("S23")
def test_a_file_that_cannot_be_read_says_where(text, problem):
    with pytest.raises(SettingsInvalid) as caught:
        read(text)

    assert [str(one) for one in caught.value.problems] == [problem]


def test_an_empty_file_is_the_defaults():
    assert read("# nothing\n") == Document()


BEFORE = Config.model_validate(
    {"profiles": {"old": {}, "same": {}}, "channels": {"C0123": {"profile": "old"}}, "members": {"U0ANN": {}}}
)
AFTER = Config.model_validate(
    {
        "is_paused": True,
        "profiles": {"same": {}, "reader": {"preset": "read_only", "environment": {"allowed_hosts": ["a.example"]}}},
        "channels": {"C0123": {"profile": "reader", "who_may_ask": ["U0BEN"]}},
        "members": {"U0ANN": {}},
    }
)


def test_a_plan_says_what_is_added_changed_and_removed():
    assert render_plan(diff(BEFORE, AFTER)) == snapshot("""\
~ channel/C0123
    profile: "old" → "reader"
    who_may_ask: (default) → ["U0BEN"]
- profile/old
+ profile/reader
    environment.allowed_hosts: ["a.example"]
    preset: "read_only"
+ workspace/is_paused
    value: true
2 to add, 1 to change, 1 to remove\
""")
    assert render_plan(()) == "Nothing to change."


def test_services_that_are_not_there_are_named_at_their_place():
    config = Config.model_validate(
        {
            "services": {"notes": {}, "lost": {}},
            "profiles": {"a": {"services": ["notes", "gone"], "service_tools": {"away": {}}}},
        }
    )

    assert [str(problem) for problem in list_strange_services(config, {"notes"})] == [
        "services.lost: there is no service lost",
        "profiles.a.services: there is no service gone",
        "profiles.a.service_tools.away: there is no service away",
    ]
