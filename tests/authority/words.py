"""What the test knows by itself: who typed which words, who clicked what, whose account is whose.

It never asks Deputy. Whether Deputy kept to it is `watch`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from simulator.slack import people

MEMBERS = (people.ALICE, people.BOB, people.CAROL)
OUTSIDERS = (people.GUEST, people.ULTRA_GUEST, people.STRANGER, people.GONE, people.OTHER_BOT)
EVERYBODY = MEMBERS + OUTSIDERS
LETTERS = {user: chr(ord("a") + number) for number, user in enumerate(EVERYBODY)}

MARK = re.compile(r"mk[a-z]\d+k")
LINK = re.compile(r"/connect/([A-Za-z0-9_-]{20,})")

ACCOUNTS = {
    people.ALICE: ("alice@example.com", "alice.two@example.com"),
    people.BOB: ("bob@example.com", "bob.two@example.com"),
    people.CAROL: ("carol@example.com", "carol.two@example.com"),
}
"""Everybody chooses only among their own, so an account says whose credential it is."""
OUTSIDE_ACCOUNT = "mallory@example.com"
OWNER_OF_ACCOUNT = {account: user for user, accounts in ACCOUNTS.items() for account in accounts}


@dataclass(frozen=True)
class Typed:
    """Words that one person wrote once."""

    author: str
    audience: str | None
    """The only one who may see them, None for everybody."""
    channel: str | None
    """Where they were written: they go to no session of another channel. None: wherever their author is answered."""
    is_secret: bool = False
    """A note in the author's account: seen where its owner's threads are, and nowhere else."""


@dataclass
class Words:
    """The record of what people did."""

    typed: dict[str, Typed] = field(default_factory=dict)
    passed: set[tuple[str, str]] = field(default_factory=set)
    """(owner, mark): words that the owner passed on or quoted, by own click or form."""
    threads: set[tuple[str, str, str]] = field(default_factory=set)
    """(owner, channel, root): threads that the owner asked about, by shortcut or mention: all in them is quoted."""
    approved: set[tuple[str, str]] = field(default_factory=set)
    """(who, `<approval>:<hash>`): clicks on Approve, forged ones too."""
    remembered: set[tuple[str, str]] = field(default_factory=set)
    """(who, `<approval>:<hash>`): clicks on Always Allow, forged ones too."""
    chosen: set[tuple[str, str]] = field(default_factory=set)
    """(member, account): completed in their own browser, as themselves."""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def mark(
        self, author: str, *, audience: str | None = None, channel: str | None = None, secret: bool = False
    ) -> str:
        """Return a word that nobody else ever types."""
        mark = f"mk{LETTERS[author]}{next(self._numbers)}k"
        self.typed[mark] = Typed(author, audience, channel, secret)
        return mark

    def pass_on(self, owner: str, text: str) -> None:
        """Note that the owner takes these words, whoever wrote them, into a request of theirs."""
        self.passed.update((owner, mark) for mark in MARK.findall(text))

    def foreign(self, owner: str, text: str) -> list[str]:
        """Return the marks in a text that its owner neither typed nor passed on."""
        return [
            mark for mark in self.marks(text) if self.typed[mark].author != owner and (owner, mark) not in self.passed
        ]

    def marks(self, text: str) -> Iterable[str]:
        """Return the marks in a text."""
        return (mark for mark in MARK.findall(text) if mark in self.typed)
