"""The settings as a YAML file in a stable order, and the changes that a new version of the file makes; pure."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from bot.config.file_services import KIND, Document, Offer
from bot.config.items import ItemChange
from bot.config.model import Config, dump
from bot.config.validation_messages import checked
from bot.model.errors import Problem, SettingsInvalid
from bot.model.visible_text import one_line

HEADER = """\
# What admins set in Deputy. Compare: python -m bot config diff FILE; bring it in: python -m bot config apply FILE.
# yaml-language-server: $schema=config.schema.json
"""
LARGEST = 4_000_000
"""Characters of a file, far more than any settings have."""
_TABLES = {"services", "profiles", "channels", "members", "filters", "built_in_tools", "service_tools"}
# YAML 1.1 takes these for line breaks.
_STRANGE_ENDS = frozenset("\x85\u2028\u2029")
_SIGNS = {"add": "+", "change": "~", "remove": "-"}


def write(config: Config) -> str:
    """Return the settings as a file, without defaults; equal settings make equal files, so they can be diffed."""
    document = {"version": config.version, **dump(config)}
    return HEADER + yaml.dump(_sorted(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def write_offer(name: str, offer: Offer, notes: Sequence[str]) -> str:
    """Return one service as it stands in the file, below the notes as comments, a line each."""
    said = [f"# {one_line(note)}\n" for note in notes]
    document = {"services": {name: dump(offer)}}
    return "".join(said) + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def read(text: str) -> Document:
    """Return the settings of a file. Raises `SettingsInvalid` with every problem."""
    # Before parsing, which takes much more memory than the text.
    if len(text) > LARGEST:
        raise SettingsInvalid((Problem("", "the file is too large"),))
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, with one more rule
    except yaml.YAMLError as error:
        raise SettingsInvalid((Problem(_line_of(error), "this is not YAML, or a name is there twice"),)) from error
    except ValueError as error:
        # A number with more digits than Python parses (docs.python.org: “Integer string conversion length
        # limitation”), or something like 2026-02-30, which YAML takes for a date.
        raise SettingsInvalid((Problem("", "there is a number or a date that cannot be read"),)) from error
    except RecursionError as error:
        raise SettingsInvalid((Problem("", "the file is nested too deeply"),)) from error
    if document is None:
        return Document()
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise SettingsInvalid((Problem("", "the file must be a table of settings"),))
    return checked(Document, document)


def render_plan(changes: Sequence[ItemChange]) -> str:
    """Return in words what would be added (+), changed (~) and removed (-), field by field."""
    if not changes:
        return "Nothing to change."
    lines = [line for change in changes for line in _lines_of(change)]
    counts = {verb: sum(change.verb == verb for change in changes) for verb in _SIGNS}
    return "\n".join([*lines, ", ".join(f"{count} to {verb}" for verb, count in counts.items() if count)])


def list_strange_services(config: Config, known: set[str]) -> tuple[Problem, ...]:
    """Return a problem for each service that is named but does not exist."""
    named = {f"services.{name}": name for name in config.services}
    for profile_name, profile in config.profiles.items():
        listed = () if profile.services == "all" else profile.services
        named |= {f"profiles.{profile_name}.services": name for name in listed if name not in known}
        named |= {f"profiles.{profile_name}.service_tools.{name}": name for name in profile.service_tools}
    return tuple(Problem(place, f"there is no service {name}") for place, name in named.items() if name not in known)


class _Dumper(yaml.SafeDumper):
    """Escapes line ends other than a line feed: unescaped, they would be read back as a line feed or a space."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _STRANGE_ENDS.intersection(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


class _Loader(yaml.SafeLoader):
    """Refuses duplicate names and aliases: with them a reviewer could read something else than what is applied."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # Aliases can also blow up a small file to gigabytes.
        if self.check_event(yaml.AliasEvent):
            node_mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it untyped
            raise yaml.composer.ComposerError(None, None, "aliases are not read here", node_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        if len(set(names)) != len(names):
            raise yaml.constructor.ConstructorError(None, None, "a name is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _line_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark else ""


def _sorted(part: Any, name: str = "") -> Any:
    """Return a document with tables of names sorted; settings keep the order in which they are documented."""
    if not isinstance(part, dict):
        return part
    # Names have no natural order, so two exports would differ for no reason.
    listed = sorted(part.items()) if name in _TABLES else part.items()
    return {key: _sorted(value, key) for key, value in listed}


def _lines_of(change: ItemChange) -> Iterator[str]:
    yield f"{_SIGNS[change.verb]} {change.key}"
    if change.after is None:
        if change.key.kind == KIND and "added" in (change.before or {}):
            yield "    everybody's connections to it end"
        return
    before, after = dict(_fields(change.before or {})), dict(_fields(change.after))
    for place in sorted({*before, *after}):
        old, new = before.get(place, "(default)"), after.get(place, "(default)")
        if old != new:
            yield f"    {place}: {old} → {new}" if change.verb == "change" else f"    {place}: {new}"


def _fields(body: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        here = f"{place}.{name}" if place else str(name)
        if isinstance(value, Mapping) and value:
            yield from _fields(value, here)
        else:
            yield here, json.dumps(value, ensure_ascii=False)
