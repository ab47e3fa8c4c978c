"""An address that comes too often waits; nobody waits for another's haste."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette

from oauth.connect.ip_rate_limit import MOST, MOST_SHARED, IpRateLimit, find_address
from oauth.connect.routes import routes

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ADDRESS, OTHER = "93.184.216.34", "2606:2800:220:1::1"


def knock(limiter: IpRateLimit, address: str, times: int, now=NOON) -> int:
    return sum(limiter.seconds_to_wait(address, now) == 0 for _ in range(times))


@pytest.mark.threat(82)
def test_an_address_gets_so_many_a_minute_and_then_more_with_time():
    limiter = IpRateLimit()

    assert knock(limiter, ADDRESS, 500) == MOST
    assert limiter.seconds_to_wait(ADDRESS, NOON) == 1
    assert knock(limiter, OTHER, 500) == MOST
    assert knock(limiter, ADDRESS, 500, NOON + timedelta(seconds=30)) == MOST // 2
    assert knock(limiter, ADDRESS, 500, NOON + timedelta(hours=1)) == MOST


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "fd00::1"])
def test_a_proxy_we_were_not_told_of_is_shared_by_many(address):
    assert knock(IpRateLimit(), address, 5_000) == MOST_SHARED


def test_what_is_no_address_is_one_sender():
    assert knock(IpRateLimit(), "", 500) == MOST


def test_of_a_flood_of_addresses_the_oldest_is_forgotten():
    limiter = IpRateLimit(most=1, known=3)
    for address in (ADDRESS, "8.8.8.1", "8.8.8.2", "8.8.8.3"):
        knock(limiter, address, 1)

    assert limiter.seconds_to_wait("8.8.8.3", NOON) > 0
    assert limiter.seconds_to_wait(ADDRESS, NOON) == 0


@pytest.mark.threat(82)
@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("", 0, ADDRESS),
        ("1.1.1.1", 0, ADDRESS),
        ("1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1, 10.0.0.1", 2, "1.1.1.1"),
        ("1.1.1.1", 2, ADDRESS),
        (" , ", 1, ADDRESS),
        ("6.6.6.6, 1.1.1.1:4711", 1, "1.1.1.1"),
        ("[2001:db8::1]:443", 1, "2001:db8::1"),
        ("2001:DB8:0::1", 1, "2001:db8::1"),
        ("unknown", 1, ADDRESS),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(forwarded, proxies, address):
    assert find_address(ADDRESS, forwarded, proxies) == address


@pytest.mark.threat(82)
async def test_an_address_that_comes_too_often_is_asked_to_wait(room, alice):
    link = await room.issue(alice)
    app = Starlette(routes=routes(room.connections, limiter=IpRateLimit(most_shared=3)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as browser:
        answers = [await browser.get(link) for _ in range(4)]
        room.clock.simulated.advance(60)
        later = await browser.get(link)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Wait a minute" in answers[-1].text
    assert later.status_code == 200


@pytest.mark.fault("S23")
@pytest.mark.threat(82)
async def test_a_proxy_that_adds_a_line_is_believed_and_what_the_client_wrote_is_not(room, alice):
    link = await room.issue(alice)
    app = Starlette(routes=routes(room.connections, proxies=1, limiter=IpRateLimit(most=3)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as browser:
        answers = [
            await browser.get(link, headers=[("x-forwarded-for", f"9.9.9.{one}"), ("x-forwarded-for", "1.1.1.1")])
            for one in range(4)
        ]
        other = await browser.get(link, headers=[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "8.8.8.8")])

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert other.status_code == 200
