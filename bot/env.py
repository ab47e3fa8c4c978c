"""Deputy's environment variables, read and validated together, so that every problem is reported at once.

The line below each field is its row in the README and in `.env.example` (a test compares them).
"""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; immutable, made by `from_environ` only."""

    slack_bot_token: Secret
    """`SLACK_BOT_TOKEN` (required): the bot token, `xoxb-…`"""
    slack_app_token: Secret | None
    """`SLACK_APP_TOKEN`: the app-level token, `xapp-…`, for Socket Mode; without it Slack must deliver over HTTP"""
    slack_signing_secret: Secret | None
    """`SLACK_SIGNING_SECRET`: the signing secret, for delivery over HTTP"""
    slack_client_id: str | None
    """`SLACK_CLIENT_ID` (required): the app's client id, for Sign in with Slack"""
    slack_client_secret: Secret
    """`SLACK_CLIENT_SECRET` (required): the app's client secret, for Sign in with Slack"""
    slack_config_token: Secret | None
    """`SLACK_CONFIG_TOKEN`: an app configuration token, for the doctor: it compares the app with the manifest"""
    identity_check: str
    """`DEPUTY_IDENTITY_CHECK`: `slack_oidc`, or the weaker `code`, which needs no client id; default `slack_oidc`"""
    slack_api_url: str
    """`SLACK_API_URL`: where Slack's Web API is; default `https://slack.com/api/`"""
    anthropic_api_key: Secret
    """`ANTHROPIC_API_KEY` (required): a key of the Anthropic workspace that Deputy has to itself"""
    anthropic_base_url: str | None
    """`ANTHROPIC_BASE_URL`: where the Managed Agents API is; default Anthropic's"""
    webhook_key: Secret | None
    """`ANTHROPIC_WEBHOOK_SIGNING_KEY`: the key of the webhook endpoint made in Anthropic's console, `whsec_…`"""
    database_url: str
    """`DATABASE_URL`: default `sqlite+aiosqlite:///deputy.db`"""
    secret_keys: tuple[Secret, ...]
    """`DEPUTY_SECRET_KEYS` (required): keys that seal what must rest, newest first, separated by commas"""
    is_key_lost: bool
    """`DEPUTY_KEY_LOST`: `1` says that the old sealing key is gone for good: what it sealed is given up"""
    public_url: str
    """`DEPUTY_PUBLIC_URL` (required): the https address under which browsers reach Deputy"""
    host: str
    """`HOST`: the address to listen on; default `127.0.0.1`"""
    port: int
    """`PORT`: the port to listen on; default `8080`"""
    proxies: int
    """`DEPUTY_PROXIES`: how many reverse proxies of yours stand before Deputy, to limit each address; default `0`"""
    admins: frozenset[UserId]
    """`DEPUTY_ADMINS`: Slack user ids of the first admins, separated by commas; without, a workspace owner may be it"""
    catalog_path: Path | None
    """`DEPUTY_CATALOG`: a TOML file with services of your own, merged over the shipped catalogue"""
    services: tuple[str, ...]
    """`DEPUTY_SERVICES`: names of the services to offer, separated by commas; default all available ones"""
    clients_path: Path | None
    """`DEPUTY_CLIENTS`: a TOML file with pre-registered OAuth clients, for services that need one"""
    model: str
    """`DEPUTY_MODEL`: the model of the default profile; default `claude-sonnet-4-6`"""
    approval_minutes: int
    """`DEPUTY_APPROVAL_MINUTES`: how long an approval waits before it counts as a no; default `15`"""
    log_level: str
    """`DEPUTY_LOG_LEVEL`: `debug`, `info`, `warning` or `error`; default `info`"""
    allow_loopback: bool
    """`DEPUTY_ALLOW_LOOPBACK`: `1` lets services be plain http on this machine: simulators and tests only"""

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
        reader = _Reader(environ)
        settings = _read(reader)
        if reader.problems or settings is None:
            raise ConfigurationError(tuple(reader.problems))
        return settings


