"""What must never happen, read from what the peers recorded; each line of their logs is looked at once.

Who did what is `words`'; this module only compares. It never changes anything.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from itertools import islice
from typing import Any

from bot.model import action_ids
from simulator.agents.state import Acted, Credential, Vault
from simulator.slack.messages import Message
from simulator.slack.people import TEAM
from simulator.slack.webapi import Call
from tests.authority.stage import Stage
from tests.authority.words import ACCOUNTS, LINK, MARK, MEMBERS, OWNER_OF_ACCOUNT

HASH = re.compile(r"\b[0-9a-f]{64}\b")
IN_CHANNEL = {
    "chat.postMessage",
    "chat.update",
    "chat.startStream",
    "chat.appendStream",
    "chat.stopStream",
    "agents.sessions.setStatus",
}


_ALIKE = """
    SELECT other.id, other.arguments_hash FROM approvals one JOIN turns its ON its.id = one.turn_id
    JOIN turns theirs ON theirs.thread_id = its.thread_id JOIN approvals other ON other.turn_id = theirs.id
    WHERE one.id = ? AND other.tool = one.tool AND COALESCE(other.service, '') = COALESCE(one.service, '')
"""
"""Held calls of the same tool in the same thread."""


class Crossing(AssertionError):
    """Somebody acted as, or saw, somebody else."""


class Watch:
    """Looks at what is new. Raises `Crossing`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._words = stage.words
        self.counts: Counter[str] = Counter()
        self.foreign_vaults: set[str] = set()
        """Vaults that somebody else made; Deputy may not touch them."""
        self.planted: set[str] = set()
        """Sessions that somebody else made; nothing may be sent into them."""
        self.cards: list[Message] = []
        self.spoken: list[Message] = []
        """What Deputy posted, cards among it, for people to click on."""
        self.links: dict[str, str] = {}
        """Secret of a connect link → whose it is."""
        self.asides: dict[str, tuple[str, str]] = {}
        """Aside id → who is offered it, and its text."""
        self.owners: dict[tuple[str, str], str] = {}
        """(channel, root) → who began the thread with words of their own, which they may delete."""
        self._places: dict[str, set[tuple[str, str]]] = {}
        """Mark → (channel, root) of each thread where it was written, by whomever."""
        self._vault_owner: dict[str, str] = {}
        self._credentials: set[str] = set()
        self._families: dict[str, str] = {}
        self._seen = {"acted": 0, "calls": 0, "deliveries": 0, "ephemerals": 0, "notes": 0, "sessions": 0}
        self._store = sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True, isolation_level=None)

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def look(self) -> None:
        """Look at everything that came since the last time."""
        self._look_at_vaults()
        self._look_where_written()
        for session in self._fresh("sessions", self._stage.agents.sessions.values()):
            if session.id not in self.planted:
                self.counts["sessions"] += 1
                self._require(len(session.vault_ids) == 1, f"a session with {len(session.vault_ids)} vaults")
        for acted in self._fresh("acted", self._stage.agents.authority_log):
            self._look_at_act(acted)
        for called in self._fresh("notes", self._stage.notes.calls):
            self._look_at_note_call(called)
        for call in self._fresh("calls", self._stage.slack.calls):
            self._look_at_slack_call(call)
        for message in self._fresh("ephemerals", self._stage.slack.workspace.ephemerals):
            self._look_at_ephemeral(message)

    def _fresh(self, name: str, log: Any) -> list[Any]:
        new = list(islice(log, self._seen[name], None))
        self._seen[name] += len(new)
        return new

    def _require(self, is_so: object, otherwise: str) -> None:
        if not is_so:
            raise Crossing(otherwise)

    def _look_where_written(self) -> None:
        for delivery in self._fresh("deliveries", self._stage.slack.deliveries.log):
            event = delivery.payload.get("event", {})
            message = event.get("message") or event.get("previous_message") or event
            root = message.get("thread_ts") or message.get("ts")
            self._note_place(repr(event), event.get("channel"), root)
        for call in islice(self._stage.slack.calls, self._seen["calls"], None):
            ts = call.args.get("ts") or call.answer.get("ts")
            message = self._stage.slack.workspace.find(str(call.args.get("channel")), str(ts))
            root = message.root_ts if message else call.args.get("thread_ts") or ts
            self._note_place(repr(call.args), call.args.get("channel"), root)

    def _note_place(self, text: str, channel: object, root: object) -> None:
        for mark in MARK.findall(text):
            self._places.setdefault(mark, set()).add((str(channel), str(root)))

    # Vaults and credentials.

    def _look_at_vaults(self) -> None:
        for vault in list(self._stage.agents.vaults.values()):
            if vault.id in self.foreign_vaults:
                self._require(not vault.credentials, "a credential was put into somebody else's vault")
                continue
            if vault.id not in self._vault_owner:
                self._vault_owner[vault.id] = self._owner_of_vault(vault)
                self.counts["vaults"] += 1
            for credential in vault.credentials.values():
                self._look_at_credential(self._vault_owner[vault.id], credential)

    def _owner_of_vault(self, vault: Vault) -> str:
        workspace, _, owner = vault.metadata.get("external_user_id", "").partition("/")
        self._require(workspace == TEAM and owner in MEMBERS, f"a vault for {owner or 'nobody'}")
        return owner

    def _look_at_credential(self, owner: str, credential: Credential) -> None:
        token = self._stage.notes.tokens.get(str(credential.auth.get("access_token")))
        if credential.id in self._credentials or token is None:
            return
        self._credentials.add(credential.id)
        self.counts["credentials"] += 1
        self._require(token.subject in ACCOUNTS[owner], f"{token.subject} in the vault of {owner}")
        self._require((owner, token.subject) in self._words.chosen, f"{owner} never connected {token.subject}")
        first = self._families.setdefault(token.family, owner)
        self._require(first == owner, f"tokens of {first} in the vault of {owner}")

    # Sessions: what was done with whose vault.

    def _look_at_act(self, acted: Acted) -> None:
        if acted.session_id in self.planted:
            self._require(acted.kind == "session", f"{acted.kind} in a session that is not Deputy's: {acted}")
            return
        owner = acted.session_metadata.get("slack_user", "")
        self._require(owner in MEMBERS, f"a session of {owner or 'nobody'}")
        for vault_id, external in zip(acted.vault_ids, acted.owners, strict=True):
            if external is not None and vault_id not in self.foreign_vaults:
                # It may have been made and deleted since the last look.
                self._vault_owner.setdefault(vault_id, external.partition("/")[2])
        vaults = {self._vault_owner.get(vault_id) for vault_id in acted.vault_ids}
        self._require(
            len(acted.vault_ids) == 1 and vaults == {owner}, f"{acted.kind} of {owner} with vaults of {vaults}"
        )
        if acted.kind == "send":
            for event in acted.body:
                self._look_at_event(owner, acted, event)
        elif acted.kind == "confirmation":
            self._look_at_confirmation(owner, acted)
        elif acted.kind == "mcp_call":
            self._look_at_mcp_call(owner, acted)

    def _look_at_event(self, owner: str, acted: Acted, event: dict[str, Any]) -> None:
        if event["type"] != "user.message":
            return
        self.counts["sends"] += 1
        header, *said = [block["text"] for block in event["content"]]
        self._require(not MARK.search(header), "people's words in Deputy's own header")
        own = "\n".join(line for text in said for line in text.splitlines() if not line.startswith("> "))
        for mark in self._words.marks(own):
            typed = self._words.typed[mark]
            self._require(typed.author == owner, f"words of {typed.author} sent as {owner}'s own")
            here = acted.session_metadata.get("slack_channel")
            self._require(typed.channel in {None, here}, f"words from {typed.channel} sent to a session of {here}")
        for mark in self._words.foreign(owner, "\n".join(said)):
            # What was checked above is that it is quoted; here, that it was written where the owner asked about.
            self._require(self._is_asked_about(owner, mark), f"{owner} never passed on {mark}: {said}")
            self._words.passed.add((owner, mark))

    def _is_asked_about(self, owner: str, mark: str) -> bool:
        asked = {(channel, root) for who, channel, root in self._words.threads if who == owner}
        return bool(asked & self._places.get(mark, set()))

    def _look_at_confirmation(self, owner: str, acted: Acted) -> None:
        foreign = self._words.foreign(owner, str(acted.body.get("deny_message", "")))
        self._require(not foreign, f"a reason that {owner} did not give")
        if acted.body["result"] != "allow":
            self.counts["denials"] += 1
            return
        self.counts["confirmations"] += 1
        found = self._store.execute(
            "SELECT a.id, a.arguments_hash, a.owner_id, d.decided_by, d.decided_at <= a.expires_at, u.allowance_id"
            " FROM approvals a LEFT JOIN approval_decisions d ON d.approval_id = a.id"
            " LEFT JOIN allowance_uses u ON u.approval_id = a.id"
            " WHERE a.session_id = ? AND a.tool_use_id = ?",
            (acted.session_id, acted.tool_use_id),
        ).fetchone()
        self._require(found, "an approval that nobody was asked for")
        approval_id, shown, owner_id, decided_by, is_in_time, allowance_id = found
        self._require(owner_id == decided_by == owner, f"{decided_by} approved for {owner}")
        self._require(is_in_time, "an approval after its time")
        if allowance_id is None:
            self._require((owner, f"{approval_id}:{shown}") in self._words.approved, f"{owner} never clicked Approve")
            return
        self.counts["allowances_used"] += 1
        clicked = {f"{one}:{its}" for one, its in self._store.execute(_ALIKE, (approval_id,))}
        said = {value for who, value in self._words.remembered if who == owner}
        self._require(clicked & said, f"{owner} never clicked Always Allow for this in this thread")

    def _look_at_mcp_call(self, owner: str, acted: Acted) -> None:
        if acted.vault_id is None:
            return
        self.counts["mcp_calls"] += 1
        self._require(self._vault_owner.get(acted.vault_id) == owner, f"a call of {owner} with another's vault")
        foreign = self._words.foreign(owner, str(acted.arguments))
        self._require(not foreign, f"a call of {owner} with words of others")

    def _look_at_note_call(self, called: Any) -> None:
        owner = OWNER_OF_ACCOUNT.get(called.account)
        self._require(owner, f"a call as {called.account or 'nobody'}")
        self.counts["notes_calls"] += 1
        token = self._stage.notes.tokens.get(called.token)
        if token is not None:
            self._require(self._families.get(token.family, owner) == owner, f"{owner}'s account by another's token")
        foreign = self._words.foreign(str(owner), str(called.arguments))
        self._require(not foreign, f"words of others in the account of {owner}")

    # Slack: who sees what.

    def _look_at_slack_call(self, call: Call) -> None:
        text = repr(call.args)
        if call.method in IN_CHANNEL:
            channel = str(call.args.get("channel") or call.args.get("channel_id"))
            ts = str(call.args.get("ts") or call.answer.get("ts"))
            self._look_at_text(text, self._reader_of(channel), (channel, str(call.args.get("thread_ts") or ts)))
            if call.ok and (message := self._stage.slack.workspace.find(channel, ts)):
                self._keep(message, text)
        elif call.method.startswith("views."):
            trigger = self._stage.slack.workspace.triggers.get(str(call.args.get("trigger_id")))
            turned = self._stage.slack.workspace.views.get(str(call.args.get("view_id")))
            known = trigger or turned
            reader = call.args.get("user_id") or (known.user if known else "nobody")
            self._look_at_text(text, str(reader), None)
            self._look_at_view(text, str(reader))

    def _look_at_view(self, text: str, reader: str) -> None:
        """Forms about a held call, whatever is in it, are its owner's only."""
        if action_ids.DETAILS_VIEW not in text and action_ids.DENY_FORM not in text:
            return
        self.counts["details"] += 1
        for shown in HASH.findall(text):
            query = "SELECT owner_id FROM approvals WHERE arguments_hash = ?"
            owners = {row[0] for row in self._store.execute(query, (shown,))}
            self._require(reader in owners, f"a held call of {owners} shown to {reader}")

    def _keep(self, message: Message, text: str) -> None:
        if is_card := action_ids.APPROVE in text:
            self.cards.append(message)
        if is_card and self._reader_of(message.channel) is None:
            self._require(not MARK.search(text), "arguments of a held call where everybody reads")
        if "action_id" in text:
            self._offer(message, self._reader_of(message.channel))

    def _offer(self, message: Message, reader: str | None) -> None:
        self.spoken.append(message)
        aside = self._stage.slack.buttons_of(message).get(action_ids.PASS_ASIDE)
        if aside and reader:
            self.asides[str(aside["value"])] = (reader, self._stage.slack.text_of(message))

    def _look_at_ephemeral(self, message: Message) -> None:
        self.counts["ephemerals"] += 1
        self._offer(message, message.ephemeral_to)
        self._look_at_text(repr(message.blocks) + message.text, message.ephemeral_to, None)

    def _look_at_text(self, text: str, reader: str | None, place: tuple[str, str] | None) -> None:
        for mark in set(MARK.findall(text)) & self._words.typed.keys():
            typed = self._words.typed[mark]
            is_for_reader = typed.audience in {None, reader}
            self._require(is_for_reader, f"{mark}, private to {typed.author}, shown to {reader}: {text}")
            if typed.is_secret:
                seen_by = reader or self._owner_of_place(place)
                is_own = seen_by == typed.author or (seen_by, mark) in self._words.passed
                self._require(is_own, f"a note of {typed.author} in a thread of {seen_by}: {text}")
        for secret in LINK.findall(text):
            self._require(reader, "a connect link where everybody reads")
            first = self.links.setdefault(secret, str(reader))
            self._require(first == reader, f"the connect link of {first} shown to {reader}")

    def _reader_of(self, channel: str) -> str | None:
        found = self._stage.slack.workspace.channels.get(channel)
        return found.user if found and found.is_im else None

    def _owner_of_place(self, place: tuple[str, str] | None) -> str:
        """Return whose thread a place in a channel is: the first mark of its root message says."""
        if place is None:
            return ""
        channel, ts = place
        message = self._stage.slack.workspace.find(channel, ts)
        root_ts = message.root_ts if message else ts
        if (channel, root_ts) in self.owners:
            return self.owners[channel, root_ts]
        root = self._stage.slack.workspace.find(channel, root_ts)
        first = next(iter(self._words.marks(self._stage.slack.text_of(root))), None) if root else None
        return self._words.typed[first].author if first else ""

    # The store, once things are quiet.

    def look_at_store(self) -> None:
        """Nobody but members owns anything, and only owners and admins stopped anything."""
        for table in ("threads", "turns", "vaults", "connections", "tickets", "approvals"):
            owners = {row[0] for row in self._store.execute(f"SELECT DISTINCT owner_id FROM {table}")}
            self._require(owners <= set(MEMBERS), f"{table} of {owners - set(MEMBERS)}")
        admin = MEMBERS[-1]
        wrong = self._store.execute(
            "SELECT owner_id, stop_requested_by FROM turns WHERE stop_requested_by NOT IN (owner_id, ?)", (admin,)
        ).fetchall()
        self._require(not wrong, f"stopped by others: {wrong}")

    def remains_of(self, user: str) -> list[str]:
        """Return what a person still has: vaults at the API, open turns."""
        external = f"{TEAM}/{user}"
        living = self._stage.agents.vaults.values()
        found = [
            f"vault {vault.id}"
            for vault in living
            if vault.metadata.get("external_user_id") == external
            and vault.id not in self.foreign_vaults
            and vault.archived_at is None
        ]
        return found + [
            f"turn {row}"
            for row in self._store.execute(
                "SELECT id, state, send_state, stop_requested_by FROM turns WHERE owner_id = ? AND task IS NOT NULL",
                (user,),
            )
        ]
