"""Bodies are JSON and nothing more."""

import pytest

from orchestrator.server.problems import Problem
from orchestrator.server.strict_json import parse


def test_json_is_read() -> None:
    assert parse('{"a": [1, 2.5, null, "\\ud83d\\ude00 é"]}'.encode()) == {"a": [1, 2.5, None, "😀 é"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "Out of range"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\udfff": 1}', "half of a surrogate pair"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "limit"),
    ],
)
def test_anything_else_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(body)
    assert caught.value.kind == "malformed-json"
    assert message in caught.value.detail
