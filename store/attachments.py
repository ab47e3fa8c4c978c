"""Seals the descriptions of a request's files: a file's name is what somebody wrote, too."""

from __future__ import annotations

import json
from dataclasses import asdict

from store.database import Tx
from store.records import Attachment


def seal_files(tx: Tx, files: tuple[Attachment, ...], *, place: str) -> str | None:
    """Return the descriptions as one sealed value; None where there are no files."""
    return tx.sealer.seal(json.dumps([asdict(file) for file in files]), place=place) if files else None


def open_files(tx: Tx, sealed: str | None, *, place: str) -> tuple[Attachment, ...]:
    """Return the descriptions that `seal_files` sealed. Raises `SealBroken`."""
    if sealed is None:
        return ()
    return tuple(Attachment(**file) for file in json.loads(tx.sealer.open_sealed(sealed, place=place)))
