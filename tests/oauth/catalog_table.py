"""The shipped services as a table: `python -m tests.oauth.catalog_table` writes it into docs/services.md."""

from __future__ import annotations

from pathlib import Path

from oauth.catalog.catalog import Catalog
from oauth.catalog.service import Service, ServiceQuirk
from oauth.protocol.url_policy import get_host
from store.records import RegistrationKind

PAGE = Path(__file__).parents[2] / "docs" / "services.md"
BEGIN, END = "<!-- made by python -m tests.oauth.catalog_table -->", "<!-- end -->"
WAYS = {
    RegistrationKind.AUTO: "registers itself",
    RegistrationKind.PRE_REGISTERED: "your client",
    RegistrationKind.TOKEN: "personal token",
}

QUIRKS: dict[ServiceQuirk, str] = {
    ServiceQuirk.ALL_SCOPES_ADVERTISED: "its metadata lists every scope there is, so ours are pinned",
    ServiceQuirk.BARE_CHALLENGE_URL: "the metadata's address in its 401 is not quoted",
    ServiceQuirk.CLIENT_PERISHES: "it forgets registered clients after months; we register afresh after a week",
    ServiceQuirk.COMMA_SCOPES: "it writes granted scopes with commas",
    ServiceQuirk.ERRORS_WITH_200: "its token endpoint says no with status 200",
    ServiceQuirk.GRANT_ENDS: "an authorization ends after a fixed time, refreshed or not",
    ServiceQuirk.IGNORES_RESOURCE: "its tokens are not bound to one server, so its client must be",
    ServiceQuirk.ISSUER_DIFFERS: "its metadata names another issuer than the one it is found under",
    ServiceQuirk.ISS_UNADVERTISED: "it sends `iss` without saying that it does",
    ServiceQuirk.NESTED_TOKEN: "the member's token may be inside `authed_user`",
    ServiceQuirk.NO_SCOPE_CHOICE: "it decides the scopes itself; new tools need a new connection",
    ServiceQuirk.OPEN_INITIALIZE: "it answers without a token until a tool is called",
    ServiceQuirk.REDIRECT_ALLOWLIST: "it registers only clients whose redirect address it has on its list",
    ServiceQuirk.REFRESH_ON_REQUEST: "it gives a refresh token only if asked in its own words",
    ServiceQuirk.REFRESH_ROTATES: "a refresh token works once; a second use ends the whole grant",
    ServiceQuirk.RESOURCE_IS_WIDER: "its `resource` is a parent of the MCP URL",
}


def render() -> str:
    """Return the tables of services and of quirks."""
    services = Catalog.load(None, {}).services
    lines = ["| service | name | server | way in | pinned | quirks |", "|---|---|---|---|---|---|"]
    lines += [_row(service) for service in services]
    lines += ["", "| quirk | what it does |", "|---|---|"]
    lines += [f"| {_word(quirk)} | {QUIRKS[quirk]} |" for quirk in sorted(ServiceQuirk)]
    lines += ["", *(f"- **{service.title}**: {service.note}" for service in services if service.note)]
    return "\n".join(lines)


def _row(service: Service) -> str:
    way = WAYS[service.registration] + (" or a personal token" if service.token_page else "")
    quirks = ", ".join(_word(quirk) for quirk in service.quirks) or "none known"
    server = f"`{get_host(service.mcp_url)}`"
    return f"| {service.title} | `{service.name}` | {server} | {way} | {_pinned(service)} | {quirks} |"


def _pinned(service: Service) -> str:
    pins = [
        ("issuer", service.pins.trusted_issuer),
        ("endpoints on", ", ".join(service.pins.endpoint_hosts)),
        ("resource", service.resource),
        ("scopes", " ".join(scope.rpartition("/")[2] for scope in service.scopes)),
        ("sends", " ".join(f"{key}={value}" for key, value in service.authorize_params.items())),
        ("ends after days", service.grant_days),
    ]
    return "; ".join(f"{name} {value}" for name, value in pins if value) or "nothing"


def _word(quirk: ServiceQuirk) -> str:
    return quirk.replace("_", " ")


def replaced(page: str) -> str:
    """Return the page with the tables as they are now."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{render()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text("utf-8")), "utf-8")
