"""Runs long pure work in a thread, so that the event loop keeps serving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONG = 4_000
"""Characters; fewer are read faster than a thread takes over."""


async def run_in_thread(act: Callable[[], T], size: int | None = None) -> T:
    """Return what `act` makes of `size` characters; of many, or nobody knows how many, in a thread: others go on.

    Whoever is cancelled waits until it is done: nothing goes on behind, and what it changes has one hand at a time.
    """
    if size is not None and size <= LONG:
        return act()
    done = asyncio.get_running_loop().run_in_executor(None, act)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        done.exception()
        raise
