"""Who knows what, and where will they look: the stories that come with Inspect."""

from __future__ import annotations

from inspect_ai import Task, task
from inspect_ai.dataset import example_dataset
from inspect_ai.scorer import model_graded_fact
from inspect_ai.solver import Solver, generate, self_critique


@task
def theory_of_mind(critique: bool = False, shuffle_seed: int | None = None) -> Task:
    """Stories about who moved what while nobody looked: where will they search for it?

    Args:
        critique: Let the model criticise its first answer and answer again: three calls instead of one.
        shuffle_seed: Seed to shuffle the 100 stories with; without one they keep their order.
    """
    dataset = example_dataset("theory_of_mind")
    if shuffle_seed is not None:
        dataset.shuffle(shuffle_seed)
    solver: list[Solver] = [generate(), self_critique()] if critique else [generate()]
    return Task(dataset=dataset, solver=solver, scorer=model_graded_fact())
