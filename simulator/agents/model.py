"""The scripted model: decides its next moves by the words of a request and the results of its calls. Pure.

The phrases that it knows are listed in docs/demo.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from simulator.agents.moves import (
    Fail,
    Inject,
    Move,
    Reschedule,
    Result,
    Say,
    Spend,
    Stop,
    Think,
    Tool,
    Use,
    View,
    Wait,
)
from simulator.agents.notes import as_note, as_titles, summary

LOREM = re.findall(
    r"\w+",
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore "
    "magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo",
)
HELP = (
    "I can read, search, write and delete your notes, run commands in a sandbox and search the web. "
    "Try “summarise my notes”, “write a note Groceries: milk and bread” or “run `ls`”."
)
HELPER = "sthr_01" + "h" * 22
"""The thread id of the only sub-agent."""
Phrase = tuple[str, Callable[[View, re.Match[str]], Sequence[Move]]]


def decide(view: View) -> Sequence[Move]:
    """Return the next moves; if there is no call among them, the turn ends after them."""
    for pattern, answer in PHRASES:
        found = re.search(pattern, view.words, re.IGNORECASE | re.DOTALL)
        if found:
            return answer(view, found)
    return [Think(), Say(f"You asked: “{view.words}”. I have nothing special to do for that, but I am listening.")]


def _use(view: View, name: str, *values: Any) -> list[Move] | None:
    """Return a call of the tool with these values as its arguments, in order; None if there is no such tool."""
    tool = view.tools.get(name)
    if tool is None:
        return None
    names = tool.arguments or DEFAULT_ARGUMENTS.get(name, ())
    return [Use(tool.name, dict(zip(names, values, strict=False)), tool.server)]


DEFAULT_ARGUMENTS = {
    "read_note": ("title",),
    "delete_note": ("title",),
    "write_note": ("title", "text"),
    "search_notes": ("query",),
    "bash": ("command",),
    "web_search": ("query",),
}


def _missing(name: str) -> list[Move]:
    return [Say(f"I have no tool `{name}` here. The service may not be connected, or the tool is switched off.")]


def _refused(result: Result, doing: str) -> list[Move]:
    if result.is_denied:
        because = f" The reason given: {result.deny_message}" if result.deny_message else ""
        return [Say(f"I did not {doing}: the call was not approved.{because}")]
    return [Say(f"I could not {doing}: the tool answered with an error.")]


def _one_call(
    view: View, tool: str, values: Sequence[Any], doing: str, done: Callable[[Result], str]
) -> Sequence[Move]:
    if not view.results:
        call = _use(view, tool, *values)
        return [Think(), Say(f"I will {doing}."), *call] if call else _missing(tool)
    last = view.results[-1]
    return _refused(last, doing) if last.is_error else [Say(done(last))]


def _summarise(view: View, _: re.Match[str]) -> Sequence[Move]:
    listed = [result for result in view.results if result.tool == "list_notes"]
    if not listed:
        call = _use(view, "list_notes")
        return [Think(), Say("Let me look at your notes first."), *call] if call else _missing("list_notes")
    if listed[-1].is_error:
        return _refused(listed[-1], "read your notes")
    titles = as_titles(listed[-1].text)
    read = [result for result in view.results if result.tool == "read_note"]
    if titles and not read and "read_note" in view.tools:
        return [Think(), *[move for title in titles[:5] for move in _use(view, "read_note", title) or []]]
    notes = [as_note(result.text, result.arguments) for result in read if not result.is_error]
    return [Say(summary(titles, notes))]


def _write(view: View, found: re.Match[str]) -> Sequence[Move]:
    title, text = (found["title"] or "").strip(" \"'“”"), found["text"].strip()
    title = title or " ".join(text.split()[:4])
    return _one_call(
        view,
        "write_note",
        (title, text),
        f"write the note “{title}”",
        lambda _: f"Done: the note “{title}” is written.",
    )


def _delete(view: View, found: re.Match[str]) -> Sequence[Move]:
    title = found["title"].strip(" \"'“”.")
    return _one_call(
        view, "delete_note", (title,), f"delete the note “{title}”", lambda _: f"Done: the note “{title}” is deleted."
    )


def _read(view: View, found: re.Match[str]) -> Sequence[Move]:
    title = found["title"].strip(" \"'“”.?")
    return _one_call(
        view,
        "read_note",
        (title,),
        f"read the note “{title}”",
        lambda result: "**{}**\n\n{}".format(*as_note(result.text, result.arguments)),
    )


def _list(view: View, _: re.Match[str]) -> Sequence[Move]:
    return _one_call(
        view,
        "list_notes",
        (),
        "list your notes",
        lambda result: "Your notes:\n\n" + "\n".join(f"- {title}" for title in as_titles(result.text)),
    )


def _search_notes(view: View, found: re.Match[str]) -> Sequence[Move]:
    words = found["words"].strip(" ?.")
    return _one_call(
        view,
        "search_notes",
        (words,),
        f"search your notes for “{words}”",
        lambda result: "I found:\n\n" + ("\n".join(f"- {title}" for title in as_titles(result.text)) or "nothing"),
    )


def _who(view: View, _: re.Match[str]) -> Sequence[Move]:
    return _one_call(
        view, "whoami", (), "ask the service who you are", lambda result: f"The service knows you as {result.text}."
    )


def _run(view: View, found: re.Match[str]) -> Sequence[Move]:
    command = found["command"].strip()
    return _one_call(
        view, "bash", (command,), f"run `{command}`", lambda result: f"The command printed:\n\n```\n{result.text}\n```"
    )


def _helped(view: View, found: re.Match[str]) -> Sequence[Move]:
    """Make a call by the sub-agent and one of its own, both at once."""
    if view.results:
        done = sum(not result.is_error for result in view.results)
        return [Say(f"{done} of {len(view.results)} calls were made.")]
    theirs, own = (Use("bash", {"command": found[name]}, None) for name in ("theirs", "own"))
    return [Say("A helper works beside me."), replace(theirs, thread_id=HELPER), own]


def _web(view: View, found: re.Match[str]) -> Sequence[Move]:
    words = found["words"].strip(" ?.")
    return _one_call(
        view, "web_search", (words,), f"search the web for {words}", lambda result: f"I found:\n\n{result.text}"
    )


def _long(_: View, found: re.Match[str]) -> Sequence[Move]:
    many = min(int(found["many"]), 50_000)
    words = [LOREM[number % len(LOREM)] + ("." if number % 12 == 11 else "") for number in range(many)]
    paragraphs = [" ".join(words[at : at + 60]) for at in range(0, many, 60)]
    return [Think(), Say("\n\n".join(paragraphs))]


def _think(_: View, found: re.Match[str]) -> Sequence[Move]:
    seconds = found["seconds"]
    return [Think(), Wait(float(seconds)), Say(f"I thought about it for {seconds} seconds.")]


def _many(view: View, found: re.Match[str]) -> Sequence[Move]:
    many = int(found["many"])
    if view.results:
        done = sum(not result.is_error for result in view.results)
        return [Say(f"{done} of {len(view.results)} calls were made.")]
    tool = "write_note" if "write_note" in view.tools else "bash"
    if tool not in view.tools:
        return _missing("write_note")
    if tool == "bash":
        calls = [move for number in range(1, many + 1) for move in _use(view, tool, f"echo {number}") or []]
    else:
        calls = [move for n in range(1, many + 1) for move in _use(view, tool, f"Note {n}", f"Text {n}") or []]
    return [Say(f"I will make {many} calls at once."), *calls]


def _named(view: View, found: re.Match[str]) -> Sequence[Move]:
    """Call a tool by name, even one that does not exist: real models invent tools."""
    if view.results:
        return [Say("The tool answered with an error." if view.results[-1].is_error else view.results[-1].text)]
    server, _, name = found["tool"].rpartition("/")
    try:
        arguments = json.loads(found["arguments"] or "{}")
    except ValueError:
        arguments = {}
    tool = view.tools.get(name) or Tool(name, server or None)
    return [Use(tool.name, arguments, server or tool.server)]


def _earlier(view: View, _: re.Match[str]) -> Sequence[Move]:
    if not view.earlier:
        return [Say("This is your first request here.")]
    return [Say("Before this you asked:\n\n" + "\n".join(f"{n}. {words}" for n, words in enumerate(view.earlier, 1)))]


def _spend(view: View, _: re.Match[str]) -> Sequence[Move]:
    if view.step:
        return [Say("There is budget again: I went on and finished.")]
    if not view.has_budget:
        return [Say("This session has no budget to reach.")]
    call = _use(view, "bash", "ls") or _use(view, "list_notes") or []
    return [Say("I will work until the budget is used up."), Spend(), *call]


def _reschedule(_: View, __: re.Match[str]) -> Sequence[Move]:
    return [Say("I am being moved to another machine."), Reschedule(), Say("I am back and went on.")]


def _write_file(view: View, found: re.Match[str]) -> Sequence[Move]:
    done = len(view.results)
    names = [name.strip() for name in found["names"].split(" and ")]
    if done == len(names):
        return [Say(f"Done: {', '.join(names)}.")]
    content = (found["content"] or "name,amount\nalpha,3\n").strip()
    arguments = {"file_path": f"/mnt/session/outputs/{names[done]}", "content": content}
    return [Use("write", arguments, None)] if "write" in view.tools else _missing("write")


def _read_files(view: View, _: re.Match[str]) -> Sequence[Move]:
    paths = re.findall(r"^- (/mnt/session/uploads/\S+)$", view.words, re.MULTILINE)
    if view.results:
        return [Say("The files say:\n\n" + "\n".join(result.text for result in view.results))]
    return [Use("read", {"file_path": path}, None) for path in paths] or [Say("No files are attached.")]


def _unescaped(text: str) -> str:
    """Return the text with each `{U+200B}` replaced by that character, for what people cannot type."""
    return re.sub(r"\{U\+([0-9A-F]{4,6})\}", lambda found: chr(int(found[1], 16)), text)


NOTE = r"\b(?:write|add|create|make|save) (?:me )?(?:a |the |this )?(?:new )?note\b"
PHRASES: tuple[Phrase, ...] = (
    (r"^say exactly:\s?(?P<text>.*)$", lambda _, found: [Say(_unescaped(found["text"]))]),
    (r"\bcall (?P<many>\d+) tools at once", _many),
    (r"\bcall the tool `?(?P<tool>[\w./-]+)`?(?: with (?P<arguments>\{.*\}))?", _named),
    (r"\bwrite (?:me )?(?:a )?long text of (?P<many>\d+) words", _long),
    (r"\bwrite (?:a )?files? called (?P<names>[\w.-]+(?: and [\w.-]+)*)(?::\s*(?P<content>.+))?", _write_file),
    (r"\b(?:read|look at) the attached files", _read_files),
    (NOTE + r"(?: (?:called|named|titled|about|for))?(?P<title>[^:\n]{0,80}):\s*(?P<text>.+)$", _write),
    (NOTE + r"(?P<title>)\s+(?P<text>.+)$", _write),
    (r"\bdelete (?:the |my )?note\s+(?:called |named |titled )?(?P<title>.+)$", _delete),
    (r"\b(?:read|open|show)(?: me)? (?:the |my )?note\s+(?:called |named |titled )?(?P<title>.+)$", _read),
    (r"\bsummari[sz]e\b.*\bnotes?\b", _summarise),
    (r"\b(?:list|show)(?: me)? (?:my |the |all )*notes\b", _list),
    (r"\bsearch (?:my |the )?notes for (?P<words>.+)$", _search_notes),
    (r"\b(?:who am i|which account)\b", _who),
    (r"\bsearch the web for (?P<words>.+)$", _web),
    (r"\blet a helper run `(?P<theirs>[^`]+)` while you run `(?P<own>[^`]+)`", _helped),
    (r"\brun `(?P<command>[^`]+)`", _run),
    (r"\bthink for (?P<seconds>\d+(?:\.\d+)?) seconds?", _think),
    (
        r"\bunknown event\b",
        lambda *_: [Inject({"type": "agent.daydream", "dream": "sheep"}), Say("I had a new kind of event.")],
    ),
    (r"\bunknown stop reason\b", lambda *_: [Say("I stop for a new reason."), Stop("daydreaming")]),
    (
        r"\bunknown error\b",
        lambda *_: [
            Inject(
                {
                    "type": "session.error",
                    "error": {"type": "moon_phase_error", "message": "full moon", "retry_status": {"type": "retrying"}},
                }
            ),
            Say("There was a new kind of error, and I went on."),
        ],
    ),
    (r"\breach the budget\b", _spend),
    (r"\breschedule\b", _reschedule),
    (r"\bterminate\b", lambda *_: [Fail("model_request_failed_error", ("terminal",)), Stop("terminated")]),
    (r"^(?:please )?refuse\b", lambda *_: [Think(), Stop("refusal")]),
    (
        r"^(?:please )?fail\b",
        lambda *_: [Fail("model_overloaded_error", ("retrying", "retrying", "exhausted")), Stop("retries_exhausted")],
    ),
    (r"\bwhat did i ask\b", _earlier),
    (r"\bwhat can you do\b", lambda *_: [Say(HELP)]),
)
