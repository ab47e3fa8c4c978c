"""What is true of a command whatever its fields say: class attributes, so that no list elsewhere has to name it."""

from __future__ import annotations

from typing import ClassVar


class CommandTraits:
    """What the dispatcher and the App Home have to know of a command besides its fields."""

    __slots__ = ()
    needs_trigger: ClassVar[bool] = False
    """It opens a form, within 3 seconds of the click or never; after a restart the person clicks again."""
    only_looks: ClassVar[bool] = False
    """It changes nothing that its member's App Home shows."""
