from dataclasses import replace

import pytest

from bot.app import running
from bot.errors import ConfigurationError
from store.sealing import new_key, parse_keys
from tests.world import ALICE, World


async def test_a_start_without_the_key_of_what_is_open_says_so_and_a_rotated_key_goes_on(deputy_world: World):
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 120 words")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
    old, fresh = deputy_world.settings.secret_keys, parse_keys(new_key())

    with pytest.raises(ConfigurationError) as refused:
        async with running(replace(deputy_world.settings, secret_keys=fresh)):
            pass
    deputy_world.settings = replace(deputy_world.settings, secret_keys=fresh + old)
    async with deputy_world.deputy():
        await deputy_world.answered(root)

    assert "DEPUTY_SECRET_KEYS" in str(refused.value)
