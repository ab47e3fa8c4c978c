"""Descriptions of a request's files, sealed, as file names are somebody's words."""

from __future__ import annotations

import json
from dataclasses import asdict

from store.database import Tx
from store.records import Attachment


def seal_files(tx: Tx, files: tuple[Attachment, ...], *, place: str) -> str | None:
    """Return the descriptions sealed; None where there are none."""
    return tx.sealer.seal(json.dumps([asdict(file) for file in files]), place=place) if files else None


def open_files(tx: Tx, sealed: str | None, *, place: str) -> tuple[Attachment, ...]:
    """Return the descriptions again."""
    if sealed is None:
        return ()
    return tuple(Attachment(**file) for file in json.loads(tx.sealer.open_sealed(sealed, place=place)))
