"""`peregrine promote`: the checklist between the local exchange and real money. It skips no step."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import orjson

from cli.options import config_options, effective
from cli.promotion import STEPS, Grant, RecordError, checklist, counted, granted, next_step, read, write
from shared.exits import Exit


@click.command()
@click.option("--to", "wanted", type=click.Choice([step.to for step in STEPS]), help="Take this step, if it is next.")
@click.option("--json", "as_json", is_flag=True, help="Print the checklist as one JSON object.")
@click.option("--var", metavar="DIR", help="Where the runs left their evidence.")
@config_options
def promote(
    wanted: str | None, as_json: bool, var: str | None, config_file: Path | None, settings: tuple[str, ...]
) -> None:
    """Show what is still missing before the next step towards real money; with --to, take it."""
    config = effective(config_file, settings, {"var_dir": var} if var else None).config
    var_dir, strategy = Path(config.var_dir).resolve(), config.strategy
    try:
        record = read(var_dir)
    except RecordError as error:
        click.echo(f"peregrine: {error}", err=True)
        sys.exit(int(Exit.FAILURE))
    step = next_step(record, strategy)
    runs = counted(record, step, strategy) if step else []
    items = checklist(step, runs) if step else []
    taken = granted(record, strategy)
    if as_json:
        rows = [{"what": item.text, "value": item.value, "needed": item.needed, "done": item.done} for item in items]
        found = {"strategy": strategy, "granted": taken, "next": step.to if step else None, "checklist": rows}
        click.echo(orjson.dumps(found).decode())
    else:
        click.echo(f"{strategy}: granted so far: {', '.join(taken) or 'nothing'}")
        if step:
            click.echo(f"next: {step.to}, shown on {' or '.join(step.venues)}, in {len(runs)} sound runs in a row")
        for item in items:
            click.echo(f"  [{'x' if item.done else ' '}] {item.text:<12} {item.value:g} of {item.needed:g}")
    if wanted is None or wanted in taken:
        return
    if step is None or wanted != step.to:
        click.echo(f"peregrine: {wanted} is not the next step: {step.to if step else 'none'} is", err=True)
        sys.exit(int(Exit.FAILURE))
    if not all(item.done for item in items):
        click.echo(f"peregrine: {wanted}: not everything on the list is done", err=True)
        sys.exit(int(Exit.FAILURE))
    day = time.strftime("%Y-%m-%d", time.gmtime())
    record.grants.append(Grant(strategy, wanted, day, tuple(run.run_id for run in runs)))
    write(var_dir, record)
    click.echo(f"granted: {wanted}", err=as_json)
