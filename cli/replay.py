"""`peregrine replay`: tell a finished run again and compare every answer."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from replay.runs import IncompleteError, tell_again
from shared.exits import Exit
from shared.messages import ProtocolError
from shared.service import ReplayDiffersError


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
def replay(run_dir: Path) -> None:
    """Feed the journals in RUN_DIR (var/runs/<run id>) to fresh cores; any different answer is an error."""
    try:
        for told in tell_again(run_dir):
            click.echo(
                f"{told.worker:<10} start {told.epoch}  {told.inputs:>8} inputs  {told.outputs:>8} outputs  same"
            )
    except (ReplayDiffersError, IncompleteError, ProtocolError) as error:
        click.echo(f"peregrine: {error}", err=True)
        sys.exit(Exit.FAILURE)
