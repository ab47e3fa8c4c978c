"""What holds for every command of a class, as class attributes, so that no list elsewhere has to name the class."""

from __future__ import annotations

from typing import ClassVar


class CommandTraits:
    """What the dispatcher and the App Home need to know about a command besides its fields."""

    __slots__ = ()
    needs_trigger: ClassVar[bool] = False
    """It opens a form, which works within 3 seconds of the click only: it is not tried again after a restart."""
    only_looks: ClassVar[bool] = False
    """It changes nothing in the member's App Home, which needs no refresh after it."""
