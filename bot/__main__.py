"""The command line, and the only reader of the environment: `python -m bot`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import NoReturn

import typer

from bot import logs
from bot.app import running
from bot.doctor import examine, render
from bot.errors import ConfigurationError, SlackUnavailable, Unavailable
from bot.settings import Settings
from store.sealing import new_key

EXIT_MISCONFIGURED = 2

cli = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    help="Deputy: a Slack bot in front of Claude Managed Agents. Without a command: run it.",
)


@cli.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Run Deputy when no command is given."""
    if context.invoked_subcommand is None:
        run()


@cli.command()
def run() -> None:
    """Run Deputy: Slack by Socket Mode (or HTTP), the web app, and the turns."""
    settings = _settings()
    logs.configure(settings.log_level)
    try:
        asyncio.run(_serve(settings))
    except ConfigurationError as error:
        _misconfigured(error)
    except Unavailable as error:
        who = "Slack" if isinstance(error, SlackUnavailable) else "The Managed Agents API"
        typer.echo(f"{who} does not answer. Deputy did not start; try again, or run the doctor.", err=True)
        raise typer.Exit(1) from error


@cli.command()
def doctor() -> None:
    """Check every token, scope, address and id, and say what to do about each."""
    settings = _settings()
    logs.configure("error")
    findings = asyncio.run(examine(settings))
    typer.echo(render(findings))
    raise typer.Exit(0 if all(finding.is_well for finding in findings) else 1)


@cli.command(name="new-key")
def print_new_key() -> None:
    """Print a new key for DEPUTY_SECRET_KEYS."""
    typer.echo(new_key())


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    async with running(settings) as app:
        await app.serve(stopping)


def _settings() -> Settings:
    environ = dict(os.environ)
    # Libraries read these too: with SLACK_CLIENT_ID set, Bolt would keep installations in files of its own.
    for name in environ:
        if name.startswith(("SLACK_", "ANTHROPIC_", "DEPUTY_")):
            del os.environ[name]
    try:
        return Settings.from_environ(environ)
    except ConfigurationError as error:
        _misconfigured(error)


def _misconfigured(error: ConfigurationError) -> NoReturn:
    typer.echo(f"Deputy cannot start with these settings:\n{error}\nSee .env.example.", err=True)
    sys.exit(EXIT_MISCONFIGURED)


if __name__ == "__main__":
    cli(prog_name="python -m bot")
