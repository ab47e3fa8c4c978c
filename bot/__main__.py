"""The command line, and the only reader of the environment: `python -m bot`."""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from bot import logs
from bot.app import running
from bot.config.file_services import Document
from bot.config.items import ItemChange
from bot.config.yaml_file import read, render_plan, write
from bot.config_cli import look, opened
from bot.doctor.findings import as_json, is_all_well, render
from bot.doctor.run import examine, mend
from bot.env import Settings, is_ours, list_unknown, read_loopback
from bot.environ_secrets import take_out
from bot.model.errors import (
    ConfigurationError,
    DeputyError,
    NotPermitted,
    Problem,
    SettingsInvalid,
    SlackUnavailable,
    Unavailable,
)
from bot.schemas import PublishedForm, write_schema
from store.errors import StoreError, StoreTaken, StoreUnavailable
from store.records import Secret
from store.sealing import new_key

EXIT_MISCONFIGURED = 2

cli = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    help="Deputy: a Slack bot in front of Claude Managed Agents. Without a command: run it.",
)
config_cli = typer.Typer(help="What admins set, as a file for review in git.", no_args_is_help=True)
cli.add_typer(config_cli, name="config")

T = TypeVar("T")


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
    except StoreTaken as error:
        typer.echo("Another Deputy took this database over when the connection that held it dropped.", err=True)
        raise typer.Exit(EXIT_MISCONFIGURED) from error
    except StoreUnavailable as error:
        typer.echo(f"The database does not answer ({error}). Deputy did not start; try again.", err=True)
        raise typer.Exit(1) from error
    except Unavailable as error:
        is_slack = isinstance(error, SlackUnavailable)
        who, name = ("Slack", "SLACK_API_URL") if is_slack else ("The Managed Agents API", "ANTHROPIC_BASE_URL")
        advice = f" If it goes on, correct {name} or unset it." if settings.is_moved(name) else ""
        typer.echo(f"{who} does not answer. Deputy did not start; try again, or run the doctor.{advice}", err=True)
        raise typer.Exit(1) from error


@cli.command()
def doctor(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="First bring agents and environments back.")] = False,
) -> None:
    """Check every token, scope, address and id, and say what to do about each; exits 1 if one is not well."""
    settings = _settings()
    logs.configure("error")
    if repair:
        _mend(settings)
    findings = asyncio.run(examine(settings))
    typer.echo(as_json(findings) if json else render(findings))
    raise typer.Exit(0 if is_all_well(findings) else 1)


def _mend(settings: Settings) -> None:
    try:
        mended = asyncio.run(mend(settings))
    except (DeputyError, StoreError) as error:
        typer.echo(f"Nothing was repaired ({type(error).__name__}).", err=True)
    else:
        typer.echo(f"Repaired: {', '.join(mended) or 'nothing to do'}.", err=True)


@cli.command(name="new-key")
def print_new_key() -> None:
    """Print a new key for DEPUTY_SECRET_KEYS."""
    typer.echo(new_key())


@cli.command(name="schema")
def print_schema(form: PublishedForm) -> None:
    """Print the JSON Schema of what people write for Deputy, which is also in docs/schema."""
    typer.echo(write_schema(form), nl=False)


@config_cli.command(name="export")
def export_config() -> None:
    """Print what admins set, as a file."""

    async def export(settings: Settings) -> str:
        async with opened(settings, _secret_of) as commands:
            return write(await commands.read())

    typer.echo(_configured(export), nl=False)


@config_cli.command(name="diff")
def diff_config(file: Path) -> None:
    """Say what applying a file would change; exit code 1 when there is something."""

    async def plan(settings: Settings) -> tuple[ItemChange, ...]:
        async with opened(settings, _secret_of) as commands:
            return (await commands.plan(_read_file(file))).changes

    changes = _configured(plan)
    typer.echo(render_plan(changes))
    raise typer.Exit(1 if changes else 0)


