""".env.example is made from the lines below the fields of `Settings`: `python tests/bot/test_env_example.py`."""

import ast
import re
from pathlib import Path

from bot.env import Settings
from bot.model.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".env.example"
LINE = re.compile(r"`([A-Z_]+)`( \(required\))?: (.+)", re.DOTALL)
HEAD = """\
# The settings of Deputy. Copy this file to .env (never commit that one), fill it in, and start with:
#   set -a; . ./.env; set +a; make run
# What begins with # may stay away. One of SLACK_APP_TOKEN and SLACK_SIGNING_SECRET is needed.
"""


def example() -> str:
    """Return the file as it has to be."""
    return HEAD + "".join(entry(*line) for line in lines())


def lines() -> list[tuple[str, bool, str]]:
    """Return each variable, whether it is required, and what it is."""
    tree = ast.parse((ROOT / "bot" / "env.py").read_text("utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    strings = [node.value.value for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return [(found[1], bool(found[2]), found[3]) for found in map(LINE.fullmatch, strings) if found]


def entry(name: str, is_required: bool, what: str) -> str:
    """Return a variable with its comment; one that may stay away shows its default."""
    default = re.search(r"default `([^`]+)`", what)
    words = what.replace("`", "")
    if is_required:
        return f"\n# {words} (required)\n{name}=\n"
    return f"\n# {words}\n#{name}={default[1] if default else ''}\n"


def test_the_example_is_made_of_the_settings():
    assert FILE.read_text("utf-8") == example(), "run: python tests/bot/test_env_example.py"


def test_the_example_as_it_is_lacks_only_what_it_calls_required():
    given = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example(), re.MULTILINE))

    try:
        Settings.from_environ(given)
    except ConfigurationError as error:
        problems = error.problems
    named = {problem.split()[0] for problem in problems}
    assert named == {name for name, is_required, _ in lines() if is_required} | {"SLACK_APP_TOKEN"}


if __name__ == "__main__":
    FILE.write_text(example(), "utf-8")
