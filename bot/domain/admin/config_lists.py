"""The lists in the settings: services, agents, channels and members, page by page, as data; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.config.items import MANY
from bot.config.model import DEFAULT_PROFILE, SECRETS, Config, Profile, Who
from bot.config.tool_rules import Rule, Rules
from bot.domain.sessions.agent_profiles import rules_of
from bot.model.config_views import ConfigList, Row
from oauth.catalog.service import Service
from store.records import Member

PAGE = 20
SECTION_OF = {kind: section for section, kind in MANY.items()}


def page_of(section: str, rows: Sequence[Row], page: int, said: str = "") -> ConfigList:
    """Return one page of rows; one that is not there any more is the last."""
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(page, 0), pages - 1)
    return ConfigList(section, tuple(rows[page * PAGE : (page + 1) * PAGE]), page, pages, said)


def service_rows(config: Config, services: Iterable[Service], added: set[str]) -> list[Row]:
    """Return a row for each service of the catalogue."""
    return [
        Row(
            service.name,
            service.title,
            _join(
                "paused" if config.service(service.name).is_paused else "",
                "" if service.is_available else "needs a client of yours",
                words_of_rules(rules_of(config, service)),
                _who(config.service(service.name).who_may_connect, "may connect"),
            ),
            (
                ("service", "Who and Pause"),
                ("service_tools", "Tool Rules"),
                *((("client", "Client and Scopes"),) if _takes_client(service, added) else ()),
                *((("register service", "Register Afresh"),) if _registers_itself(service) else ()),
                ("reset service", "Back to Defaults"),
                *((("drop service", "Remove Service"),) if service.name in added else ()),
            ),
        )
        for service in services
    ]


def _takes_client(service: Service, added: set[str]) -> bool:
    # A client is bound to a pinned issuer (docs/reference/oauth.md#client-binding); an added service got its
    # own when it was added.
    return service.name not in added and service.pins.trusted_issuer is not None


def _registers_itself(service: Service) -> bool:
    return service.takes_oauth and service.client is None


def profile_rows(config: Config) -> list[Row]:
    """Return a row for each agent, `default` first."""
    return [
        Row(
            name,
            name,
            _join(
                str(profile.preset).replace("_", "-"),
                profile.description or "",
                profile.model or "",
                "all services" if profile.services == "all" else ", ".join(profile.services) or "no services",
                _who(profile.who_may_use, "may use it"),
            ),
            (
                ("profile", "Edit"),
                ("profile_words", "Words"),
                ("profile_tools", "Tools"),
                ("environment", "Surroundings"),
                ("reset profile", "Back to Defaults") if name == DEFAULT_PROFILE else ("remove profile", "Remove"),
            ),
        )
        for name in config.profile_names
        for profile in [config.profile(name) or Profile()]
    ]


def channel_rows(config: Config) -> list[Row]:
    """Return a row for each channel that has settings."""
    return [
        Row(
            name,
            name,
            _join(
                f"agent {channel.profile or DEFAULT_PROFILE}",
                _who(channel.who_may_ask, "may ask"),
                f"{channel.budget_per_month} USD a month" if channel.budget_per_month is not None else "",
            ),
            (("channel", "Edit"), ("reset channel", "Back to Defaults")),
            kind="channel",
        )
        for name, channel in sorted(config.channels.items())
    ]


def member_rows(config: Config, members: Iterable[Member]) -> list[Row]:
    """Return a row for each member who ever came, and for whom something is set; these first."""
    known = {str(member.user_id): member.name for member in members}
    names = sorted({*config.members, *known}, key=lambda user: (user not in config.members, known.get(user, ""), user))
    return [
        Row(
            user,
            user,
            _join(
                "paused" if config.member(user).is_paused else "",
                f"{budget} USD a month" if (budget := config.member(user).budget_per_month) is not None else "",
            )
            or "as everybody",
            (("member", "Edit"), ("disconnect member", "Disconnect Everything"), ("reset member", "Back to Defaults")),
            kind="member",
        )
        for user in names
    ]


def filter_rows(config: Config) -> list[Row]:
    """Return a row for each filter, `secrets` first."""
    return [
        Row(
            name,
            name,
            _join(
                "keys, tokens and passwords by their shapes" if name == SECRETS else one.description or "",
                one.pattern or "",
                _ASKED[one.asked],
                _ANSWERED[one.answered],
            ),
            (("secrets", "Edit"), ("reset filter", "Back to Defaults"))
            if name == SECRETS
            else (("filter", "Edit"), ("remove filter", "Remove")),
        )
        for name, one in config.every_filter.items()
    ]


_ASKED = {"mask": "taken out of requests", "refuse": "requests refused", "off": "requests not looked at"}
_ANSWERED = {"mask": "taken out of answers", "withhold": "answers withheld", "off": "answers not looked at"}


def words_of_rules(rules: Rules) -> str:
    """Return a service's rules in one line."""
    counts = {rule: sum(given is rule for given in rules.listed.values()) for rule in Rule}
    words = {Rule.ALLOWED: "run", Rule.AUTO: "are judged", Rule.USER_APPROVED: "ask", Rule.DENIED: "are off"}
    one = {Rule.ALLOWED: "runs", Rule.AUTO: "is judged", Rule.USER_APPROVED: "asks", Rule.DENIED: "is off"}
    listed = [f"{count} {(one if count == 1 else words)[rule]}" for rule, count in counts.items() if count]
    rest = one[rules.default]
    return ", ".join([*listed, f"the rest {rest}" if listed else f"every tool {rest}"])


def _who(who: Who, what: str) -> str:
    if who == "everyone":
        return ""
    return f"admins {what}" if who == "admins" else f"{len(who)} people {what}"


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
