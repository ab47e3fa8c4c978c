"""The catalogue's file as a pydantic model: what may be in it, in our words where it is wrong, and its JSON Schema.

`oauth/catalog/loader.py` reads files with it; behind it a service is our own `Service`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from oauth.catalog.service import NAME, ServiceQuirk
from oauth.errors import UrlRefused
from oauth.protocol.url_policy import UrlPolicy, require_url
from store.records import RegistrationKind

# For the shape of a URL only; the sender applies the process's real policy whenever one is used.
_LOOSE = UrlPolicy(allow_loopback=True)
_WORDS = {
    "dict_type": "services must be tables `[services.NAME]`",
    "enum": "quirk `{given}` is not known",
    "extra_forbidden": "unknown key `{key}`",
    "missing": "`{key}` is missing",
    "model_type": "`{key}` must be a table",
    "predicate": "`{key}` {words}",
    "sentence": "{words}",
    "tuple_type": "`{key}` must be a list of texts",
}
"""Every kind of problem that these models have: pydantic's, and the two of our own."""


def _must(words: str) -> WrapValidator:
    # One sentence for whatever is wrong with a value: pydantic's own would name its types and ours of Python.
    def judge(given: object, check: Callable[[object], object]) -> object:
        try:
            return check(given)
        except (ValidationError, ValueError) as error:
            raise PydanticCustomError("predicate", "must {words}", {"words": words}) from error

    return WrapValidator(judge)


def _visible(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("is not one line that people see")
    return text


def _usable(url: str) -> str:
    try:
        return require_url(url, _LOOSE)
    except UrlRefused as error:
        raise PydanticCustomError("predicate", "cannot be used: {rule}", {"rule": error.rule}) from error


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})


_LAX = Field(strict=False)
"""TOML has lists where we have tuples, and texts where we have enums; what is in them stays strict."""
Text = Annotated[str, AfterValidator(_visible), _must("be text")]
Url = Annotated[Text, AfterValidator(_usable)]
Texts = Annotated[tuple[Text, ...], _LAX, _must("be a list of texts")]
Table = Annotated[dict[str, Text], _must("hold texts, each under a name")]
Flag = Annotated[bool, _must("be true or false")]
Days = Annotated[int, Field(ge=1, le=3650), _must("be a number from 1 to 3650")]
Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$"), _must("be a-z, 0-9, - and _, at most 64")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ToolTable(_Part):
    """The rule for each tool of a service."""

    allowed_tools: Texts = Field(default=(), description="Run without asking.")
    user_approved_tools: Texts = Field(default=(), description="Held until the owner decides.")
    denied_tools: Texts = Field(default=(), description="Switched off.")
    default: Annotated[Literal["user_approved", "denied"], _must("be user_approved or denied")] = Field(
        default="user_approved", description="For tools that are not listed; never allowed."
    )

    @model_validator(mode="after")
    def _lists_each_once(self) -> Self:
        listed = [*self.allowed_tools, *self.user_approved_tools, *self.denied_tools]
        if twice := sorted({tool for tool in listed if listed.count(tool) > 1}):
            raise _wrong("; ".join(f"tool `{tool}` is listed twice" for tool in twice))
        return self


class Entry(_Part):
    """A service: where it is, how to connect to it, and what overrides its own metadata."""

    title: Text = Field(description="What people read.")
    mcp_url: Url = Field(description="Exactly as the service documents it.")
    manage_url: Url | None = Field(default=None, description="Where people revoke access; shown after disconnecting.")
    scopes: Texts = Field(default=(), description="What to ask for; left out: what the service advertises.")
    trusted_issuer: Url | None = Field(
        default=None, description="The only `issuer` to accept, compared as a string; needs `endpoint_hosts`."
    )
    endpoint_hosts: Texts = Field(default=(), description="The only hosts on which its endpoints may be.")
    resource: Url | None = Field(default=None, description="The `resource` that its metadata must carry.")
    registration: Annotated[RegistrationKind, _LAX, _must("be auto, pre_registered or token")] = Field(
        default=RegistrationKind.AUTO,
        description="`auto`: Deputy registers itself; `pre_registered`: with a client of yours; `token`: a personal "
        "token of each member.",
    )
    token_profile: Annotated[Literal["standard", "slack"], _must("be standard or slack")] = Field(
        default="standard", description="`slack`: its token answers have Slack's form."
    )
    token_page: Url | None = Field(default=None, description="Where people make a personal token, if it takes one.")
    authorize_params: Table = Field(default={}, description="Further parameters of the authorization request.")
    pkce_unadvertised_ok: Flag = Field(
        default=False, description="It supports PKCE S256 without advertising it; otherwise it is refused."
    )
    grant_days: Days | None = Field(
        default=None, description="Days after which an authorization ends, refreshed or not."
    )
    quirks: Annotated[tuple[Annotated[ServiceQuirk, _LAX], ...], _LAX] = Field(
        default=(), description="How it deviates from the rules, for admins to read."
    )
    note: Text | None = Field(default=None, description="For admins: what must be done at the service first.")
    tools: ToolTable = Field(default=ToolTable(), description="The rule for each of its tools.")
    sources: Table = Field(default={}, description="Where each of the above is known from; for reviewers.")

    @model_validator(mode="after")
    def _is_held_to_hosts(self) -> Self:
        if self.trusted_issuer and not self.endpoint_hosts:
            raise _wrong("`trusted_issuer` needs `endpoint_hosts`, or a false server could name any")
        return self


class CatalogFile(_Part):
    """Services by name."""

    services: dict[Name, Entry] = Field(default={}, json_schema_extra={"additionalProperties": False})


PINS = frozenset(Entry.model_fields) - {"title", "manage_url", "note", "tools", "sources"}
"""What overrides, or is checked against, the service's own metadata: in our own file each needs a source."""


def list_unsourced(entry: Mapping[str, Any]) -> list[str]:
    """Return a problem for each pin of an entry without a source, and for each source without a pin."""
    pinned, sources = PINS & set(entry), set(entry.get("sources", {}))
    missing = [f"`{key}` has no source" for key in sorted(pinned - sources)]
    return missing + [f"a source for `{key}`, which is not pinned" for key in sorted(sources - pinned)]


def list_problems(error: ValidationError) -> list[str]:
    """Return each problem once, as a line that names its place, in our own words."""
    lines = dict.fromkeys(map(_say, error.errors(include_url=False)))
    # A name in the file may hold anything, and the line goes to a terminal.
    return [line if line.isprintable() else line.encode("unicode_escape").decode() for line in lines]


def _say(details: ErrorDetails) -> str:
    kind, place = details["type"], [part for part in details["loc"] if isinstance(part, str)]
    if place[0] != "services":
        return _WORDS[kind].format(key=place[0])
    if len(place) < 3 and kind in ("dict_type", "model_type"):
        return _WORDS["dict_type"]
    told = _WORDS[kind].format(key=".".join(place[2:]), given=details["input"], words=details["msg"])
    return f"services.{place[1]}: {told.replace('`[key]`', 'the name')}"
