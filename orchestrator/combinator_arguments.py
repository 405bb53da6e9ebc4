"""What the combinators accept: bounds, means, probabilities, functions and tools.

Checked in a trace and in ordinary calls alike, so that an agent that runs eagerly can also be planned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from orchestrator.agent_function import AgentFunction
from orchestrator.call_function import CallFunction
from orchestrator.errors import TraceError
from orchestrator.llm_function import LlmFunction
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol
from orchestrator.tracing import current


def check_probability(p: object) -> None:
    """From 0 to 1, or None for unknown."""
    _check(p is None or _is_number(p, 0, 1), f"when: p={_shown(p)}", "write a probability from 0 to 1, of `then`")


def check_word(combinator: str, key: str, value: object, words: tuple[str, ...]) -> None:
    """One of the given words."""
    holds = isinstance(value, str) and value in words
    _check(holds, f"{combinator}: {key}={_shown(value)}", f"write {' or '.join(map(repr, words))}")


def check_callable(combinator: str, argument: str, value: object) -> None:
    """A function, and not the value that a call of it gave."""
    holds = callable(value) and not isinstance(value, Symbol)
    problem = f"{combinator}: {argument} is {_shown(value)}, not a function"
    _check(holds, problem, "write a lambda or name a function: lambda: ...")


def check_bound(combinator: str, key: str, value: object) -> None:
    """A whole number of at least 1."""
    holds = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    _check(holds, f"{combinator}: {key}={_shown(value)}", "write a whole number of at least 1: everything is bounded")


def check_expect(combinator: str, expect: object, key: str, bound: int) -> None:
    """A mean from 0 to the bound, or None."""
    holds = expect is None or _is_number(expect, 0, bound)
    _check(holds, f"{combinator}: expect={_shown(expect)} with {key}={bound}", f"write the mean, from 0 to {key}")


def check_llm(llm: object) -> None:
    """A decorated language model."""
    holds = isinstance(llm, LlmFunction)
    _check(holds, f"react: {_shown(llm)} is no @llm function", "name an @llm function, without calling it")


def tool_names(tools: Sequence[object]) -> list[str]:
    """The names by which a model calls the tools, each once."""
    names: list[str] = []
    for tool in tools:
        if not isinstance(tool, CallFunction | AgentFunction):
            problem = f"react: the tool {_shown(tool)} is not a decorated function"
            _fail(problem, "use @tool, @memory, @compute or @agent functions")
        if tool.__name__ in names:
            _fail(f"react: two tools are named {tool.__name__!r}", "give each tool its own name")
        names.append(tool.__name__)
    return names


def react_arguments(llm: LlmFunction[..., Any], input: object) -> dict[str, Any]:
    """The arguments of a react's model by name: the input itself, or for several parameters a dictionary of them."""
    names = list(llm.signature.parameters)
    if len(names) == 1:
        return {names[0]: input}
    if isinstance(input, Mapping) and not isinstance(input, Symbol):
        given = cast(Mapping[str, Any], input)
        required = {n for n, p in llm.signature.parameters.items() if p.default is p.empty}
        if required <= set(given) <= set(names):
            return dict(given)
    return _fail(
        f"react: {llm.__name__}{llm.signature} takes {len(names)} arguments",
        f"pass a dictionary with the keys {', '.join(names) or '(none)'} as input",
    )


def _is_number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return low <= value <= high and math.isfinite(value)


def _shown(value: object) -> str:
    return "the value of a call" if isinstance(value, Symbol) else repr(value)


def _check(holds: bool, problem: str, remedy: str) -> None:
    if not holds:
        _fail(problem, remedy)


def _fail(problem: str, remedy: str) -> NoReturn:
    trace = current()
    if trace is not None:
        trace.fail(problem, remedy)
    raise TraceError(problem, remedy, user_location())
