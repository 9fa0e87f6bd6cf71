"""The `peregrine` command. Each subcommand is imported when it is called, so that none pays for another."""

from __future__ import annotations

import importlib
import sys

import click

from shared.config_load import ConfigError
from shared.exits import Exit

COMMANDS = {
    "run": "cli.run:run",
    "why": "cli.why:why",
    "promote": "cli.promote:promote",
    "exchange": "cli.exchange:command",
    "replay": "cli.replay:replay",
    "config": "cli.config:command",
}
"""Subcommand -> module:name of its click command."""


class LazyGroup(click.Group):
    """A group that knows its subcommands by name and imports one when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every subcommand, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="peregrine")
def app() -> None:
    """Multi-process scalping on Bybit USDT perpetuals. Starts on a local exchange; real money takes three keys."""


def main() -> None:
    """Run the command line and exit with a code from `Exit`; every expected failure is one or more clear lines."""
    try:
        code = app(standalone_mode=False)
    except ConfigError as error:
        _say(*error.lines)
        code = Exit.BAD_CONFIG
    except FileNotFoundError as error:
        _say(f"{error.filename}: no such file")
        code = Exit.NOT_FOUND
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = Exit.INTERRUPTED
    sys.exit(code if isinstance(code, int) else Exit.OK)


def _say(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


if __name__ == "__main__":
    main()