@config_cli.command(name="apply")
def apply_config(
    file: Path,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is applied.")] = False,
    look: Annotated[
        bool, typer.Option(help="Look at new services first; without, they are held to the file all the same.")
    ] = True,
) -> None:
    """Bring what a file says into the running Deputy: shown first, then all of it or nothing."""

    async def apply(settings: Settings) -> str:
        async with opened(settings, _secret_of) as commands:
            plan = await commands.plan(_read_file(file))
            if look:
                await commands.file.look(plan)
            typer.echo(render_plan(plan.changes))
            if not plan.changes:
                return ""
            if not yes and not typer.confirm("Apply this?"):
                raise typer.Exit(1)
            await commands.file.apply(plan)
            return "Applied. A running Deputy takes it up within seconds."

    typer.echo(_configured(apply))


@config_cli.command(name="look")
def look_at_service(url: str) -> None:
    """Look at an MCP server without any credential, and print what to write of it into the file."""
    environ = take_out(os.environ, is_ours)
    logs.configure("error")
    try:
        # No settings: one looks before anything is set up, and on machines that have no key.
        found = asyncio.run(look(url, allow_loopback=read_loopback(environ)))
    except SettingsInvalid as error:
        typer.echo(f"This cannot be a service:\n{error}", err=True)
        raise typer.Exit(EXIT_MISCONFIGURED) from error
    except ConfigurationError as error:
        _misconfigured(error)
    typer.echo(found, nl=False)


def _secret_of(variable: str) -> Secret | None:
    """Return what a file's reference names; the settings' model lets it name clients' secrets only."""
    value = os.environ.get(variable, "").strip()
    return Secret(value) if value else None


def _read_file(file: Path) -> Document:
    try:
        return read(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid((Problem(str(file), f"cannot be read ({type(error).__name__})"),)) from error


def _configured(work: Callable[[Settings], Awaitable[T]]) -> T:
    """Do one command on the settings; every no is a sentence, and nothing was changed then."""
    settings = _settings()
    logs.configure("error")

    async def do() -> T:
        return await work(settings)

    try:
        return asyncio.run(do())
    except SettingsInvalid as error:
        typer.echo(f"These settings cannot be used; nothing was changed:\n{error}", err=True)
        raise typer.Exit(EXIT_MISCONFIGURED) from error
    except NotPermitted as error:
        typer.echo("Somebody changed the settings since the plan was made; nothing was changed. Try again.", err=True)
        raise typer.Exit(1) from error
    except ConfigurationError as error:
        _misconfigured(error)
    except Unavailable as error:
        typer.echo("Slack does not answer; nothing was changed. Try again.", err=True)
        raise typer.Exit(1) from error


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    starting = asyncio.current_task()
    is_starting = True

    def stop() -> None:
        stopping.set()
        if is_starting and starting:
            starting.cancel()  # a start may wait long for a peer: nothing was promised to anybody yet

    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    try:
        async with running(settings) as app:
            is_starting = False
            await app.serve(stopping)
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise


def _settings() -> Settings:
    # Libraries read these too: with SLACK_CLIENT_ID set, Bolt would keep installations in files of its own.
    environ = take_out(os.environ, is_ours)
    for warning in list_unknown(environ):
        typer.echo(warning, err=True)
    try:
        return Settings.from_environ(environ)
    except ConfigurationError as error:
        _misconfigured(error)


def _misconfigured(error: ConfigurationError) -> NoReturn:
    typer.echo(f"Deputy cannot start with these settings:\n{error}\nSee .env.example.", err=True)
    sys.exit(EXIT_MISCONFIGURED)


if __name__ == "__main__":
    # On its way out the interpreter would look through all there is for garbage: a second or more of a busy machine,
    # for which whoever stops Deputy waits, and nothing of ours does.
    atexit.register(gc.freeze)
    cli(prog_name="python -m bot")
