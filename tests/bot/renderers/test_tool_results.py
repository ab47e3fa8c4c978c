"""What a tool answered is a short phrase, whatever it answered."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.renderers.tool_results import result

PNG = base64.b64encode(bytes(range(256))).decode()
TRACE = """Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    raise ValueError("no")
ValueError: no"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["a", "b"]', "2 results"),
        ('{"results": [1]}', "1 result"),
        ('{"pages": [1, 2, 3], "next": null}', "3 pages"),
        ('{"{\\"a": [1, 2]}', "2 results"),
        ('{"title": "Roadmap", "id": "x"}', "Roadmap"),
        ('{"title": "Roadmap: {\\"a\\": 1}"}', "Roadmap …"),
        ('{"id": "x"}', ""),
        ('{"broken": ', ""),
        (json.dumps(json.dumps({"results": [1, 2]})), "2 results"),
        (json.dumps("Found: " + json.dumps({"a": 1})), "Found …"),
        ('Found 3 pages: {"results": [{"id": 1}]}', "Found 3 pages …"),
        ("Here is the page - {'id': 1}", "Here is the page …"),
        ('Matches: ["a", "b"]', "Matches …"),
        ("The ids are [1, 2, 3]", "The ids are …"),
        ('"id": "abc",\n"title": "x"', ""),
        ('{"a": 1}\n{"a": 2}', "2 results"),
        ('```json\n{"items": [1]}\n```', "1 result"),
        ("```\nAll tests passed\n```", "All tests passed"),
        ("<html><body>no</body></html>", ""),
        ("The page says <div class='x'>no</div>", "The page says …"),
        ("The image: " + PNG, "The image …"),
        (PNG, ""),
        ("data:image/png;base64,AAAA", ""),
        (TRACE, ""),
        ("It failed.\n" + TRACE, ""),
        ("Error: boom\n    at Object.run (/app/index.js:1:2)", ""),
        ("panic: boom\n\ngoroutine 1 [running]:", ""),
        ("**Saved** the `note`\nand more", "Saved the note …"),
        ("Saved [the note](https://example.com/n/1) for you", "Saved [the note](https://example.com/n/1) for you"),
        ("As said in [1] and by Bob, 3 < 4", "As said in [1] and by Bob, 3 < 4"),
        ('It is 12:30: time for "lunch"', 'It is 12:30: time for "lunch"'),
        ("\n\n  Found it", "Found it"),
        ("word " * 100, ("word " * 24)[:119] + "…"),
        ("42", "42"),
        ("null", ""),
        ("", ""),
        ("[" * 100_000, ""),
    ],
)
def test_a_result_is_one_short_phrase_and_never_raw(text, words):
    assert result(text) == words


PROSE = st.text(st.characters(categories=("L", "N", "Zs"), include_characters=".,:!?-"), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=12), VALUES, min_size=1, max_size=4)
RAW = re.compile(r"[{}]|\[\s*[\"\[]|[\"']\s*:|</?[a-zA-Z]|[A-Za-z0-9+/=]{48}")


@given(PROSE, OBJECTS | st.lists(OBJECTS, min_size=1, max_size=3), PROSE, st.sampled_from([None, 2]), st.booleans())
def test_no_json_shows_wherever_it_stands_in_a_result(before, value, after, indent, is_wrapped):
    text = f"{before}{json.dumps(value, indent=indent)}{after}"
    words = result(json.dumps(text) if is_wrapped else text)

    assert not RAW.search(words)
    assert len(words) <= 120
    assert "\n" not in words


@given(VALUES)
def test_any_json_is_a_phrase_of_one_line(value):
    words = result(json.dumps(value))

    assert not RAW.search(words) or isinstance(value, str)
    assert len(words) <= 120
    assert "\n" not in words


@given(PROSE.map(lambda text: " ".join(text.split())))
def test_what_people_write_stays(text):
    assert result(f"Note {text}").removesuffix(" …") == f"Note {text}".strip()


@pytest.mark.fault("F32")
@pytest.mark.parametrize(
    "text",
    [
        "wrote /mnt/session/outputs/__init__.py",
        "Created branch fix_login_bug in my_app",
        "Closed issue #42 in acme/web",
        "Sent to ops_team@example.com",
        "2*3*4 is 24",
        "__init__ ran",
    ],
)
def test_names_in_a_result_stay_as_they_are(text):
    assert result(text) == text


@pytest.mark.fault("F32")
def test_marks_around_words_go():
    assert result("**Saved** the `note`, _really_ *now*") == "Saved the note, really now"
    assert result("## Heading") == "Heading"


@pytest.mark.fault("F31")
@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"repositories": [1]}, "1 result"),
        ({"statuses": [1, 2]}, "2 statuses"),
        ({"companies": [1, 2]}, "2 companies"),
        ({"staff": [1, 2]}, "2 staff"),
    ],
)
def test_a_services_own_word_for_its_things_is_not_bent(found, words):
    assert result(json.dumps(found)) == words
