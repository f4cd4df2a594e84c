"""The settings of a draft that the Plan place changes, as text and back; the schema says what they may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..evals.engine.plan import Plan
    from ..profiles.schema import Profile

GRADER = "grader.target"
SELF_GRADING = "each model grades itself"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `key` is its table and name in a profile."""

    key: str
    doc: str
    hint: str  # what holds where it is not set

    @property
    def title(self) -> str:
        """Its name, as in a profile."""
        return "grader" if self.key == GRADER else self.key.rpartition(".")[2]


SETTINGS: tuple[Setting, ...] = (
    Setting("run.limit", "samples of each task; empty: all of them", "all"),
    Setting("run.epochs", "how often each sample is asked", "1"),
    Setting("run.budget_usd", "dollars after which the run is held; empty: no limit", "no limit"),
    Setting("generate.temperature", "0 is the least random; empty: what each provider does", "default"),
    Setting("run.cells_at_once", "how many cells run at the same time", "8"),
    Setting("run.max_connections", "requests at the same time, of each cell; empty: as many as go well", "adaptive"),
    Setting("run.retry_on_error", "how often a sample that fails is tried again", "1"),
    Setting("generate.max_tokens", "longest answer, in tokens; empty: what each provider does", "default"),
    Setting(
        GRADER,
        "full Inspect model name of the one that grades all; empty: each model grades itself; ctrl+g chooses",
        f"{SELF_GRADING} · ctrl+g chooses",
    ),
)


def setting_value(draft: Profile, key: str) -> object:
    """What a setting holds: `None` where it is not set."""
    table, _, name = key.partition(".")
    held = getattr(draft, table)
    return getattr(held, name) if held is not None and name in held.model_fields_set else None


def setting_text(draft: Profile, key: str) -> str:
    """How a setting is typed; empty where it is not set."""
    value = setting_value(draft, key)
    return "" if value is None else f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)


def read_setting(draft: Profile, key: str, text: str) -> object:
    """What a text means for a setting; `None` for none.

    Raises:
        ValueError: The schema does not have it so, in its own words.
    """
    return setting_value(with_settings(draft, {key: _typed(key, text)}), key)


def with_settings(draft: Profile, values: Mapping[str, object]) -> Profile:
    """The draft with other settings; `None` unsets one.

    Raises:
        ValueError: The schema does not have it so, in its own words.
    """
    from pydantic import ValidationError

    from ..profiles.data import of_table
    from ..profiles.problems import of_validation

    data = of_table(draft)
    for key, value in values.items():
        table, _, name = key.partition(".")
        held = {} if key == GRADER else {k: v for k, v in data.get(table, {}).items() if k != name}
        if value is not None:
            held[name] = value
        data[table] = held
        if not held:
            del data[table]
    try:
        return type(draft).model_validate(data)
    except ValidationError as error:
        raise ValueError(of_validation(error)[0].says) from None


def grader_choices(draft: Profile, plan: Plan | None) -> tuple[str, ...]:
    """The full names of the targets that could grade: those of the draft, and what `all` stands for."""
    names = [name for item in draft.models if item.base_url is None for name in item.target_names]
    names += [cell.target.name for cell in plan.cells if cell.target.model is not None] if plan is not None else []
    if draft.grader is not None:
        names.insert(0, draft.grader.target)
    return tuple(dict.fromkeys(name for name in names if not name.endswith(":all")))


def _typed(key: str, text: str) -> object:
    """A number where the text is one; nothing where it is empty."""
    typed = text.strip()
    if not typed:
        return None
    if key != GRADER:
        for number in (int, float):
            try:
                return number(typed)
            except ValueError:
                continue
    return typed
