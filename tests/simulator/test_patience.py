"""Waits end when nothing comes, but not because the machine stood still."""

import asyncio
import time

import pytest

from simulator.patience import patience


async def test_what_does_not_come_is_given_up():
    with pytest.raises(TimeoutError):
        async with patience(0.2):
            await asyncio.Event().wait()


async def test_a_machine_that_stands_still_costs_one_beat():
    came = asyncio.Event()

    async with patience(0.3):
        time.sleep(0.6)  # noqa: ASYNC251 - stands for a machine that stops altogether
        asyncio.get_running_loop().call_later(0.05, came.set)
        await came.wait()


async def test_what_comes_in_time_leaves_no_timer_behind():
    async with patience(0.1):
        pass

    await asyncio.sleep(0.3)
