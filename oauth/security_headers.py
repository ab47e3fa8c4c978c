"""The security headers of our pages; pure. `bot/web/security_headers.py` adds them to responses without any."""

from __future__ import annotations

NOTHING = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
"""The policy of an answer that is no page."""


def build_page_policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page: its own style, its own form, and nothing else."""
    style = f"style-src 'nonce-{nonce}'; " if nonce else ""
    return f"default-src 'none'; {style}form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def build_headers(*, is_https: bool, policy: str = NOTHING, referrer: str = "no-referrer") -> dict[str, str]:
    """Return what every answer carries, names in lower case."""
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": referrer,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex",
        "cross-origin-opener-policy": "same-origin",
    }
    return headers | ({"strict-transport-security": "max-age=31536000"} if is_https else {})
