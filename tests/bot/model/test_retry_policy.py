import pytest

from bot.model import retry_policy
from bot.model.retry_policy import ONCE, RetryPolicy

POLICIES = {name: value for name, value in vars(retry_policy).items() if isinstance(value, RetryPolicy)}


def test_the_last_pause_is_repeated():
    policy = RetryPolicy(pauses=(0.5, 2, 8))

    assert [policy.pause_after(failures) for failures in range(1, 6)] == [0.5, 2, 8, 8, 8]


@pytest.mark.parametrize(
    ("asked", "policy", "pause"),
    [
        (None, RetryPolicy(pauses=(2,)), 2),
        (7, RetryPolicy(pauses=(2,)), 7),
        (0.5, RetryPolicy(pauses=(2,)), 0.5),
        (90, RetryPolicy(pauses=(2,), longest_asked=60), 60),
        (0, RetryPolicy(pauses=(2,)), 2),
        (0, RetryPolicy(pauses=(2,), obeys_zero=True), 0),
    ],
)
def test_what_the_other_side_asks_for_is_waited_within_bounds(asked, policy, pause):
    assert policy.pause_after(1, asked) == pause


def test_tries_are_numbered_and_the_last_one_is_known():
    policy = RetryPolicy(tries=3)

    assert list(policy.attempts()) == [1, 2, 3]
    assert [policy.is_over(failures) for failures in (1, 2, 3)] == [False, False, True]
    assert ONCE.is_over(1)


def test_a_policy_without_a_number_of_tries_has_no_end():
    numbers = iter(RetryPolicy().attempts())

    assert [next(numbers) for _ in range(3)] == [1, 2, 3]
    assert not RetryPolicy().is_over(1_000_000)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_has_as_many_pauses_as_it_can_use(name: str):
    policy = POLICIES[name]

    assert policy.pauses
    assert all(pause >= 0 for pause in policy.pauses)
    assert policy.tries is None or len(policy.pauses) <= policy.tries
