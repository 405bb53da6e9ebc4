"""What a react means: turns of a language model, and between them the tools that it calls, side by side.

The messages grow by each turn and each tool's answer; the turn's own block makes the prompt from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from runtime.events import Json
from runtime.failure import Failure
from runtime.frames import Frame, Sources, merged, owner_of
from runtime.program import Kind, Program

if TYPE_CHECKING:
    from runtime.run_state import RunState


@dataclass(slots=True)
class _React:
    """`messages` are those of the assistant and the tools; `told` is what each call of the present turn gave."""

    messages: list[Json] = field(default_factory=list[Json])
    sources: Sources = field(default_factory=dict[int, float])
    turn: int = 0
    calls: list[Mapping[str, Json]] = field(default_factory=list[Mapping[str, Json]])
    told: list[Json] = field(default_factory=list[Json])
    left: int = 0
    latest: float = 0.0


def start_react(run: RunState, frame: Frame, node: int, at: float) -> None:
    """Open the first turn, with no messages yet."""
    frame.controls[node] = _React()
    _open_turn(run, frame, node, at)


def _open_turn(run: RunState, frame: Frame, node: int, at: float) -> None:
    state = cast(_React, frame.controls[node])
    frame.children.pop(node, None)
    turn = run.program.blocks(node)[0]
    child = run.open(frame, node, turn, key=state.turn, path=run.path(frame, node, state.turn), at=at)
    child.values[0], child.sources[0] = list(state.messages), state.sources


def react_block_done(run: RunState, frame: Frame, value: Json, sources: Sources, at: float) -> None:
    """A turn or a tool's call has ended."""
    owner, node = owner_of(frame), frame.owner
    state = cast(_React, owner.controls[node])
    state.sources = merged([state.sources, sources])
    if frame.block == run.program.blocks(node)[0]:
        _turn_done(run, owner, node, value, at)
    else:
        _tool_done(run, frame, value, at)


def _turn_done(run: RunState, frame: Frame, node: int, value: Json, at: float) -> None:
    """End with the answer, or run the tools that the turn calls."""
    state = cast(_React, frame.controls[node])
    calls = _calls(value)
    if calls is None:
        rule = 'a turn must be {"content": text, "tool_calls": [{"name": text, "arguments": {...}}]}'
        run.fail_node(frame, node, "ReactError", f"{rule}, got {_shortened(value)}", at)
        return
    capped = bool(calls) and state.turn + 1 == run.program.limits[node]
    if capped:
        run.log("react_capped", frame, node, state.turn + 1, at)
    if capped or not calls:
        _answer(run, frame, node, value, at)
        return
    state.messages.append({"role": "assistant", "content": value.get("content"), "tool_calls": calls})
    state.calls, state.told, state.left, state.latest = calls, [None] * len(calls), len(calls), at
    for key, call in enumerate(calls):
        _call_tool(run, frame, node, key, call)
    if state.left == 0:
        _next_turn(run, frame, node)


def _answer(run: RunState, frame: Frame, node: int, turn: Mapping[str, Json], at: float) -> None:
    """The value of a react: the last turn's text, as parsed where the turn was parsed."""
    answer = turn["answer"] if "answer" in turn else turn.get("content")
    if turn.get("answer_problem") or answer is None:
        problem = turn.get("answer_problem") or "the last turn has no text"
        remedy = "raise max_turns, or have the system prompt ask for an answer"
        run.fail_node(frame, node, "ReactError", f"react gave no answer: {problem}; {remedy}", at)
        return
    run.finish_node(frame, node, answer, cast(_React, frame.controls[node]).sources, at)


def _call_tool(run: RunState, frame: Frame, node: int, key: int, call: Mapping[str, Json]) -> None:
    state, names = cast(_React, frame.controls[node]), run.program.tool_names[node]
    if call["name"] not in names:
        told = f"error: there is no tool {call['name']!r}; the tools are: {', '.join(names) or 'none'}"
        run.log("unknown_tool", frame, node, told, state.latest)
        state.told[key] = told
        state.left -= 1
        return
    block = run.program.blocks(node)[1 + names.index(call["name"])]
    path = run.path(frame, node, state.turn, key)
    child = run.open(frame, node, block, key=key, path=path, at=state.latest)
    child.values[0], child.sources[0] = call["arguments"], state.sources


def _tool_done(run: RunState, frame: Frame, value: Json, at: float) -> None:
    owner = owner_of(frame)
    state = cast(_React, owner.controls[frame.owner])
    state.told[frame.key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    state.latest = max(state.latest, at)
    state.left -= 1
    if state.left == 0:
        _next_turn(run, owner, frame.owner)


def _next_turn(run: RunState, frame: Frame, node: int) -> None:
    state = cast(_React, frame.controls[node])
    state.messages += [
        {"role": "tool", "name": call["name"], "content": told}
        for call, told in zip(state.calls, state.told, strict=True)
    ]
    state.turn += 1
    _open_turn(run, frame, node, state.latest)


def _calls(turn: Json) -> list[Mapping[str, Json]] | None:
    """The tool calls of a turn; None when it is no turn."""
    if not isinstance(turn, dict):
        return None
    calls = cast(Json, turn.get("tool_calls") or [])  # pyright: ignore[reportUnknownMemberType]  # JSON of a model
    if not isinstance(calls, list):
        return None
    known = cast(list[Json], calls)
    return known if all(_is_call(call) for call in known) else None


def _is_call(call: Json) -> bool:
    if not isinstance(call, dict):
        return False
    fields = cast(dict[str, Json], call)
    return isinstance(fields.get("name"), str) and isinstance(fields.get("arguments"), dict)


def _shortened(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."


def told_to_model(program: Program, frame: Frame, failure: Failure) -> str | None:
    """The text for the model when the arguments that it gave a tool do not fit; None for any other failure."""
    if failure.kind != "arguments" or program.kinds[frame.owner] != Kind.REACT:
        return None
    return f"error: {failure.message}" if frame.block != program.blocks(frame.owner)[0] else None
