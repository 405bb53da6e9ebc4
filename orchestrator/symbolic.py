"""Values while an agent is traced: operations on them build expressions; anything that needs the value itself is an
error.

A traced body runs once, before any value exists. Python asks a value for its truth, its length or its text through
special methods; here each of them says which combinator to use instead, on the user's line.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from ir.expression import MAX_DEPTH, Expression, Field, Item, apply, to_text
from orchestrator.annotations import field_type, is_certainly_not_bool, item_type
from orchestrator.errors import TraceError
from orchestrator.source import user_location

_BOOLEAN_RESULTS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "and", "or", "not", "any", "all"})


class Owner(Protocol):
    """The trace that a symbol belongs to."""

    @property
    def active(self) -> bool:
        """Whether the trace is still under way."""
        ...

    def expression(self, value: object) -> Expression:
        """The expression of a value as this trace sees it."""
        ...

    def fail(self, problem: str, remedy: str) -> NoReturn:
        """Raise a `TraceError` that ends the trace even when the user's code swallows it."""
        ...


class Symbol:  # noqa: PLW1641  # hashing is refused with the rest of `_REFUSED`
    """The value a task or parameter will have. `==`, `<`, `+`, `&`, `|`, `~`, `.field`, `[item]` make new symbols."""

    __slots__ = ("_annotation", "_depth", "_expression", "_owner")

    _annotation: Any
    _depth: int
    _expression: Expression
    _owner: Owner

    def __init__(self, owner: Owner, expression: Expression, annotation: Any = Any, depth: int = 1) -> None:
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_expression", expression)
        object.__setattr__(self, "_annotation", annotation)
        object.__setattr__(self, "_depth", depth)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith("_"):
            self._refuse(f"reads the private field {name!r}", "only public fields of a value can be read")
        annotation, known = field_type(self._annotation, name)
        if known is not None:
            fields = ", ".join(known) or "none"
            self._refuse(
                f"has no field {name!r}", f"its fields are: {fields}; methods and properties need a @compute function"
            )
        return self._part(Field(self._expression, name), annotation)

    def __getitem__(self, index: object) -> Any:
        if isinstance(index, slice):
            self._refuse("is sliced", "slice inside a @compute function")
        return self._part(Item(self._expression, self._owner.expression(index)), item_type(self._annotation), index)

    def __eq__(self, other: object) -> Any:
        return self._apply("==", self, other)

    def __ne__(self, other: object) -> Any:
        return self._apply("!=", self, other)

    def __lt__(self, other: object) -> Any:
        return self._apply("<", self, other)

    def __le__(self, other: object) -> Any:
        return self._apply("<=", self, other)

    def __gt__(self, other: object) -> Any:
        return self._apply(">", self, other)

    def __ge__(self, other: object) -> Any:
        return self._apply(">=", self, other)

    def __add__(self, other: object) -> Any:
        return self._apply("+", self, other)

    def __radd__(self, other: object) -> Any:
        return self._apply("+", other, self)

    def __sub__(self, other: object) -> Any:
        return self._apply("-", self, other)

    def __rsub__(self, other: object) -> Any:
        return self._apply("-", other, self)

    def __mul__(self, other: object) -> Any:
        return self._apply("*", self, other)

    def __rmul__(self, other: object) -> Any:
        return self._apply("*", other, self)

    def __truediv__(self, other: object) -> Any:
        return self._apply("/", self, other)

    def __rtruediv__(self, other: object) -> Any:
        return self._apply("/", other, self)

    def __mod__(self, other: object) -> Any:
        return self._apply("%", self, other)

    def __rmod__(self, other: object) -> Any:
        return self._apply("%", other, self)

    def __neg__(self) -> Any:
        return self._apply("neg", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._apply("abs", self)

    def __and__(self, other: object) -> Any:
        return self._logical("and", "&", self, other)

    def __rand__(self, other: object) -> Any:
        return self._logical("and", "&", other, self)

    def __or__(self, other: object) -> Any:
        return self._logical("or", "|", self, other)

    def __ror__(self, other: object) -> Any:
        return self._logical("or", "|", other, self)

    def __invert__(self) -> Any:
        return self._logical("not", "~", self)

    def __repr__(self) -> str:
        if self._owner.active:
            raise TraceError(f"{self._label()} is turned into text by repr()", _TEXT_REMEDY, user_location())
        return f"<symbolic {to_text(self._expression)}>"

    def __copy__(self) -> Symbol:
        return self

    def __deepcopy__(self, memo: object) -> Symbol:
        return self

    def _label(self) -> str:
        return f"the value {to_text(self._expression)!r}, which does not exist while the agent is traced,"

    def _refuse(self, problem: str, remedy: str) -> NoReturn:
        self._owner.fail(f"{self._label()} {problem}", remedy)

    def _part(self, expression: Expression, annotation: Any, *others: object) -> Symbol:
        depth = 1 + max([self._depth, *(depth_of(other) for other in others)])
        return make_symbol(self._owner, expression, annotation, depth)

    def _apply(self, operation: str, *operands: object) -> Symbol:
        arguments = tuple(self._owner.expression(operand) for operand in operands)
        depth = 1 + max(depth_of(operand) for operand in operands)
        annotation = bool if operation in _BOOLEAN_RESULTS else Any
        return make_symbol(self._owner, apply(operation, *arguments), annotation, depth)

    def _logical(self, operation: str, sign: str, *operands: object) -> Symbol:
        for operand in operands:
            annotation = operand._annotation if isinstance(operand, Symbol) else type(operand)
            if is_certainly_not_bool(annotation):
                name = getattr(annotation, "__name__", annotation)
                self._refuse(
                    f"is used with `{sign}` on a {name}", f"compare first: `{sign}` joins conditions, `(x > 1)`"
                )
        return self._apply(operation, *operands)


_TEXT_REMEDY = "pass the value to an @llm or @compute function and build the text there; observe(value) logs it"
_MUTATION_REMEDY = "values never change; make a new one in a @compute function and use what it returns"
_NUMBER_REMEDY = "compute with it inside a @compute function"

_REFUSED: dict[str, tuple[str, str]] = {
    "__bool__": (
        "decides a Python `if`, `while`, `and`, `or`, `not` or a chained comparison",
        "use when(condition, then, else_) to branch, loop(body, init, until=..., max_iters=...) to repeat, "
        "and `&`, `|`, `~` between parenthesised comparisons",
    ),
    "__iter__": ("is iterated or unpacked", "use fanout(function, items, max=...) to do something with each item"),
    "__reversed__": ("is iterated", "use fanout(function, items, max=...) to do something with each item"),
    "__next__": ("is iterated", "use fanout(function, items, max=...) to do something with each item"),
    "__len__": ("is asked for its length", "use length(value)"),
    "__contains__": ("is searched with `in`", "use contains(container, item)"),
    "__str__": ("is turned into text (str, print or an f-string)", _TEXT_REMEDY),
    "__format__": ("is put into an f-string or format()", _TEXT_REMEDY),
    "__bytes__": ("is turned into bytes", _TEXT_REMEDY),
    "__fspath__": ("is used as a path", "open files inside a @tool or @compute function"),
    "__hash__": (
        "is used as a dictionary key, in a set or as an argument of a cached function",
        "use it as a dictionary's value, or look it up inside a @compute function",
    ),
    "__call__": ("is called; it has no methods", "call methods inside a @compute function"),
    "__int__": ("is turned into an int", _NUMBER_REMEDY),
    "__float__": ("is turned into a float", _NUMBER_REMEDY),
    "__complex__": ("is turned into a complex number", _NUMBER_REMEDY),
    "__index__": (
        "is used as an index or a count",
        "use fanout(...) or loop(...) with a bound, or a @compute function",
    ),
    "__round__": ("is rounded", _NUMBER_REMEDY),
    "__setitem__": ("is changed", _MUTATION_REMEDY),
    "__delitem__": ("is changed", _MUTATION_REMEDY),
    "__setattr__": ("is changed", _MUTATION_REMEDY),
    "__delattr__": ("is changed", _MUTATION_REMEDY),
    "__await__": ("is awaited", "an agent's body is not async: a call of an async tool gives its value at once"),
    "__aiter__": ("is iterated", "use fanout(function, items, max=...) to do something with each item"),
    "__enter__": ("is used in a `with` statement", "open resources inside a @tool or @compute function"),
    "__reduce_ex__": ("is pickled", "symbolic values live only while an agent is traced"),
}
_REFUSED_OPERATORS = {
    "//": ("__floordiv__", "__rfloordiv__"),
    "**": ("__pow__", "__rpow__"),
    "@": ("__matmul__", "__rmatmul__"),
    "^": ("__xor__", "__rxor__"),
    "<<": ("__lshift__", "__rlshift__"),
    ">>": ("__rshift__", "__rrshift__"),
    "divmod()": ("__divmod__", "__rdivmod__"),
}


def expression_of(symbol: Symbol) -> Expression:
    """The expression that a symbol stands for."""
    return symbol._expression  # pyright: ignore[reportPrivateUsage]  # its public names are the fields of the value


def annotation_of(value: object) -> Any:
    """The type of a symbol as its annotation gives it; the class of any other value."""
    return value._annotation if isinstance(value, Symbol) else type(value)  # pyright: ignore[reportPrivateUsage]


def owner_of(symbol: Symbol) -> Owner:
    """The trace that made a symbol."""
    return symbol._owner  # pyright: ignore[reportPrivateUsage]


def depth_of(value: object) -> int:
    """Nesting depth of a symbol's expression; 1 for any other value."""
    return value._depth if isinstance(value, Symbol) else 1  # pyright: ignore[reportPrivateUsage]


def function_of(symbol: Symbol, operation: str, *others: object) -> Symbol:
    """A function such as `len` applied to a symbol and other values."""
    return symbol._apply(operation, symbol, *others)  # pyright: ignore[reportPrivateUsage]


def make_symbol(owner: Owner, expression: Expression, annotation: Any, depth: int) -> Symbol:
    """A symbol whose expression is not too deep to be read again."""
    if depth > MAX_DEPTH:
        owner.fail(
            f"an expression is nested deeper than {MAX_DEPTH} operations",
            "compute it in a @compute function",
        )
    return Symbol(owner, expression, annotation, depth)


def _refusing(problem: str, remedy: str) -> Any:
    def refuse(self: Symbol, *_: object) -> NoReturn:
        self._refuse(problem, remedy)  # pyright: ignore[reportPrivateUsage]

    return refuse


for _name, (_problem, _remedy) in _REFUSED.items():
    setattr(Symbol, _name, _refusing(_problem, _remedy))
for _sign, _names in _REFUSED_OPERATORS.items():
    for _name in _names:
        setattr(Symbol, _name, _refusing(f"is used with `{_sign}`", _NUMBER_REMEDY))
