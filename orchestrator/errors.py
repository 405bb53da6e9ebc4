"""Every error that this project raises on purpose: what was wrong, where it was written and what to do about it.

One tree, so that the command line and the server can show any of them as one clear message, and a caller can catch by
stage.
"""

from __future__ import annotations


class OrchestratorError(Exception):
    """`problem` names the rule and the value it got, `remedy` what to do, `where` the `file:line` or document path."""

    def __init__(self, problem: str, remedy: str = "", where: str = "") -> None:
        super().__init__(problem, remedy, where)
        self.problem = problem
        self.remedy = remedy
        self.where = where

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text}; {self.remedy}" if self.remedy else text


class CaptureError(OrchestratorError):
    """An agent could not be captured; `where` is the line of the user's file."""


class DecorationError(CaptureError):
    """A decorator or `.options(...)` got a value outside its rule, or a function that it cannot take."""


class TraceError(CaptureError):
    """An agent's body did something that has no meaning before the values exist."""


class GraphError(OrchestratorError):
    """A graph document breaks a rule; `where` is the path inside the document."""


class FunctionLoadError(OrchestratorError):
    """A user's file or function could not be loaded."""


class HashMismatchError(FunctionLoadError):
    """The source file is not the one that the graph was captured from."""


class ConversionError(OrchestratorError, ValueError):
    """A value does not fit the annotation of the function that takes or returns it, or has no JSON form."""


class ParseError(ConversionError):
    """The text of a language model does not fit the return annotation."""


class EagerError(OrchestratorError):
    """A run in this process, outside a trace, cannot go on."""


class FanoutOverflowError(EagerError):
    """A fan-out got more items than its `max`."""


class InterruptError(EagerError):
    """A run asked a question and nobody is there to answer."""
