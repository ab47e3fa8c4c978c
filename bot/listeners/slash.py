"""`/agent …`: a slash command → a command."""

from __future__ import annotations

from bot.commands import (
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
from bot.listeners.intake import GROUP, Asked, Body
from bot.text import holds_token, plain
from store.records import ChannelId, Member, UserId


def parse_command(body: Body) -> Asked | None:
    """Return what was asked; the `trigger_id` names the request, Slack gives each its own."""
    name = str(body.get("channel_name") or "")
    place = Place(
        channel=ChannelId(str(body.get("channel_id", ""))),
        response_url=str(body.get("response_url") or "") or None,
        is_direct=name == "directmessage",
        is_group=name.startswith(GROUP),
    )
    word, rest = _split(str(body.get("text") or ""))
    trigger_id = str(body.get("trigger_id") or "")
    user = UserId(str(body.get("user_id") or ""))
    return Asked(
        key=f"command:{trigger_id}",
        unverified_user=user,
        build=lambda member: _command(word, rest, member, place, trigger_id),
        place=place,
        needs_fresh=word == "connect",
    )


def _split(text: str) -> tuple[str, str]:
    word, _, rest = plain(text).strip().partition(" ")
    return word.lower(), rest.strip()


def _names_a_token(word: str, rest: str) -> bool:
    # A task may speak of anything; where only names belong, a token is a mistake that Slack now keeps.
    return word != "ask" and holds_token(f"{word} {rest}")


def _command(word: str, rest: str, member: Member, place: Place, trigger_id: str) -> Command:
    if _names_a_token(word, rest):
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
    return simple.get(word) or ShowHelp(member, place, unknown=word[:60])


def _ask(rest: str, member: Member, place: Place, trigger_id: str) -> Command:
    is_private, profile = False, None
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        rest = rest.strip()
        if flag == "--private":
            is_private = True
        elif flag == "--agent":
            profile, _, rest = rest.partition(" ")
        else:
            return ShowHelp(member, place, unknown=flag[:60])
    if not rest.strip():
        return OpenAskForm(member, place, trigger_id)
    return AskAgent(member, rest.strip(), place, is_private=is_private, profile=profile)


def _first(rest: str) -> str | None:
    return rest.split(maxsplit=1)[0] if rest else None
