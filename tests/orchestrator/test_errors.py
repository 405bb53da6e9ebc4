"""An error is one message of place, problem and remedy, and survives the way to another process."""

import inspect
import pickle

import pytest

from orchestrator import errors
from orchestrator.errors import CaptureError, ConversionError, OrchestratorError, ParseError, TraceError

KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, OrchestratorError)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("it is wrong",), "it is wrong"),
        (("it is wrong", "mend it"), "it is wrong; mend it"),
        (("it is wrong", "mend it", "a.py:3"), "a.py:3: it is wrong; mend it"),
        (("it is wrong", "", "a.py:3"), "a.py:3: it is wrong"),
    ],
)
def test_the_message_has_place_problem_and_remedy(arguments: tuple[str, ...], text: str) -> None:
    assert str(OrchestratorError(*arguments)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_pickled_whole(kind: type[OrchestratorError]) -> None:
    error = pickle.loads(pickle.dumps(kind("problem", "remedy", "place")))
    assert type(error) is kind
    assert (error.problem, error.remedy, error.where) == ("problem", "remedy", "place")


def test_the_tree() -> None:
    assert issubclass(TraceError, CaptureError)
    assert issubclass(ParseError, ConversionError)
    assert issubclass(ParseError, ValueError)
