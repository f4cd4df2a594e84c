"""From a profile to a plan that is ready to run: addresses, catalog and facts are gathered, no model is asked."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...profiles.base.background import in_background
from ...profiles.base.errors import ProctorError
from ...profiles.library import LoadedProfile
from ...profiles.paths import task_reference
from ...profiles.schema import Profile, TaskEntry
from ..catalog.account import account_of
from ..catalog.api_keys import set_variables
from ..catalog.endpoints import Endpoints, resolve_endpoints
from ..catalog.listings import Catalog
from .expand import PlanInputs, expand, known_prices
from .plan import Plan, RunSettings, TaskFacts
from .preflight import check, needs_account, needs_catalog, unsaved_values

if TYPE_CHECKING:
    from ..results.reader.client import Reader


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and the addresses and the token that its run needs."""

    plan: Plan
    endpoints: Endpoints


def prepare(loaded: LoadedProfile, *, now_s: float, reader: Reader | None = None) -> Prepared:
    """Gather what a plan needs, and make it. All that stands in the way of the run is in `plan.problems`.

    Practice is started where the profile wants it and none runs. The catalog is read while the tasks are built.

    Args:
        loaded: The profile.
        now_s: Seconds since the epoch.
        reader: The process to build tasks in; one is started for this call when left out.

    Raises:
        UsageError: An address in the environment is none.
        TokenError: There is a token, but it cannot be read.
        ProctorError: Practice cannot be started.
    """
    endpoints = endpoints_of(loaded.profile)
    inputs = PlanInputs(loaded.profile, loaded.path, endpoints, variables=set_variables())
    reading = in_background(lambda: _catalog(endpoints, now_s), "catalog") if needs_catalog(inputs) else None
    asking = in_background(lambda: account_of(endpoints, now_s=now_s), "account") if needs_account(inputs) else None
    with ExitStack() as stack:
        if reader is None:
            from ..results.reader.client import Reader

            reader = stack.enter_context(Reader(token=endpoints.token, hub_url=endpoints.hub_url))
        inputs = replace(inputs, facts=_facts(loaded, endpoints, reader))
    if asking is not None:
        inputs = replace(inputs, account=asking.result())
    failure: ProctorError | None = None
    if reading is not None:
        try:
            inputs = replace(inputs, catalog=reading.result())
        except ProctorError as error:
            failure = error
    return Prepared(make_plan(inputs, failure=failure), endpoints)


def endpoints_of(profile: Profile) -> Endpoints:
    """The addresses and the token that a profile is run with; practice is started where none runs."""
    if profile.run.source == "hub":
        return resolve_endpoints("hub")
    from ..simulator.launch import ensure_practice

    server = ensure_practice()
    return resolve_endpoints("practice", practice_url=(server.url, server.hub_url))


def _catalog(endpoints: Endpoints, now_s: float) -> Catalog:
    from ..catalog.cache import load_catalog

    return load_catalog(endpoints, now_s=now_s)


def _facts(loaded: LoadedProfile, endpoints: Endpoints, reader: Reader) -> tuple[TaskFacts, ...]:
    return tuple(_task_facts(entry, loaded, endpoints, reader) for entry in loaded.profile.tasks)


def _task_facts(entry: TaskEntry, loaded: LoadedProfile, endpoints: Endpoints, reader: Reader) -> TaskFacts:
    if unsaved_values(entry.args):  # the preflight says so
        return TaskFacts(entry.task)
    try:
        reference = task_reference(entry, loaded.path)
        return reader.task_facts(reference, entry.args, practice=endpoints.source == "practice")
    except ProctorError as error:
        return TaskFacts(entry.task, error=str(error))


def make_plan(inputs: PlanInputs, *, failure: ProctorError | None = None) -> Plan:
    """The plan that follows from what was gathered. Pure.

    Args:
        inputs: What was gathered.
        failure: Why there is no catalog, where one is needed and could not be had.
    """
    placed = expand(inputs)
    run = inputs.profile.run
    return Plan(
        title=inputs.profile.title,
        source=inputs.endpoints.source,
        router_url=inputs.endpoints.router_url,
        hub_url=inputs.endpoints.hub_url,
        cells=tuple(item.cell for item in placed),
        settings=RunSettings(
            cells_at_once=run.cells_at_once,
            max_connections=run.max_connections,
            retry_on_error=run.retry_on_error,
            budget_usd=run.budget_usd,
            bill_to=run.bill_to,
            credit_patience_s=run.credit_patience_s,
            hold_above_error_share=run.hold_above_error_share,
            errors_tolerated=inputs.profile.gates.max_errors or 0,
        ),
        problems=check(inputs, placed, failure=failure),
        prices=known_prices(inputs, placed),
    )
