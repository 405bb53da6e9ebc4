"""`@llm` functions: the body writes the prompt, a text generator answers, the annotation says what the answer becomes.

The generator is elsewhere: here are only the two ends of it that run on a CPU core, and the stand-in for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, ParamSpec, TypeVar, Unpack

from orchestrator.function import Function, Kind
from orchestrator.graph import LLM_PHASES, Execution, Json, LlmTask, Prefix
from orchestrator.settings import LlmSettings
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol
from orchestrator.tracing import Trace

P = ParamSpec("P")
R = TypeVar("R")


class LlmFunction(Function[P, R]):
    """`@llm`: the body writes the user's prompt, the docstring is the system prompt, the call yields a value."""

    def __init__(self, kind: Kind, function: Callable[..., Any], values: Mapping[str, Any]) -> None:
        super().__init__(kind, function, values)
        self.models = self.settings.models()
        self.max_tokens = self.settings.count("max_tokens", None)
        self.tokens_in = self.settings.amount("tokens_in")
        self.tokens_out = self.settings.amount("tokens_out")
        if self.tokens_out is not None and self.tokens_out > self.max_tokens:
            self.settings.fail(
                f"tokens_out={self.tokens_out:g} exceeds max_tokens={self.max_tokens}", "expect at most max_tokens"
            )
        self.prefix_tokens = self.settings.prefix_tokens(self.tokens_in)
        self.execution = self.settings.execution()
        self.simulate: object = values.get("simulate")
        self._check_simulate(self.simulate, "messages")

    @property
    def returns(self) -> Any:
        """The return annotation; text without one."""
        return self.hints.get("return", str)

    def options(self, **changes: Unpack[LlmSettings]) -> LlmFunction[P, R]:
        """A copy whose calls use other models, token counts or limits."""
        return self._with(changes)

    def render_json(self, arguments: Mapping[str, Json]) -> Json:
        """The messages of one call: `{"messages": [{"role", "content"}]}`."""
        from orchestrator.codec import render_json

        return render_json(self, arguments)

    def parse_json(self, text: str) -> Json:
        """The answer's JSON value. Raises `ParseError` (a `ValueError`) that says what did not fit."""
        from orchestrator.codec import parse_json

        return parse_json(self, text)

    def simulate_json(self, arguments: Mapping[str, Json], messages: list[Json] | None = None) -> Json:
        """What `simulate=` says: text, or an assistant turn with tool calls; None without `simulate=`."""
        from orchestrator.codec import simulate_json

        return simulate_json(self, arguments, messages)

    def placeholder_text(self, model: str) -> str:
        """Labelled text that fits the return annotation."""
        from orchestrator.placeholder import placeholder_text

        return placeholder_text(self, model)

    def prefix(self) -> Prefix | None:
        """What every prompt begins with: the system prompt. Raises `DecorationError` where there is none."""
        if self.prefix_tokens is None:
            return None
        from orchestrator.codec import system_prompt

        text = system_prompt(self)
        if not text:
            self.settings.fail(
                f"prefix_tokens={self.prefix_tokens} without a docstring",
                "the docstring is the system prompt that calls share: write one, or leave prefix_tokens out",
            )
        return Prefix(self.prefix_tokens, sha256(text.encode()).hexdigest())

    def task(self, trace: Trace, inputs: dict[str, str], where: str) -> LlmTask:
        """The task of one call."""
        return LlmTask(
            id=trace.unique(self.__name__, LLM_PHASES),
            name=self.__name__,
            where=where,
            function=self.reference,
            inputs=inputs,
            models=self.models,
            max_tokens=self.max_tokens,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            execution=self._counted(),
            prefix=self.prefix(),
        )

    def _counted(self) -> Execution:
        """A streamed text comes in its tokens unless the author says otherwise; any other answer is read as a whole."""
        said = self.execution
        if not said.stream:
            return said
        items = self.tokens_out if said.items is None else said.items
        is_stream = self.returns is str and items is not None and items > 1
        return replace(said, items=items if is_stream else None)

    def _record(self, trace: Trace, inputs: dict[str, str]) -> Symbol:
        return trace.add(self.task(trace, inputs, user_location()), self.returns)

    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        from orchestrator.eager import generate

        return generate(self, *self._with_defaults(args, kwargs))
