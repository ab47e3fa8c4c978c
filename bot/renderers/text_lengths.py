"""How many characters of somebody's words are shown where a button, line or sentence has more to say.

Slack would take more; what it takes at most is in `slack_limits`.
"""

from __future__ import annotations

SERVICE_MAX = 40
"""A service's title in a button or sentence."""
REFERENCE_MAX = 40
"""A reference that people can quote."""
WORD_MAX = 40
"""A word that was not understood, and each that may have been meant."""
NAME_MAX = 60
"""A name in a list: of a file, scope, tool, request or organisation."""
HEADING_MAX = 80
"""What stands above or beside other words."""
HOST_MAX = 100
"""A host, an account, or what a filter found."""
TITLE_MAX = 120
"""A title with a line of its own."""
DETAIL_MAX = 200
"""What explains a sentence, at its end."""
LINE_MAX = 300
"""A line of its own: what a notification says, a web address."""
GIVEN_BACK_MAX = 2_000
"""Somebody's own words that are given back to them in a notice."""
