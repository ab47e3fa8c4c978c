"""Browsers on their way through a connect link, each request a step: one's own, forwarded, stolen, replayed, mixed up.

Whether a credential came of it that should not have is `watch`'s to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx2

from tests.authority.acts import Acts, pick
from tests.authority.words import ACCOUNTS, EVERYBODY, MEMBERS, OUTSIDE_ACCOUNT


@dataclass
class Flow:
    """One attempt: whose link, whose browser, how far it is."""

    owner: str
    starter: str
    jar: dict[str, str] = field(default_factory=dict)
    to_slack: str = ""
    signed_in: str = ""
    to_service: str = ""
    account: str = ""
    callback: str = ""

    @property
    def is_own(self) -> bool:
        """Return whether the link's owner used it, as themselves."""
        return self.owner == self.starter == self.signed_in


class Browsers:
    """The browsers of one stage."""

    def __init__(self, acts: Acts) -> None:
        self.acts, self.stage, self.watch, self.words = acts, acts.stage, acts.watch, acts.words
        self.flows: list[Flow] = []

    async def walk(self, user: str) -> None:
        """Connect from beginning to end; what is left of it, others may try to use again."""
        flow = await self._at_service(user, user)
        if flow and flow.to_service:
            await self._consent(flow, 0)
            await self._arrive(flow, flow.jar)

    async def steal(self, owner: str, thief: str) -> None:
        """Go all the way with somebody else's link: own browser, own sign-in, own account."""
        flow = await self._at_service(owner, thief)
        if flow and flow.to_service:
            await self._consent(flow, 0)
            await self._arrive(flow, flow.jar)

    async def lure(self, attacker: str, victim: str) -> None:
        """Let somebody consent, with their own account and browser, to one's own attempt."""
        flow = await self._at_service(attacker, attacker)
        if flow and flow.to_service:
            account = ACCOUNTS[victim][0]
            # Kept from the flow: the victim's code is in the victim's browser, and the attacker never has it.
            callback = await self.stage.notes.consent(flow.to_service, account=account, allow=True)
            await self._arrive(flow, {}, callback)

    async def _at_service(self, owner: str, starter: str) -> Flow | None:
        before = self.stage.world.link_for(owner)
        await self.acts.connect(owner)
        url = await self.stage.slack.until(lambda _: self._new_link(owner, before), 1)
        flow = Flow(owner, starter)
        if not await self._start(flow, url):
            return None
        await self._identify(flow, starter, flow.jar)
        return flow

    def _new_link(self, user: str, before: str | None) -> str | None:
        found = self.stage.world.link_for(user)
        return found if found != before else None

    async def open_link(self, number: int, chosen: int, *, is_forwarded: bool) -> None:
        """Follow a link from a direct message, one's own or one that was forwarded."""
        url = next(
            (found for user in _from(chosen) if (found := self.stage.world.link_for(user)) and self._owner(found)), None
        )
        if url is None:
            return await self.acts.connect(MEMBERS[chosen % 3])
        owner = self._owner(url)
        starter = EVERYBODY[number % len(EVERYBODY)] if is_forwarded else owner
        flow = Flow(owner, starter)
        if not await self._start(flow, url):
            return await self.acts.connect(owner)
        return None

    async def _start(self, flow: Flow, url: str) -> bool:
        if (await self._go(flow.jar, "GET", url)).status_code != 200:
            return False
        answer = await self._go(flow.jar, "POST", f"{url}/start")
        if answer.status_code == 200:
            flow.to_slack = answer.headers["refresh"].partition("url=")[2]
            self.flows.append(flow)
        return answer.status_code == 200

    def _owner(self, url: str) -> str:
        return self.watch.links.get(url.rpartition("/")[2], "")

    async def go_on(self, number: int, chosen: int) -> None:
        """Take the next step of an attempt, by the one who began it."""
        flow = pick([flow for flow in self.flows[-6:] if not flow.callback or chosen % 4 == 0], number)
        if flow is None:
            await self.open_link(number, chosen, is_forwarded=False)
        elif not flow.to_service:
            await self._identify(flow, flow.starter, flow.jar)
        elif not flow.callback:
            await self._consent(flow, chosen)
        else:
            await self._arrive(flow, flow.jar)

    async def go_wrong(self, number: int, chosen: int) -> None:
        """Take a step with somebody else's hands: another person, another browser, none, another's code."""
        flow, other = pick(self.flows[-6:], number), pick(self.flows[-6:], number + 1 + chosen)
        if flow is None or other is None:
            return await self.open_link(number, chosen, is_forwarded=True)
        jar = ({}, other.jar if other is not flow else {})[chosen % 2]
        if flow.callback and chosen % 3:
            return await self._arrive(flow, jar)
        if flow.callback and other.callback and flow is not other:
            mixed = _with(flow.callback, code=dict(parse_qsl(urlsplit(other.callback).query)).get("code", ""))
            return await self._arrive(flow, flow.jar, mixed)
        another = EVERYBODY[chosen % len(EVERYBODY)]
        if another in {flow.owner, flow.starter}:
            # With a foreign browser the right person is no better.
            return await self._identify(flow, another, jar)
        return await self._identify(flow, another, flow.jar)

    async def _identify(self, flow: Flow, user: str, jar: dict[str, str]) -> None:
        back = await self.stage.slack.authorize_openid(flow.to_slack, user)
        answer = await self._go(jar, "GET", back)
        if _leads_on(answer):
            flow.signed_in = user
            flow.to_service = answer.headers["location"]

    async def _consent(self, flow: Flow, chosen: int) -> None:
        own = ACCOUNTS.get(flow.starter, (OUTSIDE_ACCOUNT,))
        flow.account = own[chosen % len(own)]
        flow.callback = await self.stage.notes.consent(flow.to_service, account=flow.account, allow=chosen % 8 != 7)

    async def _arrive(self, flow: Flow, jar: dict[str, str], url: str | None = None) -> None:
        if flow.is_own and jar is flow.jar and url is None:
            self.words.chosen.add((flow.owner, flow.account))
        answer = await self._go(jar, "GET", url or flow.callback)
        self.watch.counts["arrivals"] += 1
        self.watch.counts["arrivals_refused"] += not _leads_on(answer)

    async def _go(self, jar: dict[str, str], method: str, url: str) -> httpx2.Response:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}
        if method == "POST":
            headers |= {"origin": self.stage.world.settings.public_url, "sec-fetch-site": "same-origin"}
        answer = await self.stage.http.request(method, url, headers=headers)
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            jar[name] = rest.split(";")[0]
        return answer


def _leads_on(answer: httpx2.Response) -> bool:
    return answer.status_code == 303 and "/not-connected/" not in answer.headers["location"]


def _from(number: int) -> tuple[str, ...]:
    """Return the members, another one first each time."""
    start = number % 3
    return MEMBERS[start:] + MEMBERS[:start]


def _with(url: str, **changed: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | changed)))
