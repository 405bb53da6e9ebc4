"""`@model` functions: speech, embedding, images, any model that is not a text generator.

Its cost comes from the model's parameters and the size of the input, so the body may be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, Unpack

from orchestrator.function import Function, Kind
from orchestrator.graph import Json, ModelTask
from orchestrator.settings import ModelSettings
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol
from orchestrator.tracing import Trace

P = ParamSpec("P")
R = TypeVar("R")


class ModelFunction(Function[P, R]):
    """`@model`: a model that is not a text generator, such as speech or embedding."""

    def __init__(self, kind: Kind, function: Callable[..., Any], values: Mapping[str, Any]) -> None:
        super().__init__(kind, function, values)
        self.models = self.settings.models()
        self.size = self.settings.input_size()
        self.execution = self.settings.execution()
        self.simulate: object = values.get("simulate")
        self._check_simulate(self.simulate)

    def options(self, **changes: Unpack[ModelSettings]) -> ModelFunction[P, R]:
        """A copy whose calls use other models, sizes or limits."""
        if {"audio_s", "tokens", "images"} & set(changes):
            cleared: dict[str, Any] = dict.fromkeys(("audio_s", "tokens", "images"))
            return self._with({**cleared, **changes})
        return self._with(changes)

    def invoke_json(self, arguments: Mapping[str, Json]) -> Json:
        """Run the body on JSON arguments. Raises `ConversionError`, or whatever the body raises."""
        from orchestrator.codec import invoke_json

        return invoke_json(self, arguments)

    def simulate_json(self, arguments: Mapping[str, Json]) -> Json:
        """The JSON value that `simulate=` gives; None without `simulate=`."""
        from orchestrator.codec import simulate_json

        return simulate_json(self, arguments, None)

    def placeholder_text(self, model: str) -> str:
        """Labelled JSON text that fits the return annotation."""
        from orchestrator.placeholder import placeholder_text

        return placeholder_text(self, model)

    def _record(self, trace: Trace, inputs: dict[str, str]) -> Symbol:
        task = ModelTask(
            id=trace.unique(self.__name__),
            name=self.__name__,
            where=user_location(),
            function=self.reference,
            inputs=inputs,
            models=self.models,
            execution=self.execution,
            **self.size,
        )
        return trace.add(task, self.returns)

    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        from orchestrator.eager import run_model

        return run_model(self, *self._with_defaults(args, kwargs))
