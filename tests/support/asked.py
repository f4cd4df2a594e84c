"""Noting what is asked of controllers, and doing none of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proctor.tui.controllers.workbench import Workbench


@dataclass(frozen=True)
class Call:
    """One call of a controller's method, named `runs.open`."""

    name: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


class Asked(list[Call]):
    """The calls of some methods of controllers, in their order."""

    def __init__(self, workbench: Workbench, *methods: str) -> None:
        super().__init__()
        self._workbench = workbench
        for method in methods:
            controller, _, name = method.partition(".")
            setattr(getattr(workbench, controller), name, self._note(method))

    def answer(self, method: str, answer: Any) -> None:
        """Do something of one's own when a method is called."""
        controller, _, name = method.partition(".")
        note = self._note(method)

        def noted(*args: Any, **options: Any) -> None:
            note(*args, **options)
            answer(*args, **options)

        setattr(getattr(self._workbench, controller), name, noted)

    def of(self, name: str) -> list[Call]:
        """Those of one method."""
        return [call for call in self if call.name == name]

    def take(self, name: str) -> list[Call]:
        """Those of one method, which are forgotten then."""
        found = self.of(name)
        self[:] = [call for call in self if call.name != name]
        return found

    def _note(self, name: str) -> Any:
        return lambda *args, **options: self.append(Call(name, args, options))
