"""Every form has its schema in docs/schema, as it is: `python -m tests.bot.test_schemas` writes them."""

import json
from pathlib import Path

import jsonschema
import pytest

from bot.schemas import PublishedForm, write_schema
from tests.bot.test_env import RIGHT

FOLDER = Path(__file__).parents[2] / "docs" / "schema"


def path_of(form: PublishedForm) -> Path:
    return FOLDER / f"{form}.schema.json"


def test_every_form_is_published_and_nothing_else():
    assert {path.name for path in FOLDER.iterdir()} == {path_of(form).name for form in PublishedForm}


@pytest.mark.parametrize("form", PublishedForm)
def test_a_schema_is_published_as_it_is(form):
    assert path_of(form).read_text("utf-8") == write_schema(form), "run: python -m tests.bot.test_schemas"


@pytest.mark.parametrize(
    "wrong", [{"SLACK_BOT_TOKEN": None}, {"PORT": "eighty"}, {"DEPUTY_LOG_LEVEL": "loud"}, {"DEPUTY_KEY_LOST": "yes"}]
)
def test_the_environments_schema_refuses_what_a_deployers_tool_can_know(wrong):
    schema = jsonschema.Draft202012Validator(json.loads(write_schema(PublishedForm.ENVIRONMENT)))
    changed = {name: value for name, value in {**RIGHT, **wrong}.items() if value is not None}

    assert schema.is_valid({**RIGHT, "PORT": "8080", "PATH": "/bin"})
    assert not schema.is_valid(changed)


if __name__ == "__main__":
    for form in PublishedForm:
        path_of(form).write_text(write_schema(form), "utf-8")
