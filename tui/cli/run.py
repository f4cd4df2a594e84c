"""`proctor run`: run a profile without a screen."""

from __future__ import annotations

import time
from contextlib import nullcontext

import click
from rich.console import Console

from ...evals.api.planning import open_planner
from ...evals.planning.consent import accepting, write_accepted
from ...evals.planning.plan import Plan
from ...evals.run.launch import PendingSupervisor, make_run
from ...evals.run.store import log_root
from ...evals.views.plan import plan_record, spending_line, totals_line
from ...profiles.base.errors import UsageError
from ...profiles.base.text import clean_line
from ...profiles.library import load
from .follow import leave, tell_launch, watch
from .output import print_event, waiting
from .plan_view import print_plan, print_problems
from .run_options import trust_host_option
from .spending import NOT_STARTED, may_start, yes_option


@click.command()
@click.argument("profile")
@click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a key, e.g. run.limit=5. Repeatable."
)
@click.option("--practice", is_flag=True, help="Use the practice router: simulated models, no token, no cost.")
@click.option("--budget", metavar="USD", help="Hold the run before it costs more.")
@click.option("--log-dir", metavar="DIR", help="The log root. Default: the profile's, $INSPECT_LOG_DIR, ./logs.")
@trust_host_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Print the cells, the estimate and what would fail; send nothing.")
@click.option("--detach", is_flag=True, help="Start the run, say where it is, and leave it running.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines and nothing else on stdout.")
def command(
    profile: str,
    overrides: tuple[str, ...],
    practice: bool,
    budget: str | None,
    log_dir: str | None,
    trusted_hosts: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    detach: bool,
    as_json: bool,
) -> int:
    """Run PROFILE: a TOML file, or the name of one of `proctor profiles`."""
    changes = [*overrides]
    if practice:
        changes.append("run.source=practice")
    if budget is not None:
        changes.append(f"run.budget_usd={budget}")
    loaded = load(profile, overrides=changes)
    with nullcontext() if dry_run else PendingSupervisor() as supervisor:
        with open_planner() as planner, waiting("Reading the catalog and building the tasks …"):
            prepared = planner.prepare(loaded.profile, loaded.path, trusted_hosts=trusted_hosts)
        plan = prepared.plan
        if supervisor is None:
            _show_plan(plan, as_json=as_json)
            return UsageError.exit_code if plan.errors else 0
        if not as_json:
            click.echo(clean_line(spending_line(plan, loaded.name)), err=True)
        print_problems(plan.problems)
        if plan.errors:
            return UsageError.exit_code
        if not may_start(may_cost=plan.may_cost, yes=yes, as_json=as_json):
            return NOT_STARTED
        root = log_root(log_dir, loaded.profile.run.log_dir)
        run_dir = make_run(root, loaded.name, plan, loaded.profile, now_s=time.time(), profile_path=loaded.path)

        def launch() -> None:
            write_accepted(loaded.path, accepting(prepared.key_uses, trusted_hosts))
            supervisor.begin(run_dir, prepared.endpoints.token, key_hosts=prepared.key_hosts)
            cells = [cell.id for cell in plan.cells]
            tell_launch(totals_line(plan), cells, run_dir, supervisor.pid, as_json=as_json)

        if detach:
            launch()
            return leave(run_dir, supervisor, as_json=as_json)
        return watch(launch, run_dir, supervisor, loaded.profile.gates, as_json=as_json)


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_event("plan", plan_record(plan))
    else:
        print_plan(plan, Console())
