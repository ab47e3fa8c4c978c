"""The ids of every button, field and form; renderers write them, listeners listen for them.

Below each is what its button carries as its value. That is always opaque, never a vault or session: Slack hands a
button's value back to us, and what comes back is looked up, not believed.
"""

from __future__ import annotations

# With the hash, a button of an outdated card decides nothing (docs/decisions/0015-approvals-keep-a-hash.md).
APPROVE = "approval.allow"
"""Value: `<approval id>:<arguments hash as shown>`."""
DENY = "approval.deny"
"""Value as for `APPROVE`."""
DENY_WITH_REASON = "approval.deny_with_reason"
"""Value as for `APPROVE`."""
SHOW_DETAILS = "approval.details"
"""Value as for `APPROVE`."""
DETAILS_PAGE = "approval.details_page"
"""Previous and next page of the details. Value as for `APPROVE`, followed by `:<page>`, counted from 0."""
ALWAYS_ALLOW = "approval.always"
"""Value as for `APPROVE`."""
# The hash of each call that was on the card, and of nothing that joined it since.
APPROVE_ALL = "approval.allow_all"
"""Value: that of `APPROVE` for each call, joined by commas."""
ACCEPT_TOOLS = "tools.accept"
"""Value: `<service>:<digest of the tools as shown>`."""
REVOKE_ALLOWANCE = "allowance.revoke"
"""Value: allowance id."""

STOP = "turn.stop"
"""Value: turn id."""
FEEDBACK = "turn.feedback"
"""Value: `<turn id>:good` or `<turn id>:bad`."""
START_OWN = "thread.start_own"
"""Value: the id under which the refused words are kept; may be empty."""
# Slack sends a press for buttons with a URL too and shows an error unless it is acknowledged.
OPEN_LINK = "link.open"
"""A button that is a link; needs no more than an acknowledgement."""

ASK_AGAIN = "turn.again"
"""Value: turn id."""

CONNECT = "service.connect"
"""Value: service name."""
ENTER_CODE = "service.enter_code"
"""Value: ticket id."""
CODE_FORM = "service.code_form"
"""Callback id. `private_metadata`: ticket id."""
CODE_FIELD_BLOCK = "service.code"
CODE_FIELD = "service.code.text"
DISCONNECT = "service.disconnect"
"""Value as for `CONNECT`."""

GIVE_TOKEN = "service.token"  # noqa: S105  # a button, not a token
"""Opens the form for a personal token. Value: service name."""

PASS_ASIDE = "aside.pass"  # noqa: S105 - to pass words on, not a password
"""Value: aside id."""
IGNORE_ASIDE = "aside.ignore"
"""Value: aside id."""

OPEN_ASK_FORM = "ask.open"
"""Opens the form for a task; no value."""
SHOW_STATUS = "status.show"
"""Shows the member's status; no value."""

ASK_FORM = "ask.form"
"""Callback id. `private_metadata`: JSON with the `Place`, `quote` (the kept message's id), `about` as in `AskAgent`."""
ASK_FIELD_BLOCK = "ask.task"
ASK_FIELD = "ask.task.text"

TOKEN_FORM = "service.token_form"  # noqa: S105  # a form, not a token
"""Callback id. `private_metadata`: service name."""
TOKEN_FIELD_BLOCK = "service.token_block"  # noqa: S105  # a block, not a token
TOKEN_FIELD = "service.token_text"  # noqa: S105  # a field, not a token

DENY_FORM = "approval.deny_form"
"""Callback id. `private_metadata`: `<approval id>:<arguments hash as shown>`."""
DENY_FIELD_BLOCK = "approval.reason"
DENY_FIELD = "approval.reason.text"

DETAILS_VIEW = "approval.details_view"
"""Callback id; submitting it does the same as `APPROVE`. `private_metadata`: value as for `APPROVE`."""

ASK_RAISE = "budget.ask"
"""Value: the budget, `member/U0ANN`."""
RAISE = "budget.raise"
"""Value: the id of a shortfall."""
NOT_NOW = "budget.not_now"
"""Value: the id of a shortfall."""
RAISE_FORM = "budget.raise_form"
SETTINGS = "settings.open"
"""Value: a verb and its object, `list services`, `page services 2`, `pause all`; empty for the overview."""
SETTINGS_MENU = "settings.menu"
"""Value of the option: a verb and the item's name, such as `service_tools notion`."""
SETTINGS_LIST = "settings.list"
"""Callback id. `private_metadata`: JSON with `section` and `page`."""
SETTINGS_FORM = "settings.form"
"""Callback id. `private_metadata`: JSON with `form`, `name` (empty for a new one) and the `version` that was seen."""
SETTINGS_ASK = "settings.ask"
"""Callback id. `private_metadata`: JSON with `verb`, `kind`, `name` and `version`."""
SETTINGS_URL = "settings.url"
"""Callback id of the form for a service's address."""
SETTINGS_CLIENT = "settings.client"
SETTINGS_CLAIM = "settings.claim"
SETTINGS_PROBED = "settings.probed"
"""Callback id. `private_metadata`: JSON with `url`, `shown` (the fingerprint of what was shown) and `way`."""
SETTINGS_FIELD = "settings.field"
"""The action id of every field; its `block_id` says which."""
