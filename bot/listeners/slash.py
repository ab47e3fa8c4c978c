"""Turns the slash command `/agent …` into a command."""

from __future__ import annotations

from bot.listeners.intake import GROUP, Asked, Body
from bot.model.ask_flags import UnclearFlag, parse_ask
from bot.model.commands import (
    AskAgent,
    Command,
    ConnectService,
    DisconnectService,
    OpenAskForm,
    Place,
    RefuseToken,
    ShowHelp,
    ShowStatus,
    StopTurn,
    UseSettings,
)
from bot.model.errors import GIVEN_MAX
from bot.model.secret_patterns import holds_token
from bot.model.slack_text import plain
from bot.model.visible_text import visible
from store.records import ChannelId, Member, UserId

_TAKES_A_NAME = frozenset({"connect", "disconnect"})


def parse_command(body: Body) -> Asked | None:
    """Return the request of a slash command; its `trigger_id`, which Slack never gives twice, is its key."""
    name, channel = str(body.get("channel_name") or ""), str(body.get("channel_id") or "")
    place = Place(
        channel=ChannelId(channel),
        response_url=str(body.get("response_url") or "") or None,
        # By name or by id: Slack does not call every direct message `directmessage`.
        is_direct=name == "directmessage" or channel.startswith("D"),
        is_group=name.startswith(GROUP),
    )
    text = plain(str(body.get("text") or ""))
    word, _ = split_words(text)
    trigger_id = str(body.get("trigger_id") or "")
    user = UserId(str(body.get("user_id") or ""))
    return Asked(
        key=f"command:{trigger_id}",
        unverified_user=user,
        build=lambda member: _command(text, member, place, trigger_id),
        place=place,
        # It leads to a credential.
        needs_fresh=word == "connect",
    )


def split_words(text: str) -> tuple[str, str]:
    """Return a command's first word in lower case, and the rest; any white space ends a word."""
    word, *rest = text.split(maxsplit=1) or [""]
    return visible(word).lower().rstrip(":,"), rest[0].strip() if rest else ""


def _command(text: str, member: Member, place: Place, trigger_id: str) -> Command:
    word, rest = split_words(text)
    # A task may be about tokens; anywhere else one is a mistake, and Slack has kept it already.
    if word != "ask" and holds_token(text, only_names=word in _TAKES_A_NAME):
        return RefuseToken(member, place)
    simple: dict[str, Command] = {
        "connect": ConnectService(member, _first(rest), place),
        "disconnect": DisconnectService(member, _first(rest), place),
        "status": ShowStatus(member, place),
        "admin": UseSettings(member, place, "", "", trigger_id),
        "stop": StopTurn(member, place),
        "cancel": StopTurn(member, place),
        "help": ShowHelp(member, place),
        "": ShowHelp(member, place),
    }
    if word == "ask":
        return _ask(rest, member, place, trigger_id)
    return simple.get(word) or ShowHelp(member, place, unknown=word[:GIVEN_MAX], words=text.strip())


def _ask(rest: str, member: Member, place: Place, trigger_id: str) -> Command:
    asked = parse_ask(rest)
    if isinstance(asked, UnclearFlag):
        return ShowHelp(member, place, unknown=asked.word[:GIVEN_MAX], words=f"ask {rest}")
    if not asked.task:
        return OpenAskForm(member, place, trigger_id, is_private=asked.is_private, profile=asked.profile)
    return AskAgent(member, asked.task, place, is_private=asked.is_private, profile=asked.profile)


def _first(rest: str) -> str | None:
    return rest.split(maxsplit=1)[0] if rest else None
