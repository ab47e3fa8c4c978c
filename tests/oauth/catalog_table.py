"""The shipped services as a table: `python -m tests.oauth.catalog_table` writes it into docs/services.md."""

from __future__ import annotations

from pathlib import Path

from oauth.catalog.catalog import Catalog
from oauth.catalog.service import QUIRKS, Service, ServiceQuirk
from oauth.protocol.url_policy import get_host
from store.records import RegistrationKind

PAGE = Path(__file__).parents[2] / "docs" / "services.md"
BEGIN, END = "<!-- made by python -m tests.oauth.catalog_table -->", "<!-- end -->"
WAYS = {
    RegistrationKind.AUTO: "registers itself",
    RegistrationKind.PRE_REGISTERED: "your client",
    RegistrationKind.TOKEN: "personal token",
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
