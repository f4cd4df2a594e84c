"""Sally-Anne stories, worked out: who was where, who saw which move, and what each thinks of the others.

The language is that of the ToMi stories of Inspect's `theory_of_mind` dataset (Le et al. 2019, "Revisiting the
Evaluation of Theory of Mind through Question Answering"), whose sentences may lack full stops.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_EVENT = re.compile(
    r"\b(?P<who>[A-Z]\w*) (?P<way>entered|exited|left|is in|was in) the (?P<room>\w+)"
    r"|\bThe (?P<thing>\w+) (?:is|was|are|were) in the (?P<first>\w+)"
    r"|\b(?P<mover>[A-Z]\w*) moved the (?P<moved>\w+) to the (?P<to>\w+)"
    r"|\b[A-Z]\w* (?:likes|loves|hates|dislikes) the \w+"
)
_QUESTION = re.compile(
    r"Where (?:"
    r"(?:was|were) the (?P<memory>\w+) at the beginning"
    r"|(?:is|are) the (?P<reality>\w+)(?: really| now)?"
    r"|will (?P<seeker>[A-Z]\w*) (?:look|search) for the (?P<sought>\w+)"
    r"|does (?P<thinker>[A-Z]\w*) think (?:that )?(?P<other>[A-Z]\w*) (?:searches|looks|will look|will search)"
    r" for the (?P<meant>\w+)"
    r")\?"
)

Kind = Literal["memory", "reality", "belief", "nested"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A story's question with its answer, and the answer of whoever falls for the trap."""

    subject: str  # the story and its question, as they stand in the prompt
    kind: Kind
    thing: str
    who: str | None
    other: str | None  # of whom `who` thinks
    place: str
    trap: str
    first: str
    last: str
    mover: str | None


@dataclass(slots=True)
class _World:
    """What is so, what everyone has seen, and what everyone has seen the others see."""

    rooms: dict[str, str]
    places: list[str]
    seen: dict[str, str]
    shared: dict[tuple[str, str], str]
    room: str | None = None  # the room in which the thing is
    mover: str | None = None

    def witness(self, place: str) -> None:
        """The thing is put somewhere: all who are in its room see that, and see each other see it."""
        self.places.append(place)
        present = [person for person, room in self.rooms.items() if room == self.room]
        for person in present:
            self.seen[person] = place
            for other in present:
                self.shared[person, other] = place


@lru_cache(maxsize=4096)
def work_out(text: str) -> Answer | None:
    """Find the last story with a question in the text and answer it; `None` where there is none."""
    questions = list(_QUESTION.finditer(text))
    if not questions:
        return None
    question = questions[-1]
    asked = question.groupdict()
    thing = asked["memory"] or asked["reality"] or asked["sought"] or asked["meant"]
    paragraph = text.rfind("\n\n", 0, len(text[: question.start()].rstrip())) + 1
    events = list(_EVENT.finditer(text, paragraph, question.start()))
    world = _replay(events, thing)
    if not world.places:
        return None
    first, last = world.places[0], world.places[-1]
    who, other = asked["seeker"] or asked["thinker"], asked["other"]
    kind: Kind
    if asked["memory"]:
        kind, place = "memory", first
    elif asked["reality"]:
        kind, place = "reality", last
    elif who is not None and other is None:
        kind, place = "belief", world.seen.get(who, last)
    else:
        assert who is not None and other is not None
        kind, place = "nested", world.shared.get((who, other), world.seen.get(who, last))
    return Answer(
        subject=text[events[0].start() : question.end()],
        kind=kind,
        thing=thing,
        who=who,
        other=other,
        place=place,
        trap=_trap(place, last, world.places),
        first=first,
        last=last,
        mover=world.mover,
    )


def _replay(events: list[re.Match[str]], thing: str) -> _World:
    """Live through the story as far as one thing is concerned.

    Someone who comes back into a room does not see into its closed containers, so learns nothing.
    """
    world = _World({}, [], {}, {})
    for index, event in enumerate(events):
        match event.groupdict():
            case {"who": str(who), "way": str(way), "room": str(room)}:
                if way in ("exited", "left"):
                    world.rooms.pop(who, None)
                else:
                    world.rooms[who] = room
            case {"thing": str(named), "first": str(place)} if named == thing:
                world.room = _room_of(thing, world, events[index + 1 :])
                world.witness(place)
            case {"mover": str(mover), "moved": str(named), "to": str(place)} if named == thing:
                world.room = world.rooms.get(mover, world.room)
                world.mover = mover
                world.witness(place)
            case _:
                pass
    return world


def _room_of(thing: str, world: _World, later: list[re.Match[str]]) -> str | None:
    """The room in which a thing is met: where its first mover is, else where most people are."""
    for event in later:
        if event["moved"] == thing and event["mover"] in world.rooms:
            return world.rooms[event["mover"]]
    rooms = list(world.rooms.values())
    return max(rooms, key=rooms.count) if rooms else None


def _trap(place: str, last: str, places: list[str]) -> str:
    """What a reader says who follows the thing instead of the minds: where it is, or else where it was."""
    if last != place:
        return last
    return next((earlier for earlier in places if earlier != place), place)
