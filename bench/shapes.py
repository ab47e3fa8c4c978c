"""How the search for secrets grows with a text that is made to be slow to read.

The floor is the same search in an eighth of the text, in the same run: about 8 times is linear, 64 would be quadratic.
"""

from __future__ import annotations

import time

from bot.model.secret_patterns import mask_secrets, settled

TEXTS = {
    "words": "hello world " * 40_000,
    "begun tokens": "eyJaaaaaaaa." * 40_000,
    "begun keys": "-----BEGIN PRIVATE KEY-----" * 16_000,
    "bearers": "bearer " * 60_000,
    "addresses": "x://a:bbb@ " + "://a:b" * 80_000,
    "tokens": "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " * 10_000,
    "one word": "x" * 480_000,
}


def cost(text: str) -> float:
    """Return the processor seconds that a text takes, the least of three."""
    took = []
    for _ in range(3):
        began = time.process_time()
        mask_secrets(text, lambda kind, _: kind)
        settled(text)
        took.append(time.process_time() - began)
    return min(took)


def main() -> None:
    """Print a line for each text."""
    for name, text in TEXTS.items():
        whole, eighth = cost(text), cost(text[: len(text) // 8])
        growth = whole / max(eighth, 1e-9)
        print(f"{name:13} {1e9 * whole / len(text):6.0f} ms per MB  eight times the text costs x{growth:.1f}")


if __name__ == "__main__":
    main()
