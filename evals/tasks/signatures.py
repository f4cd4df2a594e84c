"""Parameters and descriptions of task functions, from their source or from the functions themselves."""

from __future__ import annotations

import ast
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import docstring_parser

from .info import ParameterInfo

_MAX_CHARS = 500
_PLAIN = (str, int, float, bool, type(None))


def parsed_description(node: ast.FunctionDef) -> str:
    """The first line of the docstring in a function's source."""
    return first_line(ast.get_docstring(node) or "")


def parsed_parameters(node: ast.FunctionDef) -> tuple[ParameterInfo, ...]:
    """The parameters in a function's source, without running it."""
    docs = _documented(ast.get_docstring(node))
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    pairs = [*zip(plain, [*defaults, *arguments.defaults], strict=True)]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(
        ParameterInfo(
            name=argument.arg,
            type=_cut(ast.unparse(argument.annotation)) if argument.annotation else "",
            required=default is None,
            default=_parsed_value(default) if default else None,
            doc=docs.get(argument.arg, ""),
        )
        for argument, default in pairs
    )


def parameters(function: Callable[..., Any]) -> tuple[ParameterInfo, ...]:
    """The parameters of a function, except those that collect what is left over."""
    docs = _documented(inspect.getdoc(function))
    return tuple(
        ParameterInfo(
            name=name,
            type=_annotation(parameter.annotation),
            required=parameter.default is inspect.Parameter.empty,
            default=_value(parameter.default),
            doc=docs.get(name, ""),
        )
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    )


def first_line(text: str | None) -> str:
    """The first line that says something, bounded in length."""
    return _cut(next((line.strip() for line in (text or "").splitlines() if line.strip()), ""))


def _documented(docstring: str | None) -> Mapping[str, str]:
    """What a docstring says of each parameter."""
    try:
        found = docstring_parser.parse(docstring or "").params
    except docstring_parser.ParseError as error:
        logging.getLogger(__name__).debug("docstring: %s", error)
        return {}
    return {item.arg_name: _cut(" ".join((item.description or "").split())) for item in found}


def _annotation(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return _cut(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation))


def _parsed_value(node: ast.expr) -> Any:
    try:
        return _value(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _cut(ast.unparse(node))


def _value(value: Any) -> Any:
    """A JSON value as it is, in short; anything else as text."""
    if value is inspect.Parameter.empty:
        return None
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, _PLAIN):
        return value
    if type(value) in (list, tuple) and len(value) <= 50 and all(isinstance(item, _PLAIN) for item in value):
        return [_value(item) for item in value]
    return _cut(str(getattr(value, "__name__", None) or repr(value)))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
