"""Functions fused to one operator: their values, what each took, and which of them failed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from placement.plan import PartCall
from runtime.drivers.user_calls import PartFailed, perform_all, result_too_large

Made = Callable[..., PartCall]


@pytest.fixture
def made(user_code: Any) -> Made:
    """`made("b", "add", a="x")` is a call of `add` whose value is named b."""

    def make(id: str, function: str, **inputs: str) -> PartCall:
        return PartCall(id=id, name=function, function=user_code.function(function), inputs=inputs)

    return make


def test_each_reads_what_came_before_and_what_the_operator_was_given(made: Made, user_code: Any) -> None:
    calls = [
        made("a", "add", a="x", b="y"),
        made("b", "pair", a="a", b="{'half': x}"),
        made("c", "add", a="b[0]", b="y"),
    ]
    value, times = perform_all(calls, {"x": 1, "y": 2}, user_code.root, 1000)
    assert json.loads(value) == 1 + 2 + 2
    assert [time.id for time in times] == ["a", "b", "c"]
    assert all(time.duration_s > 0 for time in times)


def test_what_one_does_to_its_argument_the_next_does_not_see(made: Made, user_code: Any) -> None:
    calls = [made("a", "take", items="x"), made("b", "pair", a="a", b="x")]
    # as between two operators, where each gets a copy of its own; a tuple arrives as a list
    assert perform_all(calls, {"x": [1, 2]}, user_code.root, 1000)[0] == "[2, [1, 2]]"


@pytest.mark.parametrize(
    ("function", "inputs", "kind", "type_name"),
    [
        ("divide", {"a": "a", "b": "0"}, "raised", "ZeroDivisionError"),
        ("add", {"a": "a.missing"}, "raised", "ExpressionError"),
        ("not_a_number", {}, "raised", "ValueError"),
        ("no_json", {}, "raised", "TypeError"),
        ("leave", {}, "raised", "SystemExit"),
        ("large", {"size": "2000"}, "refused", "ResultTooLarge"),
        ("nobody", {}, "refused", "FunctionError"),
    ],
)
def test_a_failure_names_the_function_it_happened_in(
    made: Made, user_code: Any, function: str, inputs: dict[str, str], kind: str, type_name: str
) -> None:
    calls = [made("a", "add", a="1"), made("b", function, **inputs), made("c", "add", a="1")]
    with pytest.raises(PartFailed) as failed:
        perform_all(calls, {}, user_code.root, 1000)
    failure = failed.value.failure
    assert (failure.kind, failure.type, failure.instance) == (kind, type_name, "b")
    assert failure.at_instance("loop[1]/c_fused").instance == "loop[1]/c_fused/b"


def test_the_traceback_is_of_the_users_frames(made: Made, user_code: Any) -> None:
    with pytest.raises(PartFailed) as failed:
        perform_all([made("a", "add", a="1"), made("b", "divide", a="a", b="0")], {}, user_code.root, 1000)
    assert "in divide" in failed.value.failure.traceback
    assert "user_calls.py" not in failed.value.failure.traceback


def test_a_result_may_be_as_large_as_the_limit() -> None:
    assert result_too_large(b"1234", 4) is None
    told = result_too_large(b"12345", 4)
    assert told is not None
    assert told.message.startswith("the result has 5 bytes as JSON, the limit is 4; return a reference")
