"""The skills of the simulated models, measured."""

import json
from importlib.resources import files
from typing import Any

import pytest
from inspect_ai.scorer._model import DEFAULT_MODEL_GRADED_FACT_TEMPLATE, default_instructions
from inspect_ai.solver._critique import DEFAULT_CRITIQUE_COMPLETION_TEMPLATE, DEFAULT_CRITIQUE_TEMPLATE
from inspect_ai.solver._prompt import DEFAULT_COT_TEMPLATE
from proctor.evals.simulator.model import Mind
from proctor.evals.simulator.protocol import ChatRequest
from proctor.evals.simulator.roster import Skills
from proctor.evals.simulator.solvers.answers import Reply, answer
from proctor.evals.simulator.solvers.vision import Sight


def mind(skill: float, *, provider: str = "one", seed: int = 0, **more: Any) -> Mind:
    skills = Skills(stories=skill, arithmetic=skill, vision=skill, grading=1.0)
    fields: dict[str, Any] = {"skill_change": 0.0, "reasons": False, **more}
    return Mind(server_seed=seed, model="some/model", provider=provider, skills=skills, **fields)


def ask(who: Mind, text: str, animals: tuple[int, ...] = (), *, picture: str = "p", **request: Any) -> Reply:
    asked = ChatRequest.model_validate({"model": "a/b", "messages": [{"role": "user", "content": text}], **request})
    return answer(who, asked, [Sight(f"{picture}{number}", count) for number, count in enumerate(animals)])


@pytest.fixture(scope="module")
def samples() -> list[tuple[str, str]]:
    lines = files("inspect_ai").joinpath("dataset/_examples/theory_of_mind.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["input"][0]["content"], row["target"]) for row in rows]


def graded(who: Mind, question: str, target: str, submission: str) -> bool:
    prompt = DEFAULT_MODEL_GRADED_FACT_TEMPLATE.format(
        question=question, criterion=target, answer=submission, instructions=default_instructions(False)
    )
    verdict = ask(who, prompt).content
    assert verdict.splitlines()[-1] in ("GRADE: C", "GRADE: I")
    return verdict.endswith("C")


def score(who: Mind, samples: list[tuple[str, str]], template: str = "{prompt}") -> int:
    return sum(
        graded(mind(1.0), question, target, ask(who, template.format(prompt=question)).content)
        for question, target in samples
    )


@pytest.mark.parametrize("template", ["{prompt}", DEFAULT_COT_TEMPLATE])
def test_a_full_skill_earns_all_samples_that_can_be_worked_out(samples: list[tuple[str, str]], template: str) -> None:
    assert score(mind(1.0), samples, template) == 94


def test_no_skill_falls_for_every_trap(samples: list[tuple[str, str]]) -> None:
    assert score(mind(0.0), samples) == 6


def test_a_lower_skill_scores_lower(samples: list[tuple[str, str]]) -> None:
    scores = [score(mind(skill), samples) for skill in (0.2, 0.5, 0.8, 1.0)]
    assert scores == sorted(scores)
    assert scores[0] < 40 < scores[1] < 65 < scores[2] < 94


def test_providers_of_one_model_agree_on_most_and_differ_on_some(samples: list[tuple[str, str]]) -> None:
    def right(provider: str) -> list[bool]:
        who = mind(0.8, provider=provider)
        return [graded(mind(1.0), q, target, ask(who, q).content) for q, target in samples]

    same = sum(a == b for a, b in zip(right("one"), right("other"), strict=True))
    assert 80 <= same < 100


def test_a_provider_that_costs_skill_scores_lower(samples: list[tuple[str, str]]) -> None:
    assert score(mind(0.8, skill_change=-0.3), samples) < score(mind(0.8), samples) - 10


def test_the_grader_reads_every_phrasing_as_it_was_meant(samples: list[tuple[str, str]]) -> None:
    """A submission is graded right exactly when the place that the model chose is the target."""
    for seed in range(5):
        who = mind(0.5, seed=seed)
        for question, target in samples:
            bare = ask(who, question)
            marked = ask(who, question + "\nANSWER: $ANSWER")
            chosen = marked.content.rsplit("ANSWER: ", 1)[1]
            assert graded(mind(1.0), question, target, bare.content) is (chosen == target), bare.content


def test_a_poor_grader_errs_sometimes_and_a_good_one_never(samples: list[tuple[str, str]]) -> None:
    poor = Mind(0, "some/grader", "one", Skills(grading=0.8), 0.0, False)
    wrong = [not graded(poor, question, target, f"In the {target}.") for question, target in samples]
    assert 8 <= sum(wrong) <= 35
    assert all(graded(mind(1.0), question, target, f"In the {target}.") for question, target in samples)


def test_the_same_question_gets_the_same_answer_and_another_seed_another(samples: list[tuple[str, str]]) -> None:
    def replies(**more: Any) -> list[Reply]:
        return [ask(mind(0.6, **more), question) for question, _ in samples]

    assert replies() == replies()
    assert replies() != replies(seed=1)


def test_temperature_brings_the_requests_seed_into_play(samples: list[tuple[str, str]]) -> None:
    def replies(temperature: float, seed: int | None) -> list[str]:
        who = mind(0.6, temperature=temperature, request_seed=seed)
        return [ask(who, question).content for question, _ in samples]

    assert replies(0.0, 1) == replies(0.0, 2)
    assert replies(0.9, 1) == replies(0.9, 1)
    assert replies(0.9, 1) != replies(0.9, 2)


def test_self_critique_is_followed_through(samples: list[tuple[str, str]]) -> None:
    who, question, target = mind(1.0), *samples[4]
    for submission, praised in ((f"In the {target}.", True), ("In the pantry.", False)):
        critique = ask(who, DEFAULT_CRITIQUE_TEMPLATE.format(question=question, completion=submission))
        assert critique.kind == "critique"
        assert ("fully correct" in critique.content) is praised
        improved = ask(
            who,
            DEFAULT_CRITIQUE_COMPLETION_TEMPLATE.format(
                question=question, completion=submission, critique=critique.content
            ),
        )
        assert improved.content.endswith(f"ANSWER: {target}")


def test_sums_follow_the_skill() -> None:
    def right(skill: float) -> int:
        who = mind(skill)
        prompts = [
            (f"Compute {a} * {b} + 7. Answer with the number only.", a * b + 7) for a in range(10) for b in range(20)
        ]
        return sum(ask(who, prompt).content == str(value) for prompt, value in prompts)

    assert right(1.0) == 200
    assert right(0.0) == 0
    assert 130 < right(0.75) < 170


def test_pictures_are_counted_and_the_count_stands_alone_where_it_should() -> None:
    asked = "Count the images containing animals. End with the count alone, as a number, on the last line."
    assert ask(mind(1.0), asked, (3, 2)).content.splitlines()[-1] == "5"
    slipped = int(ask(mind(0.0), asked, (3,)).content.splitlines()[-1])
    assert slipped != 3
    assert abs(slipped - 3) <= 2
    assert int(ask(mind(0.0), asked, (0,)).content.splitlines()[-1]) > 0


def test_pictures_with_equal_counts_are_problems_of_their_own() -> None:
    who = mind(0.7)
    asked = "How many animals? Answer with the number only."
    right = sum(ask(who, asked, (3,), picture=str(number)).content == "3" for number in range(200))
    assert 120 < right < 160


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"enum": ["celsius", "kelvin"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    },
    "required": ["city", "days", "unit", "tags"],
}
TOOL = {"type": "function", "function": {"name": "forecast", "parameters": SCHEMA}}


