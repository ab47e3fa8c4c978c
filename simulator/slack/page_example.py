"""A workspace with one of everything, to see the page without a bot; the page's browser test draws it."""

from __future__ import annotations

from typing import Any

from simulator.slack.messages import COMPLETED, OPEN, Message
from simulator.slack.people import ALICE, BOB, BOT, GENERAL
from simulator.slack.viewkit import new_view, parse_view
from simulator.slack.workspace import Workspace

Block = dict[str, Any]

ANSWER = """Here is what I found in your notes, <@U0AL1CE00>:

- **Budget** is still waiting for *two* quotes
- The offsite moved to [Thursday](https://calendar.example/offsite)
- `deploy.sh` needs `--dry-run` first :white_check_mark:

| Note | Changed |
|---|---|
| Roadmap | yesterday |
| Hiring | last week |

```python
print("not *bold*, not <@U0AL1CE00>")
```

&lt;@U0B0B0000&gt; stays letters, <b>so does this</b>, and [this](javascript:alert(1)) is no link.

<script>alert(1)</script>"""


def plain(text: str) -> Block:
    """Return a plain text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    """Return a mrkdwn text object."""
    return {"type": "mrkdwn", "text": text}


def button(text: str, action: str, **more: Any) -> Block:
    """Return a button."""
    return {"type": "button", "text": plain(text), "action_id": action, "value": action} | more


def rich(*elements: Block) -> Block:
    """Return a rich text block."""
    return {"type": "rich_text", "elements": list(elements)}


def run(text: str, **more: Any) -> Block:
    """Return a run of rich text."""
    return {"type": "text", "text": text} | more


APPROVAL: list[Block] = [
    {"type": "section", "block_id": "what", "text": mrkdwn("*Write a note in Notes?*\nTitle: _Offsite moved_ :memo:")},
    {"type": "context", "block_id": "whose", "elements": [mrkdwn(f"Acts as <@{ALICE}> · expires in 15 min")]},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            button("Approve", "approve", style="primary", visible_to_user_ids=[ALICE]),
            button(
                "Deny",
                "deny",
                style="danger",
                visible_to_user_ids=[ALICE],
                confirm={
                    "title": plain("Deny this?"),
                    "text": mrkdwn("The agent goes on *without* it."),
                    "confirm": plain("Deny it"),
                    "deny": plain("Back"),
                    "style": "danger",
                },
            ),
            button("Show details", "details"),
            {
                "type": "overflow",
                "action_id": "more",
                "options": [{"text": plain("Always allow here"), "value": "always"}],
            },
        ],
    },
]

SHOWN: list[Block] = [
    {"type": "header", "block_id": "h", "text": plain("One of everything :sparkles:")},
    {
        "type": "section",
        "block_id": "s",
        "text": mrkdwn(
            f"*<@{ALICE}>* asked: "
            "*bold* _italic_ ~gone~ `code` 2*3*4 snake_case &lt;b&gt; <https://example.com/a?b=1&amp;c=2|a link>"
        ),
        "accessory": button("Connect Notes", "connect", url="https://connect.example/start"),
    },
    {
        "type": "section",
        "block_id": "f",
        "fields": [mrkdwn("*Account*\nalice@example.com"), mrkdwn("*State*\nconnected"), plain("*literal*")],
    },
    {"type": "section", "block_id": "q", "text": mrkdwn("&gt; quoted\n&gt; twice\nafter\n```\nx = *y*\n```")},
    {"type": "divider", "block_id": "d"},
    rich(
        {
            "type": "rich_text_section",
            "elements": [
                run("Rich "),
                run("bold", style={"bold": True}),
                run(" <@literal> "),
                {"type": "user", "user_id": BOB},
                {"type": "emoji", "name": "wave"},
                {"type": "link", "url": "https://example.com", "text": "a link"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "indent": 0,
            "elements": [{"type": "rich_text_section", "elements": [run(word)]} for word in ("first", "second")],
        },
        {"type": "rich_text_quote", "elements": [run("A question, *as typed*.")]},
        {"type": "rich_text_preformatted", "elements": [run('{\n  "title": "Offsite moved",\n  "body": "<b>"\n}')]},
    )
    | {"block_id": "r"},
    {
        "type": "table",
        "block_id": "t",
        "rows": [
            [{"type": "raw_text", "text": "Member"}, {"type": "raw_text", "text": "Spent"}],
            [{"type": "raw_text", "text": "*Alice*"}, {"type": "raw_text", "text": "$1.20"}],
        ],
    },
    {
        "type": "container",
        "block_id": "fold",
        "title": plain("Why was I asked?"),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [{"type": "section", "text": mrkdwn("The rule of *write_note* is to ask.")}],
    },
    {
        "type": "plan",
        "block_id": "p",
        "title": "A posted plan",
        "tasks": [
            {"task_id": "1", "title": "Searched Notes", "status": "complete"},
            {"task_id": "2", "title": "Writing a note", "status": "in_progress"},
            {"task_id": "3", "title": "Tidying up", "status": "pending"},
        ],
    },
    {
        "type": "actions",
        "block_id": "choose",
        "elements": [
            {
                "type": "static_select",
                "action_id": "service",
                "placeholder": plain("Choose a service"),
                "options": [{"text": plain("Notes"), "value": "notes"}, {"text": plain("Wiki"), "value": "wiki"}],
            },
            button("Disconnect", "disconnect"),
        ],
    },
]

FOOTER: list[Block] = [
    {"type": "context", "block_id": "foot", "elements": [mrkdwn("Worked for 42s · 3 steps · $0.04 · AI-generated")]},
    {
        "type": "context_actions",
        "block_id": "fb",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": plain("Good answer"), "value": "good"},
                "negative_button": {"text": plain("Bad answer"), "value": "bad"},
            }
        ],
    },
]

MODAL: Block = {
    "type": "modal",
    "callback_id": "deny_reason",
    "title": plain("Deny with a reason"),
    "submit": plain("Deny"),
    "close": plain("Back"),
    "blocks": [
        {"type": "section", "block_id": "intro", "text": mrkdwn("The agent reads what you write here.")},
        {
            "type": "input",
            "block_id": "reason",
            "label": plain("Reason"),
            "hint": plain("One sentence is enough."),
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 500},
        },
        {
            "type": "input",
            "block_id": "then",
            "label": plain("What then?"),
            "element": {
                "type": "radio_buttons",
                "action_id": "pick",
                "options": [
                    {"text": plain("Go on without it"), "value": "go"},
                    {"text": plain("Stop"), "value": "stop", "description": plain("The turn ends here.")},
                ],
            },
        },
        {
            "type": "input",
            "block_id": "tell",
            "optional": True,
            "label": plain("Tell"),
            "element": {
                "type": "checkboxes",
                "action_id": "ticks",
                "options": [{"text": plain("the admins"), "value": "admins"}, {"text": plain("Bob"), "value": "bob"}],
            },
        },
        {
            "type": "input",
            "block_id": "rule",
            "label": plain("Rule"),
            "element": {
                "type": "static_select",
                "action_id": "select",
                "options": [
                    {"text": plain("Ask again"), "value": "ask"},
                    {"text": plain("Always deny"), "value": "deny"},
                ],
            },
        },
    ],
}

HOME: Block = {
    "type": "home",
    "blocks": [
        {"type": "header", "block_id": "hh", "text": plain("Your connections")},
        {
            "type": "section",
            "block_id": "hs",
            "text": mrkdwn("*Notes*\nConnected as alice@example.com"),
            "accessory": button("Disconnect Notes", "home_disconnect"),
        },
    ],
}

TASKS: dict[str, Block] = {
    "a": {"title": "Searched Notes", "status": "complete", "details": "budget, offsite", "output": "4 notes"},
    "b": {"title": "Couldn't read the wiki", "status": "error", "details": "", "output": "Not connected"},
    "c": {"title": "Reading “Roadmap”", "status": "in_progress", "details": "", "output": ""},
    "d": {"title": "Writing the summary", "status": "pending", "details": "", "output": ""},
}


def furnish(ws: Workspace) -> str:
    """Put one of everything into #general and Alice's Home; return the ts of the thread."""
    ws.place(Message(GENERAL, ws.next_ts(), BOB, "Morning! Does anybody know when the offsite is? :wave:"))
    ws.place(Message(GENERAL, ws.next_ts(), BOT, "All blocks", SHOWN, by_app=True))
    root = ws.next_ts()
    asked = rich(
        {
            "type": "rich_text_section",
            "elements": [{"type": "user", "user_id": ALICE}, run(" asked: "), run("summarise my notes")],
        }
    )
    whose = {
        "type": "context",
        "block_id": "w",
        "elements": [mrkdwn(f"Acts as <@{ALICE}> · Notes · readable by all here")],
    }
    ws.place(Message(GENERAL, root, BOT, "asked", [asked, whose], by_app=True))
    ws.place(_streamed(ws, root, OPEN))
    ws.place(Message(GENERAL, ws.next_ts(), BOT, "Approval needed", APPROVAL, thread_ts=root, by_app=True))
    ws.place(Message(GENERAL, ws.next_ts(), BOT, "Only for *Alice*", by_app=True, ephemeral_to=ALICE))
    session = ws.open_session(GENERAL, root, "processing", ALICE)
    session.title = "Summarise notes"
    ws.homes[ALICE] = new_view(ws, ALICE, parse_view(HOME, "home"))
    ws.dm_of(ALICE)
    ws.changed()
    return root


def open_modal(ws: Workspace, user: str) -> str:
    """Show `user` a modal with every kind of input; return its id."""
    view = new_view(ws, user, parse_view(MODAL, "modal"))
    ws.modals.setdefault(user, []).append(view)
    ws.changed()
    return view.id


def _streamed(ws: Workspace, root: str, state: str) -> Message:
    """Return an answer that is still streamed, or a finished one with its footer."""
    message = Message(GENERAL, ws.next_ts(), BOT, thread_ts=root, by_app=True)
    message.streaming_state, message.stream_started_at = state, ws.now()
    message.task_display_mode, message.plan_title = "plan", "Working"
    message.tasks = {task_id: dict(task) for task_id, task in TASKS.items()}
    message.markdown = ANSWER
    message.parts = [{"type": "task", "id": task_id} for task_id in TASKS] + [{"type": "text", "text": ANSWER}]
    message.blocks = FOOTER
    if state == COMPLETED:
        message.plan_title = "Worked for 42s · 3 steps"
    return message
