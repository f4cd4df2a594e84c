"""The `proctor` command: its commands, loaded when they are asked for, and how every failure is told."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from ...profiles.errors import ProctorError
from ..clean import clean_line

# name -> (module beside this one, sentence of --help). The module holds a click command named `command`.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "Run a profile and print its scoreboard."),
    "runs": ("runs", "List the runs of the log root."),
    "stop": ("stop", "Stop a run in order, keeping what is finished."),
    "show": ("show", "Show the scoreboard of a run."),
    "models": ("models", "Find models, and what each provider asks for them."),
    "probe": ("probe", "Ask targets one tiny question each: do they answer, how fast, and who answers."),
    "tasks": ("tasks", "List the tasks that can be run."),
    "profiles": ("profiles", "List the profiles that can be run, or print one."),
    "practice": ("practice", "Serve the practice router: simulated models that cost nothing."),
    "doctor": ("doctor", "Check token, network, versions and terminal, each with a remedy."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when that command is called, so that `--help` and errors stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which they are met."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[cmd_name][0]}", __package__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


FIRST_WALK = "Try it without a token, a network or any cost: proctor run practice"


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=FIRST_WALK,
)
@click.version_option(package_name="proctor", prog_name="proctor")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Evaluate language models with Inspect over Hugging Face Inference Providers."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line: one clear line for every failure, and the exit codes of the README."""
    try:
        result: Any = cli.main(standalone_mode=False)
    except ProctorError as error:
        sys.stdout.flush()
        click.echo(f"proctor: {clean_line(str(error))}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"proctor: {clean_line(error.format_message())}", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)
