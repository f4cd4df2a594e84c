import json
from importlib.resources import files

import pytest
from proctor.evals.simulator.solvers.stories import work_out

STORY = (
    "Ann entered the hall. Bob entered the hall. The hat is in the box. Bob exited the hall. Ann moved the hat to the "
    "bag. Bob entered the yard. "
)

# Samples (from 0) whose label differs from what is worked out. 26, 29 and 98 contradict their stories. 32, 34 and 35
# hold only if who comes back into a room learns of a move there; 50, 52 and 53 hold only if not. No rule fits both.
DIFFERENT = {26, 29, 32, 34, 35, 98}


@pytest.fixture(scope="module")
def samples() -> list[tuple[str, str]]:
    lines = files("inspect_ai").joinpath("dataset/_examples/theory_of_mind.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["input"][0]["content"], row["target"]) for row in rows]


@pytest.mark.parametrize(
    ("question", "place", "trap"),
    [
        ("Where was the hat at the beginning?", "box", "bag"),
        ("Where is the hat really?", "bag", "box"),
        ("Where will Ann look for the hat?", "bag", "box"),
        ("Where will Bob look for the hat?", "box", "bag"),
        ("Where does Ann think that Bob searches for the hat?", "box", "bag"),
        ("Where does Bob think that Ann searches for the hat?", "box", "bag"),
    ],
)
def test_minds_are_followed_and_the_trap_is_the_other_place(question: str, place: str, trap: str) -> None:
    answer = work_out(STORY + question)
    assert answer is not None
    assert (answer.place, answer.trap) == (place, trap)


def test_only_those_in_the_room_see_a_move() -> None:
    story = (
        "Ann entered the hall. Bob entered the yard. Cid entered the hall. The hat is in the box. Cid exited the hall. "
        "Bob exited the yard. Bob entered the hall. Ann moved the hat to the bag. Ann moved the hat to the jar. "
    )
    asked = {
        "Where will Bob look for the hat?": "jar",
        "Where will Cid look for the hat?": "box",
        "Where does Bob think that Ann searches for the hat?": "jar",
        "Where does Bob think that Cid searches for the hat?": "jar",
        "Where does Ann think that Cid searches for the hat?": "box",
    }
    for question, place in asked.items():
        answer = work_out(story + question)
        assert answer is not None
        assert answer.place == place, question


def test_coming_back_teaches_nothing_about_a_closed_container() -> None:
    answer = work_out(STORY + "Bob exited the yard. Bob entered the hall. Where will Bob look for the hat?")
    assert answer is not None
    assert answer.place == "box"


def test_likes_without_full_stops_and_other_things_do_not_confuse() -> None:
    noisy = "Ann likes the pear " + STORY.replace("Bob exited", "The cup is in the jar. Bob hates the hat Bob exited")
    answer = work_out(noisy + "Where will Bob look for the hat?")
    assert answer is not None
    assert (answer.place, answer.first, answer.last) == ("box", "box", "bag")


def test_the_subject_is_the_sample_whatever_is_wrapped_around_it(samples: list[tuple[str, str]]) -> None:
    for question, _ in samples:
        wrapped = work_out(f"Please read.\n\n{question}\n\nReason step by step. ANSWER: $ANSWER")
        assert wrapped is not None
        assert wrapped.subject == question


def test_all_but_six_samples_are_worked_out_as_labelled(samples: list[tuple[str, str]]) -> None:
    places = [answer.place if (answer := work_out(question)) else None for question, _ in samples]
    wrong = {number for number, (_, target) in enumerate(samples) if places[number] != target}
    assert wrong == DIFFERENT


@pytest.mark.parametrize(
    "text", ["", "Where is the hat?", "Where will Bob look for the hat?", "Hello there. How are you?"]
)
def test_without_a_story_there_is_no_answer(text: str) -> None:
    assert work_out(text) is None