class _Reader:
    """Reads variables and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []
        self.asked: list[str] = []
        """The names that were read, in their order."""

    def text(self, name: str, default: str = "") -> str:
        self.asked.append(name)
        return self._environ.get(name, "").strip() or default

    def required(self, name: str, hint: str) -> str:
        value = self.text(name)
        if not value:
            self.problems.append(f"{name} is missing: {hint}")
        return value

    def secret(self, name: str, prefix: str = "") -> Secret | None:
        value = self.text(name)
        if value and not value.startswith(prefix):
            self.problems.append(f"{name} does not look right: it begins with {prefix}")
        return Secret(value) if value else None

    def required_secret(self, name: str, hint: str, prefix: str = "") -> Secret:
        self.required(name, hint)
        return self.secret(name, prefix) or Secret("")

    def listed(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if value.isdecimal() and len(value) < 10 and low <= int(value) <= high:
            return int(value)
        self.problems.append(f"{name} must be a number from {low} to {high}")
        return default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}")
        return value

    def checked(self, name: str, value: str, is_right: Callable[[str], bool], rule: str) -> str:
        if value and not is_right(value):
            self.problems.append(f"{name} {rule}")
        return value

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        if not value:
            return None
        if not Path(value).is_file():
            self.problems.append(f"{name} names a file that is not there")
        return Path(value)

    def database(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            normalise(value)
        except DatabaseUrlInvalid:
            self.problems.append(f"{name} must be sqlite:///FILE or postgresql://USER@HOST/NAME")
        return value

    def webhook_key(self, name: str) -> Secret | None:
        value = self.secret(name, "whsec_")
        if value and not is_webhook_key(value):
            self.problems.append(f"{name} cannot be used: copy it again from Anthropic's console")
        return value

    def keys(self, name: str) -> tuple[Secret, ...]:
        value = self.required(name, "make one with `python -m bot new-key` and keep it safe")
        try:
            return parse_keys(value) if value else ()
        except KeysInvalid:
            self.problems.append(f"{name} cannot be used: make a key with `python -m bot new-key`")
            return ()


def read_loopback(environ: Mapping[str, str]) -> bool:
    """Return `DEPUTY_ALLOW_LOOPBACK` alone, for what needs no other setting. Raises `ConfigurationError`."""
    reader = _Reader(environ)
    is_allowed = _read_loopback(reader)
    if reader.problems:
        raise ConfigurationError(tuple(reader.problems))
    return is_allowed


def _read_loopback(reader: _Reader) -> bool:
    return reader.choice("DEPUTY_ALLOW_LOOPBACK", "0", ("0", "1")) == "1"


def _read(reader: _Reader) -> Settings | None:
    allow_loopback = _read_loopback(reader)
    app_token = reader.secret("SLACK_APP_TOKEN", "xapp-")
    signing_secret = reader.secret("SLACK_SIGNING_SECRET")
    if not app_token and not signing_secret:
        reader.problems.append("SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP) is needed: set one")
    values = {**_read_slack(reader), **_read_addresses(reader, allow_loopback=allow_loopback), **_read_rest(reader)}
    if reader.problems:
        return None
    return Settings(
        slack_app_token=app_token,
        slack_signing_secret=signing_secret,
        allow_loopback=allow_loopback,
        **values,  # type: ignore[arg-type]  # each group below makes its own fields, checked by the tests of each
    )


def _read_slack(reader: _Reader) -> dict[str, object]:
    signin = "it is under Basic Information of your Slack app"
    api_url = reader.text("SLACK_API_URL", SLACK_API)
    check = reader.choice("DEPUTY_IDENTITY_CHECK", "slack_oidc", ("slack_oidc", "code"))
    is_needed = check == "slack_oidc"
    return {
        "slack_bot_token": reader.required_secret("SLACK_BOT_TOKEN", "it is under OAuth & Permissions", "xoxb-"),
        "slack_config_token": reader.secret("SLACK_CONFIG_TOKEN", "xoxe"),
        "slack_client_id": reader.required("SLACK_CLIENT_ID", signin) if is_needed else None,
        "slack_client_secret": reader.required_secret("SLACK_CLIENT_SECRET", signin) if is_needed else Secret(""),
        "identity_check": check,
        "slack_api_url": reader.checked(
            "SLACK_API_URL", api_url, lambda url: url.endswith("/api/"), "must end with /api/"
        ),
        "admins": frozenset(UserId(user) for user in reader.listed("DEPUTY_ADMINS")),
    }


def _read_addresses(reader: _Reader, *, allow_loopback: bool) -> dict[str, object]:
    given = reader.required("DEPUTY_PUBLIC_URL", "the https address under which browsers reach Deputy")
    public_url = normalise_url(given)
    reader.checked(
        "DEPUTY_PUBLIC_URL",
        public_url,
        lambda url: is_public_url(url, allow_loopback=allow_loopback),
        "must be https://HOST without a path: browsers and services are sent there",
    )
    return {
        "public_url": public_url,
        "host": reader.text("HOST", "127.0.0.1"),
        "port": reader.number("PORT", 8080, 1, 65535),
        "proxies": reader.number("DEPUTY_PROXIES", 0, 0, 9),
        "anthropic_base_url": reader.text("ANTHROPIC_BASE_URL") or None,
        "database_url": reader.database("DATABASE_URL", "sqlite+aiosqlite:///deputy.db"),
    }


def _read_rest(reader: _Reader) -> dict[str, object]:
    return {
        "anthropic_api_key": reader.required_secret("ANTHROPIC_API_KEY", "a key of the workspace made for Deputy"),
        "webhook_key": reader.webhook_key("ANTHROPIC_WEBHOOK_SIGNING_KEY"),
        "secret_keys": reader.keys("DEPUTY_SECRET_KEYS"),
        "is_key_lost": reader.choice("DEPUTY_KEY_LOST", "0", ("0", "1")) == "1",
        "catalog_path": reader.path("DEPUTY_CATALOG"),
        "services": reader.listed("DEPUTY_SERVICES"),
        "clients_path": reader.path("DEPUTY_CLIENTS"),
        "model": reader.text("DEPUTY_MODEL", "claude-sonnet-4-6"),
        "approval_minutes": reader.number("DEPUTY_APPROVAL_MINUTES", 15, 1, 1440),
        "log_level": reader.choice("DEPUTY_LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
    }


def is_ours(name: str) -> bool:
    """Tell whether a variable is for Deputy: nobody else in the process, and no child of it, needs it."""
    return name.startswith((*_OF_PEERS, _OURS)) or name == "DATABASE_URL"


def list_unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each variable that looks like ours and is none: a slip of the pen changes nothing else."""
    known = list_variables()
    strange = (name for name in sorted(environ) if name.startswith(_OURS) and name not in known)
    return tuple(_say_unknown(name, known) for name in strange if not _OF_KUBERNETES.fullmatch(name))


