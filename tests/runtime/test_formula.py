"""Names of expressions resolved to places."""

import pytest

from ir.expression import parse
from runtime.formula import BOUND, Place, Scope, resolve

OUTER = Scope({"x": 0, "a": 1}, None)
INNER = Scope({"item": 0, "a": 1}, OUTER)


def unknown(name: str) -> Exception:
    return KeyError(name)


def test_the_innermost_scope_wins() -> None:
    formula = resolve(parse("a + x + item.score"), INNER, None, unknown)
    assert formula.places == (Place("a", 0, 1), Place("item", 0, 0), Place("x", 1, 0))
    assert not formula.bare


def test_a_bare_name_is_known_as_such() -> None:
    assert resolve(parse("x"), INNER, None, unknown).bare
    assert not resolve(parse("x.y"), INNER, None, unknown).bare


def test_a_bound_name_hides_the_scopes() -> None:
    assert resolve(parse("a > x"), INNER, "a", unknown).places == (Place("a", BOUND, 0), Place("x", 1, 0))


def test_an_unknown_name_is_the_callers_error() -> None:
    with pytest.raises(KeyError, match="nobody"):
        resolve(parse("nobody"), INNER, None, unknown)
    assert INNER.names() == ["item", "a", "x", "a"]