def test_a_tool_is_called_when_the_text_asks_for_it_and_its_arguments_conform() -> None:
    reply = ask(mind(1.0), 'Use the tool for 99 days in "Bern", in "kelvin".', tools=[TOOL])
    (call,) = reply.tool_calls
    arguments = json.loads(call.arguments)
    assert call.name == "forecast"
    assert arguments["city"] == "Bern"
    assert arguments["days"] == 7
    assert arguments["unit"] == "kelvin"
    assert len(arguments["tags"]) == 2
    assert "note" not in arguments


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        ("Hello.", None, False),
        ("Hello.", "required", True),
        ("Hello.", {"type": "function", "function": {"name": "forecast"}}, True),
        ("Use the tool.", "none", False),
        ("What does forecast say?", "auto", True),
    ],
)
def test_tool_choice_is_respected(text: str, choice: object, called: bool) -> None:
    assert bool(ask(mind(1.0), text, tools=[TOOL], tool_choice=choice).tool_calls) is called


def test_after_the_tool_its_result_is_told() -> None:
    messages = [{"role": "user", "content": "Use the tool."}, {"role": "tool", "content": "21 degrees"}]
    request = ChatRequest(model="some/model", messages=messages, tools=[TOOL])
    reply = answer(mind(1.0), request)
    assert not reply.tool_calls
    assert "21 degrees" in reply.content


def test_a_wanted_schema_is_answered_in_its_shape() -> None:
    format_ = {"type": "json_schema", "json_schema": {"name": "forecast", "schema": SCHEMA}}
    document = json.loads(ask(mind(1.0), "Compute 3 + 4.", response_format=format_).content)
    assert document["days"] == 7
    assert set(document) == {"city", "days", "unit", "tags"}


def test_lettered_choices_are_answered_by_a_letter_on_offer() -> None:
    text = "Answer with ANSWER: $LETTER.\n\nWhich is a metal?\n\nA) cork\nB) iron\nC) wool"
    assert ask(mind(1.0), text).content.splitlines()[-1] in ("ANSWER: A", "ANSWER: B", "ANSWER: C")


def test_more_effort_thinks_longer_and_none_does_not_think() -> None:
    lengths = [
        len(ask(mind(0.8, reasons=True, effort=effort), "Compute 3 + 4.").reasoning)
        for effort in ("none", "low", "medium", "high")
    ]
    assert lengths[0] == 0
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 4
