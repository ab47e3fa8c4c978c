"""Doctor's checks of Slack: tokens, the app's configuration, admins, the clock."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from pathlib import Path

import yaml

from bot.clock import WallClock
from bot.doctor.findings import Finding, amiss, noted, well
from bot.doctor.manifest_diff import SIGN_IN_PATH, differences
from bot.doctor.targets import DoctorTargets
from bot.domain.config.service import ConfigService
from bot.metrics import SIGNATURES_REFUSED
from bot.model.errors import SettingsInvalid
from bot.slack import app_facts
from oauth.errors import ConnectError
from oauth.protocol.http_messages import HttpRequest
from store.errors import StoreError

SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:write",
        "mpim:history",
        "mpim:read",
        "team:read",
        "users:read",
    }
)
"""The bot scopes of manifest.yml; a test compares the two."""
MANIFEST = Path(__file__).parents[2] / "manifest.yml"
INSTALL = "install the app again from manifest.yml"
CLIENT_PROBLEMS = frozenset({"invalid_client_id", "bad_client_secret", "invalid_client"})
# Slack's signatures are valid for five minutes (docs/reference/slack.md#request-signatures), links to connect for ten,
# so a minute is early enough to warn.
SKEW_SECONDS = 60


async def bot_token(targets: DoctorTargets) -> Finding:
    """Check the bot token and its scopes."""
    who = await app_facts.fetch_identity(targets.slack)
    # Not a failure: without the header nothing can be said either way.
    if who.scopes is None:
        return noted(
            f"works in {who.team}; Slack told no scopes", "compare the app's scopes with manifest.yml yourself"
        )
    if missing := sorted(SCOPES - who.scopes):
        return amiss(f"scopes missing: {', '.join(missing)}", INSTALL)
    return well(f"works in {who.team}, all scopes granted")


async def delivery(targets: DoctorTargets) -> Finding:
    """Check that Slack's requests can reach us, through Socket Mode or HTTP."""
    if targets.settings.slack_app_token is None:
        return await _http_delivery(targets)
    await app_facts.check_app_token(targets.slack, targets.settings.slack_app_token)
    return well("Socket Mode: the app-level token works")


async def _http_delivery(targets: DoctorTargets) -> Finding:
    """Check that the signing secret is not obviously wrong; only Slack's deliveries can prove that it is right."""
    secret, client_secret = targets.settings.slack_signing_secret, targets.settings.slack_client_secret
    # The two stand side by side in Slack's settings and are easily mixed up.
    if secret and secret.reveal() == client_secret.reveal():
        return amiss("SLACK_SIGNING_SECRET is the client secret", FIX_SIGNING)
    refused = await _count_refused(targets)
    if refused:
        return amiss(f"{refused} requests since the start had another signature", FIX_SIGNING)
    return well(f"HTTP: Slack must deliver to {targets.settings.public_url}/slack/events")


async def _count_refused(targets: DoctorTargets) -> int:
    """Return how many of Slack's requests the running Deputy has refused; 0 if its metrics cannot be read."""
    try:
        answer = await targets.sender.send(HttpRequest("GET", f"{targets.settings.public_url}/metrics"))
    except ConnectError:
        return 0  # metrics are often not reachable from outside; the log has the refusals too
    found = re.search(rf"^{SIGNATURES_REFUSED}_total (\d+)", answer.body.decode("utf-8", "replace"), re.MULTILINE)
    return int(found[1]) if found else 0


async def manifest(targets: DoctorTargets) -> Finding:
    """Compare the app's manifest with ours, if there is a token that may read it."""
    token = targets.settings.slack_config_token
    if token is None:
        return noted(
            "not compared",
            "to compare the app with manifest.yml, set SLACK_CONFIG_TOKEN to an app configuration token for this once",
        )
    app_id = await app_facts.fetch_app_id(targets.slack)
    actual = await app_facts.fetch_manifest(targets.slack, app_id, token)
    wanted = yaml.safe_load(MANIFEST.read_text("utf-8"))
    if found := differences(wanted, actual, targets.settings):
        return amiss("; ".join(found), "correct the app's manifest, save, and install the app again")
    return well("the app is set up as manifest.yml says")


