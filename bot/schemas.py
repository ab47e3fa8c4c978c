"""The forms that people fill in outside of Slack, as JSON Schema: `docs/schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel

from bot.config.file_services import Document
from bot.env import Settings
from oauth.catalog.catalog_file import CatalogFile


class PublishedForm(StrEnum):
    """What has a schema."""

    CATALOG = "catalog"
    """The file that DEPUTY_CATALOG names."""
    CONFIG = "config"
    """The file of `python -m bot config`."""
    ENVIRONMENT = "environment"
    """The variables, as a table of texts."""


_MODELS: Mapping[PublishedForm, type[BaseModel]] = {
    PublishedForm.CATALOG: CatalogFile,
    PublishedForm.CONFIG: Document,
    PublishedForm.ENVIRONMENT: Settings,
}


def write_schema(form: PublishedForm) -> str:
    """Return a schema as it is published."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_MODELS[form].model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
