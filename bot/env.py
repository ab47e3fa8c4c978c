"""Deputy's environment variables as a pydantic model: every problem is reported at once, and none with a value.

README and `.env.example` have a row for each, made of the model (`tests/bot/test_env_example.py`).
"""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import ErrorDetails

from bot.model.errors import ConfigurationError
from store.database import normalise
from store.errors import DatabaseUrlInvalid, KeysInvalid
from store.records import Secret, UserId
from store.sealing import parse_keys

_LEAST_KEY_BYTES = 16
SLACK_API = "https://slack.com/api/"
_OF_PEERS = ("SLACK_", "ANTHROPIC_")
_OURS = "DEPUTY_"
_OF_KUBERNETES = re.compile(r"DEPUTY(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)\w*)?)")
"""What Kubernetes sets by itself for a Service called `deputy` (kubernetes.io: Service, “Environment variables”)."""
_REQUIRED = {
    "SLACK_BOT_TOKEN": "it is under OAuth & Permissions",
    "SLACK_CLIENT_ID": "it is under Basic Information of your Slack app",
    "SLACK_CLIENT_SECRET": "it is under Basic Information of your Slack app",
    "ANTHROPIC_API_KEY": "a key of the workspace made for Deputy",
    "DEPUTY_SECRET_KEYS": "make one with `python -m bot new-key` and keep it safe",
    "DEPUTY_PUBLIC_URL": "the https address under which browsers reach Deputy",
}
"""What must be set, with where its value is from."""
Part = TypeVar("Part", bound=BaseModel)


def _variable(name: str, what: str, default: str | None = "") -> Any:
    """Return the field of a variable, None: without it Deputy does not start. Defaults are read as what is set is."""
    said = f"{what}; default `{default}`" if default else what
    return Field(default=... if default is None else default, alias=name, description=said)


def _read(parse: Callable[[str], object], schema: Mapping[str, object] | None = None) -> PlainValidator:
    return PlainValidator(
        parse, json_schema_input_type=Annotated[str, WithJsonSchema({"type": "string", **(schema or {})})]
    )


def _if_set(parse: Callable[[str], object]) -> PlainValidator:
    return _read(lambda given: parse(given) if given else None)


def _one_of(*choices: str) -> PlainValidator:
    def parse(given: str) -> str:
        if given.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return given.lower()

    return _read(parse, {"enum": choices})


def _number(low: int, high: int) -> PlainValidator:
    def parse(given: str) -> int:
        if given.isdecimal() and len(given) < 10 and low <= int(given) <= high:
            return int(given)
        raise ValueError(f"must be a number from {low} to {high}")

    return _read(parse, {"pattern": "^[0-9]+$"})


def _listed(given: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.split(",") if part.strip())


def _secret(prefix: str = "") -> Callable[[str], Secret]:
    def parse(given: str) -> Secret:
        if not given.startswith(prefix):
            raise ValueError(f"does not look right: it begins with {prefix}")
        return Secret(given)

    return parse


def _webhook_key(given: str) -> Secret:
    key = _secret("whsec_")(given)
    if not _can_verify(given):
        raise ValueError("cannot be used: copy it again from Anthropic's console")
    return key


def _sealing_keys(given: str) -> tuple[Secret, ...]:
    try:
        return parse_keys(given)
    except KeysInvalid:
        raise ValueError("cannot be used: make a key with `python -m bot new-key`") from None


