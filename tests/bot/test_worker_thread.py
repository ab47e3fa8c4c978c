"""Long pure work leaves the loop to others, and nothing of it goes on once its waiter is gone."""

import asyncio
import threading

import pytest

from bot.config.model import Config
from bot.domain.filters.apply import found_by, sifted
from bot.domain.filters.engine import AnswerFilter
from bot.model.progress import Outcome, OutcomeKind, Progress
from bot.worker_thread import LONG, run_in_thread

pytestmark = pytest.mark.fault("S6")


class Noting(AnswerFilter):
    """Filters that note in which thread they look."""

    def __init__(self):
        super().__init__(Config())
        self.threads = []

    def sift(self, progress):
        self.threads.append(threading.current_thread())
        return super().sift(progress)

    def found(self, progress):
        self.threads.append(threading.current_thread())
        return super().found(progress)


async def test_while_long_work_is_done_the_loop_serves_others():
    served = threading.Event()
    asyncio.get_running_loop().call_soon(served.set)

    assert await run_in_thread(lambda: served.wait(30), LONG + 1)


async def test_work_of_unknown_length_is_done_aside_and_short_work_at_once():
    here = threading.current_thread()

    assert await run_in_thread(threading.current_thread) is not here
    assert await run_in_thread(threading.current_thread, LONG) is here


async def test_who_is_cancelled_waits_until_the_work_is_done():
    begun, may_end, done = threading.Event(), threading.Event(), []

    def act():
        begun.set()
        may_end.wait(30)
        done.append(True)

    waiting = asyncio.ensure_future(run_in_thread(act, LONG + 1))
    await asyncio.to_thread(begun.wait, 30)
    waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done == [True]


async def test_an_error_of_long_work_reaches_who_waits():
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 // 0, LONG + 1)


async def test_a_long_answer_that_comes_at_once_is_filtered_aside_and_each_word_after_it_at_once():
    sieve, here = Noting(), threading.current_thread()
    text = "It is a plain sentence. " * 400

    assert (await sifted(sieve, Progress(draft=text))).shown_text == text
    assert (await sifted(sieve, Progress(draft=f"{text}And "))).shown_text == f"{text}And "
    over = Progress(text=f"{text}And ", outcome=Outcome(OutcomeKind.ANSWERED))
    assert (await sifted(sieve, over)).shown_text == over.text
    assert await found_by(sieve, over) == ()

    assert [thread is here for thread in sieve.threads] == [False, True, True, False]
