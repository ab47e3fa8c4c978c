"""The README's table of variables and .env.example are made of `Settings`: `python -m tests.bot.test_env_example`."""

import re
from pathlib import Path

from bot.env import Settings, Variable, list_variables
from bot.model.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
FILE, README = ROOT / ".env.example", ROOT / "README.md"
TABLE = re.compile(r"\| variable \| required \| what \|\n\|---\|---\|---\|\n(\|.*\n)*")
HEAD = """\
# The settings of Deputy. Copy this file to .env (never commit that one), fill it in, and start with:
#   set -a; . ./.env; set +a; make run
# What begins with # may stay away. One of SLACK_APP_TOKEN and SLACK_SIGNING_SECRET is needed.
"""


def example() -> str:
    """Return the file as it has to be."""
    return HEAD + "".join(map(entry, list_variables()))


def entry(variable: Variable) -> str:
    """Return a variable with its comment; one that may stay away shows its default."""
    default = re.search(r"default `([^`]+)`", variable.what)
    words = variable.what.replace("`", "")
    if variable.is_required:
        return f"\n# {words} (required)\n{variable.name}=\n"
    return f"\n# {words}\n#{variable.name}={default[1] if default else ''}\n"


def readme() -> str:
    """Return the README with its table as it has to be."""
    rows = [f"| `{name}` |{' yes' if is_required else ''} | {what} |\n" for name, is_required, what in list_variables()]
    return TABLE.sub("| variable | required | what |\n|---|---|---|\n" + "".join(rows), README.read_text("utf-8"))


def test_the_example_is_made_of_the_settings():
    assert FILE.read_text("utf-8") == example(), "run: python -m tests.bot.test_env_example"


def test_the_readme_lists_every_setting_as_it_is():
    assert README.read_text("utf-8") == readme(), "run: python -m tests.bot.test_env_example"
    assert len(TABLE.findall(readme())) == 1


def test_the_example_as_it_is_lacks_only_what_it_calls_required():
    given = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example(), re.MULTILINE))

    try:
        Settings.from_environ(given)
    except ConfigurationError as error:
        problems = error.problems
    named = {problem.split()[0] for problem in problems}
    assert named == {variable.name for variable in list_variables() if variable.is_required} | {"SLACK_APP_TOKEN"}


if __name__ == "__main__":
    FILE.write_text(example(), "utf-8")
    README.write_text(readme(), "utf-8")
