"""Sums, worked out: expressions and chains of steps, and the near misses of those who slip."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

_EXPRESSION = re.compile(r"[-(\d][\d\s.+\-*/%^()×÷−·]*[)\d]")
_START = re.compile(r"\b(?:start(?:ing)? (?:with|from|at)|begin with|take) (-?\d+)", re.IGNORECASE)
_STEP = re.compile(
    r"\b(?:(?P<add>add|plus|increase (?:it )?by)|(?P<take>subtract|minus|take away|decrease (?:it )?by)"
    r"|(?P<times>multiply (?:it |that |the result )?by|times)|(?P<over>divide (?:it |that |the result )?by)) "
    r"(?P<by>-?\d+)|\b(?P<double>double)|\b(?P<halve>halve)",
    re.IGNORECASE,
)
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
}
_LONGEST_TEXT = 2000  # characters at the end of a prompt in which a sum is looked for
_LONGEST = 400  # characters of an expression
_LARGEST = 10**30


@dataclass(frozen=True, slots=True)
class Sum:
    """A problem with its value."""

    subject: str
    value: Fraction

    @property
    def text(self) -> str:
        """The value as it is written: an integer, or a decimal fraction."""
        return written(self.value)


def written(value: Fraction) -> str:
    """A number as people write it."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6g}"


def work_out(text: str) -> Sum | None:
    """Find the last sum of the text and compute it; `None` where there is none, or it is absurd."""
    text = text[-_LONGEST_TEXT:]
    candidates = [match.group() for match in _EXPRESSION.finditer(text) if re.search(r"\d\s*[+\-*/%^×÷−·]", match[0])]
    for candidate in reversed(candidates):
        value = _evaluate(candidate)
        if value is not None:
            return Sum(candidate.strip(), value)
    return _chain(text)


def _evaluate(expression: str) -> Fraction | None:
    if len(expression) > _LONGEST:
        return None
    source = expression.translate(str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-"})).replace("^", "**")
    try:
        return _value(ast.parse(" ".join(source.split()), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number):
            return Fraction(str(number))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, exponent = _value(left), _value(right)
            if exponent.denominator != 1 or not 0 <= exponent <= 64:
                raise ValueError("an exponent out of bounds")
            return _bounded(base**exponent.numerator)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _bounded(_OPERATORS[type(op)](_value(left), _value(right)))
        case _:
            raise ValueError("not a sum")


def _bounded(value: Fraction) -> Fraction:
    if abs(value) > _LARGEST:
        raise ValueError("a value out of bounds")
    return value


def _chain(text: str) -> Sum | None:
    start = _START.search(text)
    if start is None:
        return None
    value = Fraction(start[1])
    steps = list(_STEP.finditer(text, start.end()))
    for step in steps:
        by = Fraction(step["by"] or 0)
        if step["add"]:
            value += by
        elif step["take"]:
            value -= by
        elif step["times"]:
            value *= by
        elif step["over"]:
            if by == 0:
                return None
            value /= by
        elif step["double"]:
            value *= 2
        else:
            value /= 2
    return Sum(text[start.start() : steps[-1].end()], value) if steps else None


def near_misses(value: Fraction) -> Sequence[Fraction]:
    """Values that someone gets who slips: by one, by ten, in the sign, in the order of two digits."""
    misses = [value + 1, value - 1, value + 10, value - 10, value + 2]
    if value:
        misses.append(-value)
    digits = written(value)
    if len(digits) > 1 and digits.isdigit() and digits[-1] != digits[-2]:
        misses.append(Fraction(digits[:-2] + digits[-1] + digits[-2]))
    return misses
