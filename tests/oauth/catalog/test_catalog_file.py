"""The catalogue's file: its schema and its table of keys say what it takes, its problems are in our words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from oauth.catalog.catalog import Catalog
from oauth.catalog.catalog_file import CatalogFile, Entry, ToolTable, list_problems
from oauth.catalog.loader import read_shipped
from oauth.errors import CatalogInvalid
from store.records import ServiceName

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "docs" / "schema" / "catalog.schema.json"
SCHEMA = CatalogFile.model_json_schema()
ENTRY = {"title": "Wiki", "mcp_url": "https://mcp.wiki.example/mcp"}

texts = st.sampled_from(["", "x", "a\nb", "https://a.example", "token", "slack", "denied", "refresh_rotates", "{key}"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from([*Entry.model_fields, "typo"])
tools = st.dictionaries(st.sampled_from([*ToolTable.model_fields, "typo"]), values | st.lists(texts), max_size=3)
entries = st.dictionaries(keys, values, max_size=4).map(lambda odd: {**ENTRY, **odd}) | tools.map(
    lambda odd: {**ENTRY, "tools": odd}
)
documents = st.fixed_dictionaries(
    {"services": values | st.dictionaries(texts, entries | values, max_size=2)}, optional={"typo": values}
)


def is_taken_by(document: object, schema: dict[str, object]) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(document)


def test_our_own_file_names_the_schema_and_keeps_it():
    path = re.match(r"#:schema (\S+)\n", read_shipped())

    assert path
    assert (ROOT / "oauth" / "catalog" / path[1]).resolve() == PUBLISHED
    assert is_taken_by(tomllib.loads(read_shipped()), SCHEMA)


@pytest.mark.parametrize(
    "wrong",
    [{"typo": 1}, {"title": 7}, {"registration": "magic"}, {"quirks": ["odd"]}, {"tools": {"default": "allowed"}}],
)
def test_the_schema_refuses_what_an_editor_can_know(wrong):
    assert is_taken_by({"services": {"wiki": ENTRY}}, SCHEMA)
    assert not is_taken_by({"services": {"wiki": {**ENTRY, **wrong}}}, SCHEMA)
    assert not is_taken_by({"services": {"Wiki": ENTRY}}, SCHEMA)


def test_admins_read_every_key_as_it_is():
    fields = {**Entry.model_fields, **{f"tools.{name}": field for name, field in ToolTable.model_fields.items()}}
    listed = re.findall(
        r"^\| `([a-z_.]+)` \| ?(yes)? \| (.+) \|$", (ROOT / "docs" / "admin.md").read_text("utf-8"), re.MULTILINE
    )

    assert [(name, bool(required), what) for name, required, what in listed] == [
        (name, field.is_required(), field.description) for name, field in fields.items()
    ]


@given(documents)
def test_whatever_is_wrong_is_said_in_our_words_a_line_each(document):
    try:
        CatalogFile.model_validate(document)
    except ValidationError as error:
        problems = list_problems(error)
        assert problems
        assert not [line for line in problems if not line.isprintable() or re.search(r"[Ii]nput|pydantic|valid ", line)]
    else:
        assert is_taken_by(document, SCHEMA)


def test_a_mistake_names_the_file_and_hides_no_other_of_it(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[services.x]\ntypo = 1\n[services.y]\ntitle = "Y"\nmcp_url = "https://mcp.notion.com/mcp"\n')

    with pytest.raises(CatalogInvalid) as caught:
        Catalog.load(path, {})

    assert caught.value.problems == (
        "own.toml: services.x: `title` is missing",
        "own.toml: services.x: `mcp_url` is missing",
        "own.toml: services.x: unknown key `typo`",
        "services.y: has the mcp_url of `notion`",
    )


def test_an_entry_that_is_wrong_still_stands_in_the_place_of_ours(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        '[services.notion]\ntitle = ""\n[services.n]\ntitle = "N"\nmcp_url = "https://mcp.notion.com/mcp"\n'
    )

    with pytest.raises(CatalogInvalid) as caught:
        Catalog.load(path, {})

    assert [line for line in caught.value.problems if "has the mcp_url" in line] == []


def test_what_is_read_is_what_was_written(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        '[services.x]\ntitle = "X"\nmcp_url = "https://x.example/mcp"\nregistration = "token"\ngrant_days = 7\n'
        'quirks = ["grant_ends"]\npkce_unadvertised_ok = true\ntrusted_issuer = "https://x.example"\n'
        'endpoint_hosts = ["x.example"]\nauthorize_params = { a = "b" }\n'
    )
    service = Catalog.load(path, {}).get(ServiceName("x"))

    assert (service.registration, service.grant_days, service.quirks) == ("token", 7, ("grant_ends",))
    assert (service.pins.trusted_issuer, service.pins.endpoint_hosts) == ("https://x.example", ("x.example",))
    assert service.pins.pkce_unadvertised_ok
    assert service.authorize_params == {"a": "b"}
