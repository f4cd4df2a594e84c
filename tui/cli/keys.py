"""`proctor keys`: the keys of the application, and the file that moves them."""

from __future__ import annotations

import json
import shutil
import sys

import click

from ...profiles.base.text import clean_line
from ..input.bindings import known_keys
from ..input.keymap import keys_path
from ..input.keymap_file import read_keys, write_starter, written_key


@click.command()
@click.option("--write", is_flag=True, help="Start the file: every id with its key, commented out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(write: bool, as_json: bool) -> int:
    """List the keys of the application: id, keys, where they count, what they do.

    keys.toml in the configuration folder moves them: in its table [keys] stands a key, or several with commas, by
    the id, like "models.sort" = "f5". What is wrong with it is told here and when the application opens, and
    costs only that line.

    \b
    --json prints {file, keys: [{id, keys, default, where, does}], problems}.
    """  # noqa: D301
    known = known_keys()
    path = keys_path()
    if write:
        write_starter(path, known.values())
        click.echo(str(path))
        return 0
    moved, problems = read_keys(path, known)
    if as_json:
        listed = [
            {
                "id": one.id,
                "keys": moved[one.id].split(",") if one.id in moved else list(one.keys),
                "default": list(one.keys),
                "where": list(one.scopes),
                "does": one.does,
            }
            for one in known.values()
        ]
        click.echo(json.dumps({"file": str(path), "keys": listed, "problems": problems}, indent=2, ensure_ascii=False))
        return 2 if problems else 0
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    heading = ""
    for one in known.values():
        where = ", ".join(one.scopes)
        if where != heading:
            click.secho(("\n" if heading else "") + where[:1].upper() + where[1:], bold=True)
            heading = where
        keys = "  ".join(map(written_key, moved[one.id].split(",") if one.id in moved else one.keys))
        mark = "*" if one.id in moved else " "
        line = f"{mark} {one.id:<24} {keys:<18} {clean_line(one.does)}"
        click.echo(line if width is None or len(line) <= width else f"{line[: width - 1]}…")
    for problem in problems:
        click.echo(f"! {clean_line(problem)}", err=True)
    there = "* moved by" if path.exists() else "`proctor keys --write` starts"
    click.echo(f"{there} {clean_line(str(path))}", err=True)
    return 2 if problems else 0
