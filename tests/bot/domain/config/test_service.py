"""Settings are changed by admins only, one version at a time, and every change is recorded as it was and is."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from bot.config.items import Key
from bot.config.model import Config
from bot.domain.config.service import CHANGED, ConfigService
from bot.model.errors import NotPermitted, Refusal, SettingsInvalid
from store import members, settings
from store.records import Setting
from tests.builders import NOON, Noon, a_member
from tests.stored import list_audit, put_config

ADA, BEN = a_member("U0ADA"), a_member("U0BEN")
RESEARCH = Key("profile", "research")


@pytest.fixture
def configuration(database):
    return ConfigService(database=database, clock=Noon(), first_admins=frozenset({"U0ADA"}))


async def refused(work) -> Refusal:
    with pytest.raises(NotPermitted) as caught:
        await work
    return caught.value.refused.refusal


async def test_a_change_is_seen_at_once_and_recorded_with_before_and_after(configuration, database):
    for preset in ("careful", "read_only"):
        seen = await configuration.seen("T0ACME", RESEARCH)
        config = await configuration.change(ADA, seen, {"preset": preset, "who_may_use": "admins"})

    assert config == await configuration.read("T0ACME")
    assert config.profile("research").preset == "read_only"
    async with database.transaction() as tx:
        last, first = await list_audit(tx, "T0ACME")
    assert (last.actor, last.action, last.subject) == ("U0ADA", CHANGED, "profile/research")
    assert json.loads(first.details["after"]) == json.loads(last.details["before"]) == {"who_may_use": "admins"}
    assert json.loads(last.details["after"]) == {"preset": "read_only", "who_may_use": "admins"}
    assert first.details["before"] == ""


async def test_only_admins_change_settings_and_one_who_was_removed_meanwhile_does_not(configuration):
    seen = await configuration.seen("T0ACME", RESEARCH)
    assert await refused(configuration.change(BEN, seen, {})) is Refusal.NOT_AN_ADMIN

    admins = await configuration.seen("T0ACME", Key("workspace", "admins"))
    await configuration.change(ADA, admins, {"value": ["U0BEN"]})
    seen_by_ben = await configuration.seen("T0ACME", RESEARCH)
    await configuration.change(ADA, await configuration.seen("T0ACME", Key("workspace", "admins")), None)

    assert await refused(configuration.change(BEN, seen_by_ben, {})) is Refusal.NOT_AN_ADMIN


async def test_of_two_admins_who_edit_the_same_the_second_is_told_and_the_first_is_kept(configuration):
    one, other = [await configuration.seen("T0ACME", RESEARCH) for _ in range(2)]
    await configuration.change(ADA, one, {"preset": "read_only"})

    assert await refused(configuration.change(ADA, other, {"preset": "trusted"})) is Refusal.SETTING_CHANGED

    assert (await configuration.read("T0ACME")).profile("research").preset == "read_only"


async def test_a_form_for_something_deleted_and_made_again_is_refused(configuration):
    await configuration.change(ADA, await configuration.seen("T0ACME", RESEARCH), {})
    old = await configuration.seen("T0ACME", RESEARCH)
    await configuration.change(ADA, old, None)
    await configuration.change(ADA, await configuration.seen("T0ACME", RESEARCH), {})

    assert await refused(configuration.change(ADA, old, {"preset": "trusted"})) is Refusal.SETTING_CHANGED


async def test_what_cannot_be_together_changes_nothing(configuration, database):
    await configuration.change(ADA, await configuration.seen("T0ACME", RESEARCH), {})
    channel = await configuration.seen("T0ACME", Key("channel", "C0123"))
    await configuration.change(ADA, channel, {"profile": "research"})

    with pytest.raises(SettingsInvalid, match="channels: there is no profile research"):
        await configuration.change(ADA, await configuration.seen("T0ACME", RESEARCH), None)

    assert (await configuration.read("T0ACME")).profile("research") is not None
    async with database.transaction() as tx:
        assert len(await list_audit(tx, "T0ACME")) == 2


async def test_saving_what_is_already_so_is_no_change(configuration, database):
    await configuration.change(ADA, await configuration.seen("T0ACME", RESEARCH), {"preset": "trusted"})
    await configuration.change(ADA, await configuration.seen("T0ACME", RESEARCH), {"preset": "trusted"})

    async with database.transaction() as tx:
        assert len(await list_audit(tx, "T0ACME")) == 1


async def test_the_last_admin_stays(database):
    alone = ConfigService(database=database, clock=Noon(), first_admins=frozenset())
    after = Config.model_validate({"admins": ["U0ADA"]})
    async with database.transaction() as tx:
        await put_config(tx, alone, "T0ACME", after)

    with pytest.raises(SettingsInvalid, match="admins: somebody who is still here must remain an admin"):
        await alone.change(ADA, await alone.seen("T0ACME", Key("workspace", "admins")), None)

    assert alone.is_admin(after, "U0ADA")
    assert not alone.is_admin(after, "U0BEN")


@pytest.mark.fault("S23")
async def test_an_admin_who_has_left_does_not_count_as_the_last_one(database):
    two = ConfigService(database=database, clock=Noon(), first_admins=frozenset())
    async with database.transaction() as tx:
        await put_config(tx, two, "T0ACME", Config.model_validate({"admins": ["U0ADA", "U0BEN"]}))
    async with database.transaction() as tx:
        await members.remember(tx, a_member("U0BEN"), NOON)
        await members.deactivate(tx, "T0ACME", "U0BEN", NOON)
    seen = await two.seen("T0ACME", Key("workspace", "admins"))

    with pytest.raises(SettingsInvalid, match="admins: somebody who is still here must remain an admin"):
        await two.change(ADA, seen, {"value": ["U0BEN"]})


@pytest.mark.fault("S23")
async def test_slack_is_asked_whether_the_admin_who_would_be_left_is_there(database):
    class Everybody:
        gone = frozenset({"U0BEN"})

        async def person(self, user_id, **_):
            return SimpleNamespace(is_deleted=user_id in self.gone)

    two = ConfigService(database=database, clock=Noon(), first_admins=frozenset(), people=Everybody())
    async with database.transaction() as tx:
        await put_config(tx, two, "T0ACME", Config.model_validate({"admins": ["U0ADA", "U0BEN"]}))
    seen = await two.seen("T0ACME", Key("workspace", "admins"))

    with pytest.raises(SettingsInvalid, match="somebody who is still here"):
        await two.change(ADA, seen, {"value": ["U0BEN"]})
    Everybody.gone = frozenset()
    after = await two.change(ADA, seen, {"value": ["U0BEN"]})

    assert two.admins(after) == {"U0BEN"}


async def test_settings_that_this_version_cannot_read_are_no_settings_at_all(configuration, database):
    async with database.transaction() as tx:
        by = settings.By("T0ACME", "later", NOON)
        await settings.put(tx, Setting("profile", "research", {"from_the_future": 1}, 0), by)

    with pytest.raises(SettingsInvalid, match=r"profiles\.research\.from_the_future: there is no such setting"):
        await configuration.read("T0ACME")
