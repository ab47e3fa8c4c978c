"""Random settings, all of them valid."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bot.config.file_services import Added, FileClient, Offer, SecretReference, joined
from bot.config.model import (
    ApprovalSettings,
    Audience,
    Budgets,
    ChannelSettings,
    Config,
    Environment,
    MemberSettings,
    Packages,
    Profile,
    ServiceSettings,
    Skill,
)
from bot.config.tool_rules import BuiltIn, Preset, Rule, TighterTools, ToolRules

USERS = st.sampled_from([f"U0{number}" for number in range(9)])
CHANNELS = st.sampled_from([f"C0{number}" for number in range(9)])
NAMES = st.sampled_from(["default", "research", "notes", "wiki", "a-b_c"])
USD = st.decimals(min_value=0, max_value=1_000_000, places=2)
ABOVE = st.decimals(min_value=Decimal("0.01"), max_value=1_000_000, places=2)
WHO = st.one_of(st.sampled_from(["everyone", "admins"]), st.lists(USERS, min_size=1, max_size=4).map(tuple))
TOOLS = st.text("abcdefשé🎉 <>&*", min_size=1, max_size=8).map(str.strip).filter(bool)
LISTS = ("allowed_tools", "auto_tools", "user_approved_tools", "denied_tools")


def some(values, most=3):
    return st.lists(values, max_size=most, unique=True).map(tuple)


few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For tests that make whole documents, which takes time on a busy machine."""


@st.composite
def tool_lists(draw, made, defaults):
    tools = draw(some(TOOLS, 8))
    rule = {tool: draw(st.sampled_from(LISTS)) for tool in tools}
    lists = {name: tuple(tool for tool in tools if rule[tool] == name) for name in LISTS}
    return made(**lists, default=draw(st.sampled_from(defaults)))


RULES = tool_lists(ToolRules, ["auto", "user_approved", "denied"])
TIGHTER = tool_lists(TighterTools, list(Rule))
PLACES = st.sampled_from(["thread", "private"])
SERVICES = st.builds(
    ServiceSettings, is_paused=st.booleans(), who_may_connect=WHO, tools=st.none() | RULES, results=PLACES
)
SKILLS = st.builds(
    Skill,
    type=st.sampled_from(["anthropic", "custom"]),
    skill_id=st.sampled_from(["xlsx", "skill_01"]),
    version=st.none() | st.just("1759178010641129"),
)
APPROVALS = st.builds(
    ApprovalSettings,
    always_allow=st.sampled_from(["harmless", "any", "never"]),
    second_tools=some(st.sampled_from(["notes/*", "bash", "wiki/delete page"])),
    second_approvers=st.just("admins") | st.lists(USERS, min_size=1, max_size=3).map(tuple),
    second_sees=st.sampled_from(["redacted", "full"]),
)
AUDIENCE = st.builds(Audience, guests=st.booleans(), shared_channels=st.booleans())
SCOPES = some(st.sampled_from(["read", "notes:write", "https://a.example/scope"]))
SECRETS = st.none() | st.builds(SecretReference, env=st.sampled_from(["CLIENT_SECRET_A", "CLIENT_SECRET_B_2"]))
CLIENTS = st.builds(FileClient, client_id=st.sampled_from(["Iv1.01", "a/b~c"]), client_secret=SECRETS)


@st.composite
def environments(draw):
    is_limited = draw(st.booleans())
    packages = draw(st.builds(Packages, pip=some(st.sampled_from(["pandas", "numpy==2.0.1"]))))
    return Environment(
        network="limited" if is_limited else "unrestricted",
        allowed_hosts=draw(some(st.sampled_from(["a.example", "*.b.example"]))) if is_limited else (),
        allow_mcp_servers=draw(st.booleans()),
        allow_package_managers=packages.are_any or draw(st.booleans()),
        packages=packages,
    )


@st.composite
def profiles(draw):
    built_in = draw(st.dictionaries(st.sampled_from(BuiltIn), st.sampled_from(Rule), max_size=4))
    skills = () if built_in.get(BuiltIn.READ) is Rule.DENIED else draw(some(SKILLS))
    return Profile(
        model=draw(st.none() | st.just("claude-test")),
        description=draw(st.none() | st.just("Reads · שלום 🎉")),
        system_prompt=draw(st.text(max_size=20)),
        preset=draw(st.sampled_from(Preset)),
        built_in_tools=built_in,
        services=draw(st.just("all") | some(NAMES)),
        service_tools=draw(st.dictionaries(NAMES, TIGHTER, max_size=2)),
        skills=skills,
        environment=draw(environments()),
        budget_per_turn=draw(st.none() | ABOVE),
        who_may_use=draw(WHO),
    )


@st.composite
def configs(draw):
    named = draw(st.dictionaries(NAMES, profiles(), max_size=3))
    bound = st.none() | st.sampled_from(["default", *named])
    channel = st.builds(
        ChannelSettings, profile=bound, who_may_ask=WHO, budget_per_month=st.none() | USD, answers=PLACES
    )
    budgets = st.builds(
        Budgets,
        workspace_per_month=st.none() | USD,
        member_per_month=st.none() | USD,
        channel_per_month=st.none() | USD,
        per_turn=ABOVE,
    )
    member = st.builds(MemberSettings, is_paused=st.booleans(), budget_per_month=st.none() | USD)
    return Config(
        admins=draw(some(USERS)),
        is_paused=draw(st.booleans()),
        budgets=draw(budgets),
        approvals=draw(APPROVALS),
        audience=draw(AUDIENCE),
        services=draw(st.dictionaries(NAMES, SERVICES, max_size=3)),
        profiles=named,
        channels=draw(st.dictionaries(CHANNELS, channel, max_size=3)),
        members=draw(st.dictionaries(USERS, member, max_size=3)),
    )


@st.composite
def added(draw, name):
    has_issuer = draw(st.booleans())
    hosts = draw(st.sampled_from([("login.example",), ("a.example", "login.example")])) if has_issuer else ()
    return Added(
        # No two look alike.
        title=f"{draw(st.sampled_from(['Wiki', 'Wiki · ויקי 🎉', '<b>&*']))} {sha256(name.encode()).hexdigest()[:12]}",
        mcp_url=f"https://{name.replace('_', '-')}.example/mcp",
        manage_url=draw(st.none() | st.just("https://wiki.example/settings?a=b")),
        registration=draw(st.sampled_from(["auto", "pre_registered", "token"])) if has_issuer else "token",
        trusted_issuer="https://login.example/" if has_issuer else None,
        endpoint_hosts=hosts,
        resource=draw(st.none() | st.just("https://wiki.example/")),
        pkce_unadvertised_ok=draw(st.booleans()),
    )


@st.composite
def offers(draw, name, shipped):
    if name in shipped:
        return Offer(scopes=draw(SCOPES), client=draw(st.none() | CLIENTS))
    one = draw(added(name))
    client = draw(CLIENTS) if one.registration == "pre_registered" else None
    return Offer(added=one, scopes=draw(SCOPES), client=client)


@st.composite
def documents(draw, shipped=frozenset({"notes"})):
    """Return whole documents whose every service is there: shipped, or added."""
    config = draw(configs())
    profiles = [(one.services if one.services != "all" else (), one.service_tools) for one in config.profiles.values()]
    named = {*config.services, *(name for names, _ in profiles for name in names), *(n for _, t in profiles for n in t)}
    names = {*named, *draw(some(NAMES))}
    made = {name: draw(offers(name, shipped)) for name in sorted(names)}
    return joined(config, {name: offer for name, offer in made.items() if offer != Offer()})
