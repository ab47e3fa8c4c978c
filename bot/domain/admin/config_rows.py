"""The rows of the settings' lists (services, agents, channels, members, filters), page by page; pure.

`bot.renderers.config_lists` has the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.config.items import MANY
from bot.config.model import Config, Profile
from bot.domain.sessions.agent_profiles import rules_of
from bot.model.config_views import (
    ChannelRow,
    ConfigList,
    ConfigOutcome,
    FilterRow,
    MemberRow,
    ProfileRow,
    Row,
    ServiceRow,
)
from oauth.catalog.service import Service
from store.records import Member

PAGE = 20
SECTION_OF = {kind: section for section, kind in MANY.items()}


def page_of(section: str, rows: Sequence[Row], page: int, outcome: ConfigOutcome | None = None) -> ConfigList:
    """Return one page of rows; one that is not there any more is the last."""
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(page, 0), pages - 1)
    return ConfigList(section, tuple(rows[page * PAGE : (page + 1) * PAGE]), page, pages, outcome)


def service_rows(config: Config, services: Iterable[Service], added: set[str]) -> list[ServiceRow]:
    """Return a row for each service of the catalogue."""
    return [
        ServiceRow(
            service.name,
            service.title,
            rules=rules_of(config, service),
            who=config.service(service.name).who_may_connect,
            is_paused=config.service(service.name).is_paused,
            needs_client=not service.is_available,
            takes_client=_takes_client(service, added),
            registers_itself=service.takes_oauth and service.client is None,
            is_added=service.name in added,
        )
        for service in services
    ]


def _takes_client(service: Service, added: set[str]) -> bool:
    # A client is bound to a pinned issuer (docs/reference/oauth.md#client-binding); an added service got its
    # own when it was added.
    return service.name not in added and service.pins.trusted_issuer is not None


def profile_rows(config: Config) -> list[ProfileRow]:
    """Return a row for each agent, `default` first."""
    return [ProfileRow(name, config.profile(name) or Profile()) for name in config.profile_names]


def channel_rows(config: Config) -> list[ChannelRow]:
    """Return a row for each channel that has settings."""
    return [ChannelRow(name, channel) for name, channel in sorted(config.channels.items())]


def member_rows(config: Config, members: Iterable[Member]) -> list[MemberRow]:
    """Return a row for each member who ever came, and for whom something is set; these first."""
    known = {str(member.user_id): member.name for member in members}
    names = sorted({*config.members, *known}, key=lambda user: (user not in config.members, known.get(user, ""), user))
    return [MemberRow(user, config.member(user)) for user in names]


def filter_rows(config: Config) -> list[FilterRow]:
    """Return a row for each filter, `secrets` first."""
    return [FilterRow(name, one) for name, one in config.every_filter.items()]