def _database(given: str) -> str:
    try:
        normalise(given)
    except DatabaseUrlInvalid:
        raise ValueError("must be sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    return given


def _slack_api(given: str) -> str:
    if not given.endswith("/api/"):
        raise ValueError("must end with /api/")
    return given


def _file(given: str) -> Path:
    if not Path(given).is_file():
        raise ValueError("names a file that is not there")
    return Path(given)


Text = Annotated[str, _read(str)]
Flag = Annotated[bool, _one_of("0", "1"), AfterValidator("1".__eq__)]
NeededSecret = Annotated[Secret, _read(Secret)]
OptionalSecret = Annotated[Secret | None, _if_set(_secret())]
OptionalFile = Annotated[Path | None, _if_set(_file)]
_LOOPBACK = ("DEPUTY_ALLOW_LOOPBACK", "`1` lets services be plain http on this machine: simulators and tests only", "0")


class _Variables(BaseModel):
    model_config = ConfigDict(frozen=True, validate_default=True, hide_input_in_errors=True)


class Settings(_Variables):
    """Everything that can be set; immutable, made by `from_environ` only."""

    slack_bot_token: Annotated[Secret, _read(_secret("xoxb-"))] = _variable(
        "SLACK_BOT_TOKEN", "the bot token, `xoxb-…`", None
    )
    slack_signing_secret: OptionalSecret = _variable(
        "SLACK_SIGNING_SECRET", "the signing secret, for delivery over HTTP"
    )
    slack_app_token: Annotated[Secret | None, _if_set(_secret("xapp-"))] = _variable(
        "SLACK_APP_TOKEN", "the app-level token, `xapp-…`, for Socket Mode; without it Slack must deliver over HTTP"
    )
    identity_check: Annotated[str, _one_of("slack_oidc", "code")] = _variable(
        "DEPUTY_IDENTITY_CHECK", "`slack_oidc`, or the weaker `code`, which needs no client id", "slack_oidc"
    )
    slack_client_id: Text = _variable("SLACK_CLIENT_ID", "the app's client id, for Sign in with Slack")
    slack_client_secret: NeededSecret = _variable(
        "SLACK_CLIENT_SECRET", "the app's client secret, for Sign in with Slack"
    )
    slack_config_token: Annotated[Secret | None, _if_set(_secret("xoxe"))] = _variable(
        "SLACK_CONFIG_TOKEN", "an app configuration token, for the doctor: it compares the app with the manifest"
    )
    slack_api_url: Annotated[str, _read(_slack_api)] = _variable("SLACK_API_URL", "where Slack's Web API is", SLACK_API)
    anthropic_api_key: NeededSecret = _variable(
        "ANTHROPIC_API_KEY", "a key of the Anthropic workspace that Deputy has to itself", None
    )
    anthropic_base_url: Annotated[str | None, _if_set(str)] = _variable(
        "ANTHROPIC_BASE_URL", "where the Managed Agents API is; default Anthropic's"
    )
    webhook_key: Annotated[Secret | None, _if_set(_webhook_key)] = _variable(
        "ANTHROPIC_WEBHOOK_SIGNING_KEY", "the key of the webhook endpoint made in Anthropic's console, `whsec_…`"
    )
    database_url: Annotated[str, _read(_database), Field(repr=False)] = _variable(
        "DATABASE_URL", "where Deputy remembers what it must", "sqlite+aiosqlite:///deputy.db"
    )
    secret_keys: Annotated[tuple[Secret, ...], _read(_sealing_keys)] = _variable(
        "DEPUTY_SECRET_KEYS", "keys that seal what must rest, newest first, separated by commas", None
    )
    is_key_lost: Flag = _variable(
        "DEPUTY_KEY_LOST", "`1` says that the old sealing key is gone for good: what it sealed is given up", "0"
    )
    allow_loopback: Flag = _variable(*_LOOPBACK)
    public_url: Text = _variable("DEPUTY_PUBLIC_URL", "the https address under which browsers reach Deputy", None)
    host: Text = _variable("HOST", "the address to listen on", "127.0.0.1")
    port: Annotated[int, _number(1, 65535)] = _variable("PORT", "the port to listen on", "8080")
    proxies: Annotated[int, _number(0, 9)] = _variable(
        "DEPUTY_PROXIES", "how many reverse proxies of yours stand before Deputy, to limit each address", "0"
    )
    admins: Annotated[frozenset[UserId], _read(lambda given: frozenset(map(UserId, _listed(given))))] = _variable(
        "DEPUTY_ADMINS",
        "Slack user ids of the first admins, separated by commas; without, a workspace owner may be it",
    )
    catalog_path: OptionalFile = _variable(
        "DEPUTY_CATALOG", "a TOML file with services of your own, merged over the shipped catalogue"
    )
    services: Annotated[tuple[str, ...], _read(_listed)] = _variable(
        "DEPUTY_SERVICES", "names of the services to offer, separated by commas; default all available ones"
    )
    clients_path: OptionalFile = _variable(
        "DEPUTY_CLIENTS", "a TOML file with pre-registered OAuth clients, for services that need one"
    )
    model: Text = _variable("DEPUTY_MODEL", "the model of the default profile", "claude-sonnet-4-6")
    approval_minutes: Annotated[int, _number(1, 1440)] = _variable(
        "DEPUTY_APPROVAL_MINUTES", "how long an approval waits before it counts as a no", "15"
    )
    log_level: Annotated[str, _one_of("debug", "info", "warning", "error")] = _variable(
        "DEPUTY_LOG_LEVEL", "`debug`, `info`, `warning` or `error`", "info"
    )

    @field_validator("slack_app_token")
    @classmethod
    def _slack_has_a_way_in(cls, given: Secret | None, info: ValidationInfo) -> Secret | None:
        if given is None and info.data["slack_signing_secret"] is None:
            raise ValueError("(Socket Mode) or SLACK_SIGNING_SECRET (HTTP) is needed: set one")
        return given

    @field_validator("slack_client_id", "slack_client_secret")
    @classmethod
    def _is_there_to_sign_in(cls, given: str | Secret, info: ValidationInfo) -> str | Secret:
        if info.data.get("identity_check") == "slack_oidc" and given in ("", Secret("")):
            raise ValueError(f"is missing: {_REQUIRED['SLACK_CLIENT_ID']}")
        return given

    @field_validator("public_url")
    @classmethod
    def _is_where_browsers_come(cls, given: str, info: ValidationInfo) -> str:
        url = _normalise_url(given)
        if not _is_public_url(url, allow_loopback=info.data.get("allow_loopback", False)):
            raise ValueError("must be https://HOST without a path: browsers and services are sent there")
        return url

    @property
    def slack_base_url(self) -> str:
        """Return where Slack's pages are: the API's address without `api/`."""
        return self.slack_api_url.removesuffix("api/")

    def is_moved(self, name: str) -> bool:
        """Tell whether the address `SLACK_API_URL` or `ANTHROPIC_BASE_URL` is another than the peer's own."""
        return self.slack_api_url != SLACK_API if name == "SLACK_API_URL" else self.anthropic_base_url is not None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check everything. Raises `ConfigurationError` with all problems, never with a value."""
        return _validate(cls, environ)


class _Loopback(_Variables):
    allow_loopback: Flag = _variable(*_LOOPBACK)


def read_loopback(environ: Mapping[str, str]) -> bool:
    """Return `DEPUTY_ALLOW_LOOPBACK` alone, for what needs no other setting. Raises `ConfigurationError`."""
    return _validate(_Loopback, environ).allow_loopback


def _validate(part: type[Part], environ: Mapping[str, str]) -> Part:
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    try:
        return part.model_validate(given)
    except ValidationError as error:
        problems = tuple(map(_say, error.errors(include_url=False, include_input=False)))
    raise ConfigurationError(problems)  # not from pydantic's: that one holds the values


def _say(details: ErrorDetails) -> str:
    place = str(details["loc"][0])
    field = Settings.model_fields.get(place)  # pydantic names a default that is wrong by its field
    name = str(field.alias) if field else place
    return (
        f"{name} is missing: {_REQUIRED[name]}" if details["type"] == "missing" else f"{name} {details['ctx']['error']}"
    )


class Variable(NamedTuple):
    """What people read of a variable."""

    name: str
    is_required: bool
    what: str


def list_variables() -> tuple[Variable, ...]:
    """Return every variable that is read."""
    fields = ((str(field.alias), str(field.description)) for field in Settings.model_fields.values())
    return tuple(Variable(name, name in _REQUIRED, what) for name, what in fields)


def is_ours(name: str) -> bool:
    """Tell whether a variable is for Deputy: nobody else in the process, and no child of it, needs it."""
    return name.startswith((*_OF_PEERS, _OURS)) or name == "DATABASE_URL"


def list_unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each variable that looks like ours and is none: a slip of the pen changes nothing else."""
    known = [variable.name for variable in list_variables()]
    strange = (name for name in sorted(environ) if name.startswith(_OURS) and name not in known)
    return tuple(_say_unknown(name, known) for name in strange if not _OF_KUBERNETES.fullmatch(name))


def _say_unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is not a setting of Deputy's and is ignored." + (f" Did you mean {near[0]}?" if near else "")


def _can_verify(key: str) -> bool:
    """Tell whether a key can verify anything: `whsec_` and some base64 (Standard Webhooks, “Signature scheme”)."""
    text = key.removeprefix("whsec_").rstrip("=")
    try:
        return len(base64.b64decode(text + "=" * (-len(text) % 4), validate=True)) >= _LEAST_KEY_BYTES
    except ValueError:
        return False


def _normalise_url(url: str) -> str:
    """Return a base address as browsers name it in `Origin` (RFC 6454 §6.2): as it is where it cannot be read.

    Lower case, no default port, host in ASCII without its final dot, no slash at the end.
    """
    try:
        parts = urlsplit(url.strip().rstrip("/"))
        host, port = parts.hostname or "", parts.port
        ascii_host = host.removesuffix(".").encode("idna").decode("ascii") if host and ":" not in host else host
    except (ValueError, UnicodeError):
        return url
    if not host or "@" in parts.netloc:
        return url
    place = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    is_default = port is None or port == {"https": 443, "http": 80}.get(parts.scheme)
    return parts._replace(netloc=place if is_default else f"{place}:{port}").geturl()


def _is_public_url(url: str, *, allow_loopback: bool) -> bool:
    """Tell whether browsers may be sent to this base address: https, or loopback where that is allowed."""
    try:
        parts = urlsplit(url)
        is_loopback = parts.hostname in {"127.0.0.1", "localhost"}
    except ValueError:
        return False
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username) and url == _normalise_url(url)
    scheme_fits = parts.scheme == "https" or (parts.scheme == "http" and allow_loopback and is_loopback)
    return bool(parts.hostname) and is_bare and scheme_fits
