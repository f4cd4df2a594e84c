"""`proctor probe`: ask models one tiny question each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from ...evals.catalog.endpoints import require_token
from ...evals.catalog.probe import ProbeResult, probe
from ...profiles.base.background import in_background
from ...profiles.base.format import format_latency
from ...profiles.base.text import clean_line
from .models import command_endpoints, plain_table, stdout_console

HF_PREFIX = "hf-inference-providers/"


@click.command(short_help="Ask models one tiny question each: do they answer, how fast, and who answers.")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option(
    "--timeout", metavar="S", type=click.FloatRange(min=0.1), default=30.0, help="Longest wait for an answer."
)
@click.option("--practice", is_flag=True, help="Ask the practice router.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(models: tuple[str, ...], timeout: float, practice: bool, as_json: bool) -> int:
    """Ask models one tiny question each: do they answer, how fast, and who answers.

    A MODEL is a model's id with a provider or a policy: openai/gpt-oss-120b:groq. The questions are real requests:
    with a token they cost a fraction of a cent. Ends with 1 when a model does not answer.

    --json prints [{model, model, route, served_by, first_token_ms, total_ms, text, finish_reason,
    output_tokens, status, error, remedy}]; null is unknown.
    """
    endpoints = command_endpoints(practice)
    require_token(endpoints)
    asked = [
        in_background(lambda model=model, route=route: probe(endpoints, model, route, timeout_s=timeout), "probe")
        for model, route in map(_parts, models)
    ]
    results = [future.result() for future in asked]
    if as_json:
        click.echo(json.dumps([{"model": result.model, **asdict(result)} for result in results], indent=2))
    else:
        _show(results)
    return 0 if all(result.is_ok for result in results) else 1


def _parts(model: str) -> tuple[str, str | None]:
    """The model and the route of a model, with or without Inspect's name for the router."""
    model, _, route = model.removeprefix(HF_PREFIX).partition(":")
    return model, route or None


def _show(results: Sequence[ProbeResult]) -> None:
    from rich.text import Text

    table = plain_table()
    table.add_column("model", overflow="fold")
    table.add_column("answer", overflow="fold")
    table.add_column("first", justify="right", no_wrap=True)
    table.add_column("total", justify="right", no_wrap=True)
    table.add_column("served by", no_wrap=True)
    for result in results:
        if result.error is None:
            answer = clean_line(result.text, 40) or f"nothing but thoughts ({clean_line(result.finish_reason or '')})"
            cells = (f"✓ {answer}", format_latency(result.first_token_ms), format_latency(result.total_ms))
        else:
            remedy = f" → {result.remedy}" if result.remedy else ""
            cells = (f"✗ {clean_line(result.error)}{remedy}", "", "")
        table.add_row(
            *(
                Text(cell)
                for cell in (
                    clean_line(result.model),
                    *cells,
                    clean_line(result.served_by or ("?" if result.is_ok else "")),
                )
            )
        )
    stdout_console().print(table)
