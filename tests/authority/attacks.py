"""What people do that Slack would not let them: forged clicks, forms and messages, copies, plants in store and API.

Nothing here is noted as anybody's permission, except that somebody clicked Approve or passed on what was before them.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from contextlib import closing

from bot.model import action_ids
from simulator.agents.state import Session, Vault
from simulator.slack import people
from simulator.slack.messages import Message
from simulator.slack.payloads import submission_payload
from simulator.slack.viewkit import view_json
from simulator.slack.workspace import View
from tests.authority.acts import Acts, pick
from tests.authority.words import MEMBERS, OUTSIDERS

FORGEABLE = (
    action_ids.APPROVE,
    action_ids.APPROVE,
    action_ids.DENY,
    action_ids.DENY_WITH_REASON,
    action_ids.SHOW_DETAILS,
    action_ids.ALWAYS_ALLOW,
    action_ids.APPROVE_ALL,
    action_ids.DETAILS_PAGE,
    action_ids.REVOKE_ALLOWANCE,
    action_ids.STOP,
    action_ids.FEEDBACK,
    action_ids.PASS_ASIDE,
    action_ids.IGNORE_ASIDE,
    action_ids.CONNECT,
    action_ids.OPEN_ASK_FORM,
    action_ids.START_OWN,
    action_ids.SHOW_STATUS,
)


NEWEST_THREADS = (
    "SELECT id, owner_id, channel, session_id FROM threads WHERE session_state = 'open'"
    " ORDER BY created_at DESC LIMIT 12"
)
PLANT = "UPDATE threads SET session_id = ? WHERE id = ? AND session_state = 'open'"


class Attacks:
    """Attacks on one stage."""

    def __init__(self, acts: Acts) -> None:
        self.acts, self.stage, self.watch, self.words = acts, acts.stage, acts.watch, acts.words
        self.slack, self.agents = acts.slack, acts.stage.agents

    async def click_anothers(self, user: str, number: int, chosen: int) -> None:
        """Click what only somebody else is shown, with its true value."""
        message = pick(self.watch.cards, number) if chosen % 2 else pick(self.watch.spoken, number)
        if message is None:
            return await self.invent(user, chosen)
        everything = sorted(self.slack.buttons_of(message).items())
        if not everything:
            return await self.invent(user, chosen)
        action_id, element = everything[chosen // 2 % len(everything)]
        return await self._forge(user, message, action_id, element.get("value"))

    async def mix(self, user: str, number: int, chosen: int) -> None:
        """Click one message with the value of another."""
        message, source = pick(self.watch.spoken, number), pick(self.watch.spoken, number + 1 + chosen)
        if message is None or source is None:
            return await self.invent(user, chosen)
        values = [element.get("value") for element in self.slack.buttons_of(source).values()]
        value = values[chosen % len(values)] if values else "apr_0:0"
        return await self._forge(user, message, FORGEABLE[chosen % len(FORGEABLE)], value)

    async def invent(self, user: str, chosen: int) -> None:
        """Click what never was."""
        value = ("apr_x:y", "", "trn_x", "asd_x", "vlt_01x", "sesn_01x", ":", "notes")[chosen % 8]
        root = pick(self.acts.roots(), chosen) or Message(people.GENERAL, self.slack.workspace.next_ts(), people.BOT)
        await self._forge(user, root, FORGEABLE[chosen % len(FORGEABLE)], value)

    async def _forge(self, user: str, message: Message, action_id: str, value: object) -> None:
        # What is their own they may use, however they come by the value.
        self.acts.note_click(user, action_id, value)
        if self.slack.workspace.channels[message.channel].user not in {None, user}:
            # Where a click was, Slack says, and nobody is in another's direct messages.
            message = Message(people.GENERAL, self.slack.workspace.next_ts(), people.BOT)
        # Without a value the simulator would take the real button's, which nobody noted.
        await self.slack.forge_click(user, message, action_id, value=value or "-")

    async def forge_form(self, user: str, number: int, chosen: int) -> None:
        """Submit a form that was never opened, its hidden part made of others' things."""
        card = pick(self.watch.cards, number)
        value = next((str(b.get("value")) for b in self.slack.buttons_of(card).values()), "") if card else "apr_x:y"
        if chosen % 4 == 3:
            # What is their own they may approve, however they come by the value.
            self.acts.note_click(user, action_ids.APPROVE, value)
            await self._submit(user, action_ids.DETAILS_VIEW, value, ("-", "-", ""))
            return
        if chosen % 2:
            field = (action_ids.DENY_FIELD_BLOCK, action_ids.DENY_FIELD, self.words.mark(user))
            await self._submit(user, action_ids.DENY_FORM, value, field)
            return
        root = pick(self.acts.roots(), number)
        is_public = root is not None and not root.channel.startswith("D")
        place = {
            "channel": root.channel if root and is_public else "",
            "thread_ts": root.root_ts if root else None,
            "is_direct": not is_public,
            "quoted": self.words.mark(user),
        }
        # A forger may send their own words wherever they like; it is others' they must not get.
        field = (action_ids.ASK_FIELD_BLOCK, action_ids.ASK_FIELD, f"say exactly: {self.words.mark(user)}")
        await self._submit(user, action_ids.ASK_FORM, json.dumps(place), field)

    async def _submit(self, user: str, callback_id: str, hidden: str, field: tuple[str, str, str]) -> None:
        block, name, text = field
        payload = {"type": "modal", "callback_id": callback_id, "private_metadata": hidden, "blocks": []}
        number = "V" + secrets.token_hex(5).upper()
        view = View(number, user, payload, secrets.token_hex(4), number)
        view.values = {block: {name: {"type": "plain_text_input", "value": text}}}
        view_json(view)
        self.slack.deliver("interactive", submission_payload(self.slack.workspace, self._person(user), view))

    def _person(self, user: str) -> people.Person:
        return self.slack.workspace.people[user]

    async def outsider(self, user: str, kind: int, number: int) -> None:
        """Let somebody try who is no member: by command, in a thread, by mention, by direct message."""
        root = pick([one for one in self.acts.roots() if not one.channel.startswith("D")], number)
        way = number % 4
        if way == 0:
            line = "/agent " + ("connect notes" if kind % 3 == 0 else "ask " + self._try(user, kind))
            await self.slack.type_command(user, people.GENERAL, line, forge=True)
        elif way == 1 and root:
            said = self._try(user, kind)
            await self.slack.post_message(user, root.channel, said, root.root_ts, forge=True)
        elif way == 2:
            said = f"<@{people.BOT}> {self._try(user, kind)}"
            await self.slack.post_message(user, people.GENERAL, said, forge=True)
        else:
            await self.slack.post_message(user, user, self._try(user, kind), forge=True)

    def _try(self, user: str, kind: int) -> str:
        return self.acts.task(user, kind, channel=None)

    async def send_again(self, number: int) -> None:
        """Deliver something a second time, as Slack does when it is in doubt."""
        earlier = pick(self.slack.deliveries.log, number)
        if earlier is not None:
            self.slack.deliver(earlier.kind, earlier.payload)

    async def as_another(self, user: str, number: int) -> None:
        """Send somebody's interaction again, now from another hand: the ids stay, the person changes."""
        earlier = pick([one for one in self.slack.deliveries.log[-120:] if one.kind == "interactive"], number)
        if earlier is None:
            return await self.invent(user, number)
        payload = json.loads(json.dumps(earlier.payload))
        if str(payload.get("channel", {}).get("id", "")).startswith("D"):
            return await self.invent(user, number)
        payload["user"] = {"id": user, "name": "x", "username": "x", "team_id": people.TEAM}
        for action in payload.get("actions", []):
            self.acts.note_click(user, action["action_id"], action.get("value"))
        if payload["type"] == "view_submission":
            # The same words, sent by another: they are now that one's to answer for, and to that one's vault.
            return await self.invent(user, number)
        if payload["type"] == "message_action":
            # A message that everybody reads: whoever asks about it quotes it.
            message = payload["message"]
            self.words.pass_on(user, str(message))
            self.words.threads.add((user, payload["channel"]["id"], message.get("thread_ts") or message["ts"]))
        payload["trigger_id"] = self.slack.workspace.new_trigger(user).id
        self.slack.deliver("interactive", payload)
        return None

    # With a key of the workspace: what the API or the store say is not what Deputy put there.

    def plant_vault(self, number: int) -> None:
        """Make a vault that claims to be a member's."""
        user = MEMBERS[number % 3]
        external = f"{people.TEAM}/{user}"
        true = [vault for vault in self.agents.vaults.values() if vault.metadata.get("deputy_vault")]
        marker = true[number % len(true)].metadata["deputy_vault"] if true else "vlm_x"
        lies = (
            {"external_user_id": external},
            {"external_user_id": external, "deputy_vault": "vlm_x"},
            {"external_user_id": f"{people.TEAM}/{OUTSIDERS[0]}", "deputy_vault": marker},
            {},
        )
        now = self.agents.now()
        name = f"Deputy {external}"
        made = Vault(f"vlt_01{secrets.token_hex(11)}", self.agents.serial(), now, now, name, dict(lies[number % 4]))
        self.watch.foreign_vaults.add(made.id)
        self.agents.vaults[made.id] = made

    async def plant_session(self, number: int) -> None:
        """Put another's session under a member's thread, marked as if it were its own."""
        threads = await asyncio.to_thread(self._in_store, NEWEST_THREADS)
        if not threads:
            return
        thread_id, owner, channel, session_id = threads[number % len(threads)]
        true = self.agents.sessions.get(session_id)
        if true is None:
            return
        external = f"{people.TEAM}/{owner}"
        others = [v.id for v in self.agents.vaults.values() if v.metadata.get("external_user_id", "") != external]
        vaults = ([others[number % len(others)]] if others else [], [*true.vault_ids, *others[:1]], [])[number % 3]
        if vaults == true.vault_ids:
            vaults = []
        planted = self._copy(true, vaults, thread_id, owner, channel)
        await asyncio.to_thread(self._in_store, PLANT, (planted.id, thread_id))

    def _in_store(self, statement: str, values: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        """Ask the database, or change it, behind Deputy's back. Beside the loop: it waits for Deputy's transactions."""
        with closing(sqlite3.connect(self.stage.database, timeout=10, isolation_level=None)) as store:
            return store.execute(statement, values).fetchall()

    def _copy(self, true: Session, vaults: list[str], thread_id: str, owner: str, channel: str) -> Session:
        metadata = {
            "deputy_thread": thread_id,
            "slack_workspace": people.TEAM,
            "slack_user": owner,
            "slack_channel": channel,
        }
        now, number = self.agents.now(), secrets.token_hex(11)
        planted = Session(
            id=f"sesn_01{number}",
            serial=self.agents.serial(),
            created_at=now,
            updated_at=now,
            agent=true.agent,
            environment_id=true.environment_id,
            thread_id=f"sthr_01{number}",
            title=true.title,
            metadata=metadata,
            vault_ids=vaults,
            resources=[],
            budget_cents=None,
        )
        self.watch.planted.add(planted.id)
        self.agents.sessions[planted.id] = planted
        return planted

    def swap_sessions(self, number: int) -> None:
        """Exchange the sessions of two members' threads in the store."""
        with closing(sqlite3.connect(self.stage.database, timeout=10, isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")
            rows = [row for row in store.execute(NEWEST_THREADS) if self._is_untouched(row[0], row[3])]
            pairs = [(one, two) for one in rows for two in rows if one[1] < two[1]]
            if not pairs:
                return
            one, two = pairs[number % len(pairs)]
            store.execute("UPDATE threads SET session_id = 'sesn_0' WHERE id = ?", (one[0],))
            store.execute("UPDATE threads SET session_id = ? WHERE id = ?", (one[3], two[0]))
            store.execute("UPDATE threads SET session_id = ? WHERE id = ?", (two[3], one[0]))
            store.execute("COMMIT")

    def _is_untouched(self, thread_id: str, session_id: str) -> bool:
        """Tell whether a thread still has its own session: twice exchanged, one might be its owner's again."""
        session = self.agents.sessions.get(session_id)
        is_true = session is not None and session_id not in self.watch.planted
        return is_true and session is not None and session.metadata.get("deputy_thread") == thread_id
