"""What a probe of an address found, in words."""

from __future__ import annotations

from bot.model.config_views import ProbeResult
from oauth.catalog.probe_facts import ConnectWay, Quirk

WAYS = {
    ConnectWay.CLIENT_DOCUMENT: "its own client document",
    ConnectWay.DYNAMIC: "it registers itself there",
    ConnectWay.PRE_REGISTERED: "a client that you make there",
    ConnectWay.TOKEN: "a personal token of each member",
}
QUIRKS = {
    Quirk.ISSUER_DIFFERS: "Its sign-in server has another name than the address it was found at.",
    Quirk.PKCE_UNADVERTISED: "It doesn't say that it protects sign-ins with PKCE. Save it only if its makers say so.",
    Quirk.RESOURCE_IS_WIDER: "Its tokens also work at other addresses of this server.",
    Quirk.OPEN_WITHOUT_TOKEN: "It responds without authentication.",
}


def list_facts(found: ProbeResult) -> list[tuple[str, str]]:
    """Return the facts as `(label, value)`; most values are the other side's own claims."""
    return [
        ("Address", found.url),
        ("Calls itself", found.told_name or "nothing"),
        ("Sign-in server", found.issuer or "none: members connect with a personal token"),
        ("Hosts that browsers and codes are sent to", ", ".join(found.endpoint_hosts) or "none"),
        ("Scopes it names", ", ".join(found.told_scopes) or "none"),
        ("How Deputy connects", ", or ".join(WAYS[way] for way in found.ways)),
    ]


def list_warnings(found: ProbeResult) -> list[str]:
    """Return the risks that an admin accepts by saving the service, one sentence each."""
    foreign = [f"{host} belongs to somebody else than {found.host}." for host in found.foreign_hosts]
    return [*foreign, *(QUIRKS[quirk] for quirk in found.quirks)]