def list_variables() -> tuple[str, ...]:
    """Return the name of every variable that is read, by reading an empty environment."""
    reader = _Reader({})
    _read(reader)
    return tuple(dict.fromkeys(reader.asked))


def _say_unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is not a setting of Deputy's and is ignored." + (f" Did you mean {near[0]}?" if near else "")


def is_webhook_key(key: Secret) -> bool:
    """Tell whether a key can verify anything: `whsec_` and some base64 (Standard Webhooks, “Signature scheme”)."""
    text = key.reveal().removeprefix("whsec_").rstrip("=")
    try:
        return len(base64.b64decode(text + "=" * (-len(text) % 4), validate=True)) >= _LEAST_KEY_BYTES
    except ValueError:
        return False


def normalise_url(url: str) -> str:
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


def is_public_url(url: str, *, allow_loopback: bool) -> bool:
    """Tell whether browsers may be sent to this base address: https, or loopback where that is allowed."""
    try:
        parts = urlsplit(url)
        is_loopback = parts.hostname in {"127.0.0.1", "localhost"}
    except ValueError:
        return False
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username) and url == normalise_url(url)
    scheme_fits = parts.scheme == "https" or (parts.scheme == "http" and allow_loopback and is_loopback)
    return bool(parts.hostname) and is_bare and scheme_fits
