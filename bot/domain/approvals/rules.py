"""The rules for one held call: whether “always allow” is offered, whether it needs a second approver.

Whether a call is held at all is decided by the session's tool rules (`agent_profiles`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.config.model import ApprovalSettings, Config
from bot.domain.connections import tool_pinning
from bot.domain.context import DomainContext
from bot.domain.sessions import tool_titles
from bot.model.events import UNNAMED_SERVICE
from bot.model.tool_risk import Hazard, hazard_of, only_reads
from store import members, service_tools, tool_pins
from store.database import Tx
from store.records import SecondView, ServiceName, ServiceTool, Thread, UserId


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """The rules for one tool of one service, as they are now."""

    may_remember: bool = True
    """The owner may choose “always allow in this thread”."""
    second: SecondView | None = None
    """What a second approver sees; None if the owner decides alone."""
    approvers: frozenset[UserId] = frozenset()
    """Who may be the second approver; the owner never is, even if listed."""
    tool_hash: str | None = None
    """The hash of the tool's last listed definition; None if it was never listed."""
    annotations: Mapping[str, object] = field(default_factory=dict, hash=False)
    title: str = ""
    """Like `ToolCall.title`."""

    def hazard(self, tool: str) -> Hazard:
        """Return why a yes to this call needs a confirmation."""
        return hazard_of(tool, self.annotations)


FindRule = Callable[[Tx, Thread, str | None, str], Awaitable[ApprovalRule]]
"""`(tx, thread, service, tool)` → the rules for that tool."""


class ApprovalRules:
    """Finds the rules for a tool, from the settings and its listing."""

    def __init__(self, context: DomainContext) -> None:
        self._clock = context.clock
        self._configuration = context.config

    async def __call__(self, tx: Tx, thread: Thread, service: str | None, tool: str) -> ApprovalRule:
        """Return the rules for a tool in a thread."""
        workspace_id = thread.owner.workspace_id
        config = await self._configuration.read_in(tx, workspace_id)
        known, is_trusted, title = None, True, ""
        if service is not None:
            name = ServiceName(service)
            known = await service_tools.find(tx, workspace_id, name, tool)
            pin = await tool_pins.find(tx, workspace_id, name, tool)
            is_trusted = tool_pinning.is_trusted(pin, known, self._clock.now())
            title = (await tool_titles.read_titles(tx, workspace_id, service)).get(tool, "")
        approvers = self._configuration.admins(config)
        if config.approvals.second_approvers != "admins":
            approvers = frozenset(UserId(user_id) for user_id in config.approvals.second_approvers)
        # Somebody who has left or is paused must not be able to say yes.
        gone = await members.list_left(tx, workspace_id)
        approvers = frozenset(one for one in approvers - gone if not config.member(one).is_paused)
        rule = build_rule(config, service, tool, known=known, is_trusted=is_trusted, approvers=approvers)
        return replace(rule, title=title)


def build_rule(
    config: Config,
    service: str | None,
    tool: str,
    *,
    known: ServiceTool | None,
    is_trusted: bool,
    approvers: frozenset[UserId],
) -> ApprovalRule:
    """Return the rules for a tool by the settings; one that is not as admins trusted it asks each time."""
    rules = config.approvals
    annotations = dict(known.annotations) if known else {}
    # A tool counts as harmless only if it is known to read
    # (docs/decisions/0032-a-tool-is-safe-only-when-it-is-known-to-read.md).
    is_harmless = only_reads(service, tool, annotations)
    may_remember = {"any": True, "never": False, "harmless": is_harmless}[rules.always_allow]
    needs_second = _needs_second(rules, service, tool)
    return ApprovalRule(
        may_remember=may_remember and is_trusted and not needs_second,
        second=SecondView(rules.second_sees) if needs_second else None,
        approvers=approvers,
        tool_hash=known.definition_hash if known else None,
        annotations=annotations,
    )


def _needs_second(rules: ApprovalSettings, service: str | None, tool: str) -> bool:
    """Tell whether a tool needs a second approver."""
    # A call without a named service may be any service's, so a rule for any of them counts.
    if service != UNNAMED_SERVICE:
        return rules.needs_second(service, tool)
    named = [name.partition("/")[2] for name in rules.second_tools if "/" in name]
    return tool in named or "*" in named