async def sign_in(targets: DoctorTargets) -> Finding:
    """Check the client id and secret that Sign in with Slack needs."""
    settings = targets.settings
    if settings.identity_check == "code":
        return noted("not used: a code proves who connects", "weaker; set DEPUTY_IDENTITY_CHECK=slack_oidc")
    code = await app_facts.check_sign_in(targets.slack, settings.slack_client_id, settings.slack_client_secret)
    if code in CLIENT_PROBLEMS:
        return amiss(f"refused ({code})", FIXES["Sign in with Slack"])
    redirect = f"{settings.public_url}{SIGN_IN_PATH}"
    return well(f"client id and secret are known; redirect URL must be {redirect}")


async def admins(targets: DoctorTargets) -> Finding:
    """Check the admins: those of the environment must be full members, and of all admins at least one must be."""
    named, added = sorted(targets.settings.admins), await _added_admins(targets)
    unfit = [user for user in (*named, *added) if not await app_facts.is_full_member(targets.slack, user)]
    if wrong := [user for user in named if user in unfit]:
        return amiss(f"no full member: {', '.join(wrong)}", FIXES["Admins"])
    if not named and not added:
        return noted("there is none", "an owner of the workspace opens /agent admin, or set DEPUTY_ADMINS")
    if len(unfit) == len(added) and not named:
        return amiss(f"no full member: {', '.join(unfit)}", "set DEPUTY_ADMINS to user ids, as in a person's profile")
    if unfit:
        return noted(f"no full member any more: {', '.join(unfit)}", "remove them under Settings → Admins")
    return well(f"{len(named) + len(added)}, full members all")


async def _added_admins(targets: DoctorTargets) -> list[str]:
    """Return the admins named in the settings but not in the environment; none if the settings cannot be read."""
    workspace_id = await targets.workspace_id()
    configuration = ConfigService(database=targets.database, clock=WallClock(), first_admins=targets.settings.admins)
    try:
        config = await configuration.read(workspace_id)
    except (StoreError, SettingsInvalid):
        return []  # the check of the database reports it
    return sorted(set(config.admins) - targets.settings.admins)


async def clock(targets: DoctorTargets) -> Finding:
    """Compare this machine's clock with Slack's."""
    who = await app_facts.fetch_identity(targets.slack)
    if who.date is None:
        return noted("not compared: Slack told no time", "see that this machine's clock is kept by NTP")
    # The header has whole seconds, and the call takes a moment; a minute's tolerance covers both.
    skew = (WallClock().now() - parsedate_to_datetime(who.date)).total_seconds()
    if abs(skew) > SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        return amiss(f"{abs(skew):.0f} s {way} Slack's", "let NTP set the clock: signatures and sign-ins go by it")
    return well("agrees with Slack's within a minute")


FIX_SIGNING = "copy SLACK_SIGNING_SECRET again from Basic Information: it is not the client secret"
FIXES = {
    "Slack bot token": f"copy it again from OAuth & Permissions, or {INSTALL}",
    "Slack delivery": "make an app-level token with connections:write under Basic Information",
    "Slack app": "make a new app configuration token at api.slack.com/apps: they live for 12 hours",
    "Sign in with Slack": "copy SLACK_CLIENT_ID and SLACK_CLIENT_SECRET again from Basic Information",
    "Admins": "correct DEPUTY_ADMINS: user ids, as in a person's profile",
}
REFUSALS = dict.fromkeys(("Admins", "Clock"), "see the line about Slack's bot token")
"""Fixes for checks that Slack refuses: the cause is in another check."""
CHECKS = {
    "Slack bot token": bot_token,
    "Slack delivery": delivery,
    "Slack app": manifest,
    "Sign in with Slack": sign_in,
    "Admins": admins,
    "Clock": clock,
}
