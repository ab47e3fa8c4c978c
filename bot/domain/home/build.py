"""Builds the App Homes, and what publishes them again."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.approvals.build import Approvals
from bot.domain.context import DomainContext
from bot.domain.home.app_home import AppHomes
from bot.domain.home.refresh import HomeRefresh


@dataclass(frozen=True, slots=True)
class Homes:
    """What a member sees of their own things, and what keeps it up to date."""

    pages: AppHomes
    refresh: HomeRefresh


def build_home(context: DomainContext, approvals: Approvals) -> Homes:
    """Build it on what a home shows."""
    pages = AppHomes(context, approvals.rules)
    return Homes(pages, HomeRefresh(context, pages.refresh, pages.is_doubtful))
