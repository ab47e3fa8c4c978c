"""The security headers of our responses; pure. `bot/web/security_headers.py` adds them where a response has none."""

from __future__ import annotations

NOTHING = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
"""The Content-Security-Policy of a response that is no page."""


def build_page_policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page: its own style, its own form, and nothing else."""
    style = f"style-src 'nonce-{nonce}'; " if nonce else ""
    # `'self'` also forbids redirects after our form, so the form is answered with a refresh (docs/decisions/0012).
    return f"default-src 'none'; {style}form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def build_headers(*, is_https: bool, policy: str = NOTHING, referrer: str = "no-referrer") -> dict[str, str]:
    """Return the headers that every response carries, names in lower case."""
    headers = {
        "content-security-policy": policy,
        # Pages name a member and may show a code: neither is for a cache or the back button of a shared computer.
        "cache-control": "no-store",
        # Our URLs hold links, codes and states: no other site may learn them from a referrer (RFC 9700 §4.2).
        "referrer-policy": referrer,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex",
        "cross-origin-opener-policy": "same-origin",
    }
    # Over http (the demo, tests) a browser ignores it (RFC 6797 §8.1).
    return headers | ({"strict-transport-security": "max-age=31536000"} if is_https else {})
