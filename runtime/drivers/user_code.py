"""What running the user's code means for each kind of operator, and how its failures are told.

Every driver that runs user code in some process goes through `perform`, so an operator means the same wherever it is
placed.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from placement.plan import Function
from runtime.errors import FunctionError
from runtime.events import Json
from runtime.failure import Failure
from runtime.functions import UserFunction, agent, invocable, source_path, text_generator

_PROJECT = Path(__file__).resolve().parents[2]
_AGENT = "agent"
_OURS = tuple(f"{_PROJECT / name}/" for name in ("orchestrator", "runtime", "placement", "ir", "costmodel"))


class ArgumentsError(ValueError):
    """A model called a tool with arguments that do not fit it."""


def perform(op: str, function: UserFunction, arguments: dict[str, Json], rest: Json, in_turn: bool) -> Json:
    """Run the part of a function that an operator of kind `op` stands for.

    `rest` is, for a render, the messages of earlier turns; for anything called, the further arguments that a model
    chose. An agent's own function checks what a model chose for it and gives it back with defaults; its steps are
    operators of their own.
    """
    if op == "llm.render":
        rendered = cast(dict[str, Json], text_generator(function).render_json(arguments))
        earlier = cast(list[Json], rest or [])
        return {"messages": [*rendered["messages"], *earlier]}
    if op == "llm.parse":
        parse = text_generator(function).parse_json
        return _turn(parse, arguments["text"]) if in_turn else _answer(parse, arguments["text"])
    if op.startswith("llm."):
        raise FunctionError(f"{op} is a language model's work, not user code; place it on a device that runs models")
    return _invoke(function, arguments, rest)


def _invoke(function: UserFunction, arguments: dict[str, Json], rest: Json) -> Json:
    if rest is None:
        return invocable(function).invoke_json(arguments)
    if not isinstance(rest, dict):
        raise ArgumentsError(f"the arguments of a tool are an object by parameter name, got {type(rest).__name__}")
    chosen = {**arguments, **cast(dict[str, Json], rest)}
    problem = cast(Callable[[Mapping[str, Json]], str | None] | None, getattr(function, "argument_problem", None))
    told = None if problem is None else problem(chosen)
    if told is not None:
        raise ArgumentsError(told)
    if function.kind == _AGENT:
        return agent(function).accept_json(chosen)
    return invocable(function).invoke_json(chosen)


def _answer(parse: Callable[[str], Json], answer: Json) -> Json:
    if isinstance(answer, str):
        return parse(answer)
    raise ValueError("the model called tools in a call without tools; give them by react(llm, tools, ...)")


def _turn(parse: Callable[[str], Json], answer: Json) -> Json:
    """An assistant's turn. `answer` is its parsed text, `answer_problem` why the text of a turn with calls is none."""
    if isinstance(answer, str):
        return {"content": answer, "tool_calls": [], "answer": parse(answer)}
    turn = dict(cast(dict[str, Json], answer))
    if turn.get("content") is None:
        return turn
    try:
        return {**turn, "answer": parse(cast(str, turn["content"]))}
    except ValueError as error:
        return {**turn, "answer_problem": str(error)}


def failure_of(error: BaseException, function: Function | None, root: Path) -> Failure:
    """A failure of user code, with its traceback from the first frame in its file on and without frames of ours."""
    try:
        source = None if function is None else str(source_path(function, root))
    except FunctionError:
        source = None
    if isinstance(error, FunctionError):
        return Failure("refused", type(error).__name__, str(error), user_traceback(error.__cause__, source))
    kind = "arguments" if isinstance(error, ArgumentsError) else "raised"
    return Failure(kind, type(error).__name__, str(error), user_traceback(error, source))


def user_traceback(error: BaseException | None, source: str | None) -> str:
    """The formatted traceback of the user's frames and what they call; empty where none of them is on the stack."""
    if error is None:
        return ""
    told = traceback.TracebackException.from_exception(error)
    kept = _keep(told, error, source)
    return "".join(told.format()) if kept else ""


def _keep(told: traceback.TracebackException, error: BaseException, source: str | None) -> bool:
    """Cut the stack of an exception and of those that caused it; whether any frame is left."""
    frames = list(told.stack)
    first = next((index for index, frame in enumerate(frames) if frame.filename == source), len(frames))
    told.stack = traceback.StackSummary.from_list(
        [frame for frame in frames[first:] if not frame.filename.startswith(_OURS)]
    )
    kept = bool(told.stack)
    for part, cause in ((told.__cause__, error.__cause__), (told.__context__, error.__context__)):
        if part is not None and cause is not None:
            kept = _keep(part, cause, source) or kept
    return kept
