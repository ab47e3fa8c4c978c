"""Agent profiles: the agent that represents a profile at the API, and the tools that a session of it gets.

A tool's rule is its service's, narrowed by its profile's, under the profile's preset. What one of them denies, no
other loosens (docs/decisions/0017-settings-are-one-document-in-items.md).
"""

from __future__ import annotations

from collections.abc import Collection

from bot.config.model import Config, Profile
from bot.config.tool_rules import Rule, Rules, narrowed, stricter, under
from bot.domain.access import policy
from bot.domain.context import DomainContext
from bot.domain.ports import ProfileSpec, ServiceTools, SessionTools
from bot.model.agent_prompts import SYSTEM
from bot.model.errors import Refused
from oauth.catalog.service import Service
from store import profiles
from store.records import Connection, SavedProfile, ServiceName, Thread


class AgentProfiles:
    """The profiles that agents run with, and the services that each of them may use."""

    def __init__(self, context: DomainContext, model: str) -> None:
        self._database, self._agents, self._catalog = context.database, context.agents, context.catalog
        self._configuration = context.config
        self._model = model

    async def ensure(self, config: Config, name: str) -> SavedProfile:
        """Save a profile to the API if it has changed, and store its ids.

        The API keeps every version of an agent, so running sessions keep theirs.
        """
        async with self._database.transaction() as tx:
            known = await profiles.find(tx, name)
        saved = await self._agents.save_profile(self.spec(config, name), known)
        if saved != known:
            async with self._database.transaction() as tx:
                await profiles.save(tx, saved)
        return saved

    def spec(self, config: Config, name: str) -> ProfileSpec:
        """Return a profile as it should be at the API."""
        return build_spec(name, config.profile(name) or Profile(), self._model)

    def tools_for(self, config: Config, thread: Thread, connections: Collection[Connection]) -> SessionTools:
        """Return the tools for a session: built-in ones, and the profile's services that its owner has connected.

        Others are left out: without a credential a service is an error in every turn
        (docs/reference/managed-agents.md#session-errors).
        """
        profile = config.profile(thread.profile) or Profile()
        connected = {connection.service for connection in connections}
        services = [one for one in self._services(config, profile, thread) if one.name in connected]
        rules = {str(tool): str(rule) for tool, rule in profile.built_in_rules.items()}
        return SessionTools(rules, tuple(tools_of(config, profile, service) for service in services))

    def missing_for(self, config: Config, thread: Thread, connections: Collection[Connection]) -> tuple[str, ...]:
        """Return the names of the profile's services that the owner could connect and has not."""
        profile = config.profile(thread.profile) or Profile()
        connected = {connection.service for connection in connections}
        return tuple(one.name for one in self._services(config, profile, thread) if one.name not in connected)

    def _services(self, config: Config, profile: Profile, thread: Thread) -> list[Service]:
        member = thread.owner
        is_admin = self._configuration.is_admin(config, member.user_id)
        return [
            service
            for service in self._catalog.services
            if service.is_available
            and (profile.services == "all" or service.name in profile.services)
            and policy.may_be_read(config, service.name, thread)
            and not isinstance(policy.may_connect(config, member, service.name, is_admin=is_admin), Refused)
        ]


def withheld_from(config: Config, thread: Thread, connections: Collection[Connection]) -> tuple[str, ...]:
    """Return the names of connected services that are not used in this thread because others read along."""
    names = sorted(connection.service for connection in connections)
    return tuple(name for name in names if not policy.may_be_read(config, name, thread))


def build_spec(name: str, profile: Profile, model: str) -> ProfileSpec:
    """Return a profile as it is saved to the API; its system prompt follows Deputy's own."""
    return ProfileSpec(
        name=name,
        model=profile.model or model,
        # Deputy's own words come first: they say whose agent it is and that quotes are no instructions.
        system=f"{SYSTEM}\n{profile.system_prompt}" if profile.system_prompt.strip() else SYSTEM,
        built_in_rules={str(tool): str(rule) for tool, rule in profile.built_in_rules.items()},
        skills=profile.skills,
        environment=profile.environment,
    )


def rules_of(config: Config, service: Service) -> Rules:
    """Return a service's rules: those that admins set, else the catalogue's."""
    if (own := config.service(service.name).tools) is not None:
        return own.rules
    tools = service.tools
    listed = {
        **dict.fromkeys(tools.allowed_tools, Rule.ALLOWED),
        **dict.fromkeys(tools.user_approved_tools, Rule.USER_APPROVED),
        # Last, so that a tool named twice is denied: the stricter rule wins.
        **dict.fromkeys(tools.denied_tools, Rule.DENIED),
    }
    return Rules(listed, Rule(tools.default))


def tools_of(config: Config, profile: Profile, service: Service) -> ServiceTools:
    """Return a service with its rules under a profile."""
    rules = rules_of(config, service)
    if (tighter := profile.service_tools.get(ServiceName(service.name))) is not None:
        rules = narrowed(rules, tighter.rules)
    return as_tools(service.name, service.mcp_url, under(profile.preset, rules))


def held_to(before: SessionTools, now: SessionTools) -> SessionTools:
    """Return the tools of a session that began with `before`, under the current rules.

    Rules only get stricter: a thread never gains rights that it did not begin with. Services that were connected since
    are added; those that are gone, or have another address now, are removed.
    """
    built_in = {
        tool: str(stricter(Rule(rule), Rule(now.built_in_rules.get(tool, Rule.DENIED))))
        for tool, rule in before.built_in_rules.items()
    }
    earlier = {(service.name, service.url): service for service in before.services}
    services = []
    for service in now.services:
        known = earlier.get((service.name, service.url))
        # By name and address: another server under the same name is a new service for this session.
        rules = narrowed(_rules(known), _rules(service)) if known else _rules(service)
        services.append(as_tools(service.name, service.url, rules))
    return SessionTools(built_in, tuple(services))


def as_tools(name: str, url: str, rules: Rules) -> ServiceTools:
    """Return a service's rules in the form for sessions and the store; rules that equal the default are left out."""
    # The API has room for a limited number of rules (docs/reference/managed-agents.md#agents).
    listed = {tool: str(rule) for tool, rule in sorted(rules.listed.items()) if rule is not rules.default}
    return ServiceTools(name, url, listed, str(rules.default))


def _rules(service: ServiceTools) -> Rules:
    return Rules({tool: Rule(rule) for tool, rule in service.rules.items()}, Rule(service.default_rule))
