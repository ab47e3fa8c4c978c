"""Code of every CommonMark form is never changed; what only looks like code is made harmless."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.renderers import slack_limits
from bot.renderers.markdown_blocks import Outline
from bot.renderers.safe_markdown import safe_markdown, segment, segment_end, settled, streamed

pytestmark = pytest.mark.fault("F16")
CODE = [
    "1. Install:\n\n    ```python\n    handlers[name](event)\n    ```\n2. done\n",
    "10. Ten\n    ```\n    a[0](b)\n    ```\n",
    "- one\n  - two\n\n    ~~~\n    a[0](b)\n\n    c[0](d)\n    ~~~\n",
    "> ```\n> a[0](b)\n> ```\n",
    "> - x\n>   ```\n>   a[0](b)\n>   ```\n",
    "- ```\n  a[0](b)\n  ```\n",
    "Text\n\n    indented[code](block)\n",
    "\tindented[code](block)\n",
    "- item\n\n      indented[code](block)\n",
    "1.     indented[code](block)\n",
    "``a ` b[0](c)``",
    "`` `a[0](b)` ``",
    "`over\ntwo[lines](x)`",
    "- `over\n  two[lines](x)` in an item",
    "~~~ ` in ` the info\na[0](b)\n~~~\n",
    "````\n```\na[0](b)\n```\n````\n",
    "```\nnever closed[0](x)\n",
    "`" + "long " * 200 + "a[0](b)`",
]
TEXT = [
    r"\`a[0](b)\`",
    "`a[0](b)``",
    "para\n    a[0](b)\n",
    "- item\n    a[0](b)\n",
    "-\n    a[0](b)\n",
    "> para\n    a[0](b)\n",
    "> ```\na[0](b)\n",
    "- ```\na[0](b)\n",
    "``` ` info\na[0](b)\n",
    "`a\n\na[0](b)`",
    "`a\n# b\na[0](b)`",
    "`a\n- a[0](b)`",
    "> x\n===\n    a[0](b)\n",
    "| `a | a[0](b) ` |\n|---|---|\n",
]


@pytest.mark.fault("F16")
@pytest.mark.parametrize("text", CODE)
def test_code_stays_as_it_was_wherever_it_stands(text):
    assert safe_markdown(text) == text


@pytest.mark.parametrize("text", TEXT)
def test_what_only_looks_like_code_is_made_harmless(text):
    assert "](" not in safe_markdown(text)


PIECES = st.lists(
    st.sampled_from([
        "a[0](b)", "word", " ", "  ", "    ", "\t", "\n", "\n", "\n\n", "- ", "* ", "1. ", "2) ", "> ", "`", "``",
        "```", "~~~", "# ", "---", "===", "\\", "10. ", "`` ` ``", "[", "]", "[x](",
    ]),
    max_size=25,
).map("".join)  # fmt: skip


def links_and_code(text):
    """Return how CommonMark reads a text: where its links lead, and its code."""
    links, code = [], []
    for block in MarkdownIt("commonmark", {"html": False}).parse(text):
        if block.type in {"fence", "code_block"}:
            code.append(block.content)
        for one in block.children or []:
            if one.type == "link_open":
                links.append(one.attrs["href"])
            elif one.type == "code_inline":
                code.append(one.content)
    return links, code


@settings(max_examples=400)
@given(PIECES)
@example("1. a\n\n   ```\n   a[0](b)\n   ```")
def test_nothing_that_commonmark_reads_as_a_link_leads_anywhere(text):
    assert links_and_code(safe_markdown(text))[0] == []


@settings(max_examples=400)
@given(PIECES)
def test_what_commonmark_reads_as_code_is_there_unchanged(text):
    code = links_and_code(text)[1]
    shown = links_and_code(safe_markdown(text))[1]

    assert [one for one in code if "](" in one and one not in shown] == []


@settings(max_examples=300)
@given(PIECES, st.lists(st.integers(0, 120), max_size=8))
def test_what_was_sent_is_a_beginning_of_what_is_sent_later(text, cuts):
    whole = safe_markdown(text)

    for cut in cuts:
        assert whole.startswith(safe_markdown(text[:cut][: settled(text[:cut])])), cut


@pytest.mark.parametrize(
    "text",
    [
        "1. Install:\n\n    ```python\n" + "    handlers[name](event)\n" * 200 + "    ```\n2. done\n",
        "- a\n  - b\n    ~~~\n" + "    handlers[name](event)\n" * 200 + "    ~~~\n",
        "> ```\n" + "> handlers[name](event)\n" * 200 + "> ```\n",
        "```\n" + "handlers[name](event) " * 200 + "\n```\n",
        "1. x\n   ```\n   " + "handlers[name](event) " * 200 + "\n   ```\n",
        "Text\n\n" + "    handlers[name](event)\n" * 200,
        "Text\n\n    " + "handlers[name](event) " * 200,
        "``x ` handlers[name](event)`` " * 200,
    ],
)
def test_code_that_is_cut_into_messages_is_code_in_each(text):
    start, outline, told = 0, Outline(), 0
    while start < len(text):
        end = segment_end(text, start, room=slack_limits.TEXT_BYTES_LEAST, at_least=start, outline=outline)
        shown = segment(text, start, end, outline=outline)
        assert slack_limits.size(shown) <= slack_limits.TEXT_BYTES_LEAST
        assert "handlersname" not in shown
        assert shown.startswith(streamed(text, start, end, outline=outline))
        told += sum(one.count("[name](event)") for one in links_and_code(shown)[1])
        start = end

    assert told >= 198


def test_what_was_inside_an_address_that_is_none_is_no_link_of_its_own():
    assert links_and_code(safe_markdown("[x](a[0](b)2)")) == ([], [])
