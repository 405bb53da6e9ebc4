"""Expressions over named values: build, write as text, read back, evaluate.

Predicates and field selections travel from the traced agent through the IR and the plan to the runtime; they are data,
never code, so that a plan can be read, stored and checked anywhere. The text form is a small subset of Python's syntax.
This module is a leaf: it imports only the standard library.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

MAX_TEXT_LENGTH = 4_000
"""Longest text that `parse` accepts, in characters: keeps the reader's time and stack bounded."""

MAX_DEPTH = 60
"""Deepest nesting that `parse` accepts."""

MAX_INTEGER = 2**64
"""Whole numbers in an expression are smaller than this in magnitude, so that every reader of JSON can hold them."""


class ExpressionError(ValueError):
    """A text that is no expression, or an evaluation that has no value."""


@dataclass(frozen=True, slots=True)
class Const:
    """A literal: None, bool, int below `MAX_INTEGER`, finite float or str."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a name, such as a task's id or an input of the agent."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """`base.name`: a key of a mapping or a public attribute of an object."""

    base: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """`base[index]`: an element of a sequence or the value of a mapping's key."""

    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function of `OPERATIONS` applied to arguments."""

    operation: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of expressions."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class DictOf:
    """A mapping from literal string keys to expressions."""

    items: tuple[tuple[str, Expression], ...]


Expression = Const | Ref | Field | Item | Apply | ListOf | DictOf


_NO_FIELDS: tuple[type, ...] = (str, bytes, int, float, list, tuple, set, type(None))


def _contains(item: object, container: object) -> bool:
    return operator.contains(cast(Sequence[object], container), item)


def _numeric(call: Callable[[float, float], float]) -> Callable[..., object]:
    """Arithmetic on numbers only: repeating or formatting a text could ask for any amount of memory."""

    def checked(left: object, right: object) -> float:
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError(f"numbers expected, got {type(left).__name__} and {type(right).__name__}")
        return call(left, right)

    return checked


_UNARY: dict[str, tuple[type[ast.unaryop], Callable[..., object]]] = {
    "neg": (ast.USub, operator.neg),
    "not": (ast.Not, operator.not_),
}
_BINARY: dict[str, tuple[type[ast.operator], Callable[..., object]]] = {
    "+": (ast.Add, operator.add),
    "-": (ast.Sub, _numeric(operator.sub)),
    "*": (ast.Mult, _numeric(operator.mul)),
    "/": (ast.Div, _numeric(lambda left, right: left / right)),
    "%": (ast.Mod, _numeric(operator.mod)),
}
_COMPARE: dict[str, tuple[type[ast.cmpop], Callable[..., object]]] = {
    "==": (ast.Eq, operator.eq),
    "!=": (ast.NotEq, operator.ne),
    "<": (ast.Lt, operator.lt),
    "<=": (ast.LtE, operator.le),
    ">": (ast.Gt, operator.gt),
    ">=": (ast.GtE, operator.ge),
    "in": (ast.In, _contains),
}
_FUNCTIONS: dict[str, Callable[..., object]] = {f.__name__: f for f in (len, min, max, sum, abs, any, all)}
_BOOLEAN: dict[str, type[ast.boolop]] = {"and": ast.And, "or": ast.Or}
_CALLS = {name: call for table in (_UNARY, _BINARY, _COMPARE) for name, (_, call) in table.items()} | _FUNCTIONS

OPERATIONS = frozenset(_CALLS) | frozenset(_BOOLEAN)
"""Every operation that `Apply` may name."""


def is_name(text: str) -> bool:
    """Whether a text can name a value: an identifier that Python reads as written, public and no keyword."""
    public = text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("_")
    return public and unicodedata.normalize("NFKC", text) == text


def apply(operation: str, *arguments: Expression) -> Expression:
    """Build an application. Raises `ExpressionError` for an operation outside `OPERATIONS`."""
    if operation not in OPERATIONS:
        raise ExpressionError(f"unknown operation {operation!r}; use one of {', '.join(sorted(OPERATIONS))}")
    if operation == "neg" and isinstance(arguments[0], Const) and _is_number(arguments[0].value):
        return Const(-cast(float, arguments[0].value))
    return Apply(operation, arguments)


def parse(text: str) -> Expression:
    """Read an expression; `parse(to_text(e)) == e` for every `e` that `parse` and `apply` make.

    Raises `ExpressionError` for text that is too long, too deep, or outside the subset, and for nothing else.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise ExpressionError(f"expression of {len(text)} characters; the limit is {MAX_TEXT_LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"not an expression: {_shorten(text)!r} ({error})") from None
    return _from_ast(tree.body, text.strip(), 0)


def to_text(expression: Expression) -> str:
    """Write an expression in its canonical text form.

    Raises `ExpressionError` for what no text can say: a name that is no identifier, a large literal, deep nesting.
    """
    try:
        return ast.unparse(_to_ast(expression))
    except RecursionError:
        raise ExpressionError(f"expression nested deeper than {MAX_DEPTH}") from None


def references(expression: Expression) -> frozenset[str]:
    """The names that an expression reads."""
    return frozenset(part.name for part in walk(expression) if isinstance(part, Ref))


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all its parts, outermost first."""
    pending = [expression]
    while pending:
        part = pending.pop()
        yield part
        pending.extend(reversed(_children(part)))


def rename(expression: Expression, names: Mapping[str, Expression]) -> Expression:
    """Replace references by the expressions that `names` gives; other names stay."""
    match expression:
        case Ref(name):
            return names.get(name, expression)
        case Const():
            return expression
        case Field(base, name):
            return Field(rename(base, names), name)
        case Item(base, index):
            return Item(rename(base, names), rename(index, names))
        case Apply(operation, arguments):
            return Apply(operation, tuple(rename(argument, names) for argument in arguments))
        case ListOf(items):
            return ListOf(tuple(rename(item, names) for item in items))
        case DictOf(items):
            return DictOf(tuple((key, rename(item, names)) for key, item in items))


def evaluate(expression: Expression, values: Mapping[str, object]) -> object:
    """The value of an expression.

    `values` maps names to plain data or objects with public attributes. Raises `ExpressionError` that names the part
    without a value: an unknown name, a missing field or index, operands of the wrong type, a division by zero.
    """
    match expression:
        case Const(value):
            return value
        case Ref(name):
            if name not in values:
                raise ExpressionError(f"no value named {name!r}; known: {', '.join(sorted(values)) or 'none'}")
            return values[name]
        case Field(base, name):
            return _field(evaluate(base, values), name, expression)
        case Item(base, index):
            return _item(evaluate(base, values), evaluate(index, values), expression)
        case Apply(operation, arguments):
            return _evaluate_apply(operation, arguments, values, expression)
        case ListOf(items):
            return [evaluate(item, values) for item in items]
        case DictOf(items):
            return {key: evaluate(item, values) for key, item in items}


def _children(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Const() | Ref():
            return ()
        case Field(base, _):
            return (base,)
        case Item(base, index):
            return (base, index)
        case Apply(_, arguments):
            return arguments
        case ListOf(items):
            return items
        case DictOf(items):
            return tuple(item for _, item in items)


def _evaluate_apply(
    operation: str, arguments: tuple[Expression, ...], values: Mapping[str, object], whole: Expression
) -> object:
    if operation in _BOOLEAN:
        result: object = None
        for argument in arguments:
            result = evaluate(argument, values)
            if bool(result) == (operation == "or"):
                break
        return result
    operands = [evaluate(argument, values) for argument in arguments]
    try:
        result = _CALLS[operation](*operands)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ExpressionError(f"{to_text(whole)} has no value: {error}") from None
    if isinstance(result, float) and not math.isfinite(result):
        raise ExpressionError(f"{to_text(whole)} has no value: the result {result!r} is not finite")
    return result


def _field(base: object, name: str, whole: Expression) -> object:
    if isinstance(base, Mapping):
        mapping = cast(Mapping[str, object], base)
        if name in mapping:
            return mapping[name]
        raise ExpressionError(f"{to_text(whole)}: no field {name!r}; it has {', '.join(map(str, mapping)) or 'none'}")
    if name.startswith("_") or isinstance(base, _NO_FIELDS) or not hasattr(base, name):
        raise ExpressionError(f"{to_text(whole)}: a {type(base).__name__} has no field {name!r}")
    return getattr(base, name)


def _item(base: object, index: object, whole: Expression) -> object:
    try:
        return cast(Sequence[object], base)[cast(int, index)]
    except (LookupError, TypeError) as error:
        raise ExpressionError(f"{to_text(whole)} has no value: {error}") from None


def _from_ast(node: ast.expr, text: str, depth: int) -> Expression:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"expression nested deeper than {MAX_DEPTH}: {_shorten(text)!r}")

    def child(part: ast.expr) -> Expression:
        return _from_ast(part, text, depth + 1)

    match node:
        case ast.Constant(value=value) if _is_literal(value):
            return Const(cast("bool | int | float | str | None", value))
        case ast.Name(id=name):
            return Ref(_public(name))
        case ast.Attribute(value=base, attr=name):
            return Field(child(base), _public(name))
        case ast.Subscript(value=base, slice=index) if not isinstance(index, ast.Slice | ast.Tuple):
            return Item(child(base), child(index))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if _is_number(value):
            return Const(-cast(float, value))
        case ast.UnaryOp(op=op, operand=operand):
            return Apply(_operation(op, _UNARY, text), (child(operand),))
        case ast.BinOp(left=left, op=op, right=right):
            return Apply(_operation(op, _BINARY, text), (child(left), child(right)))
        case ast.BoolOp(op=op, values=parts):
            return Apply("and" if isinstance(op, ast.And) else "or", tuple(child(part) for part in parts))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return Apply(_operation(op, _COMPARE, text), (child(left), child(right)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS and arguments:
            return Apply(name, tuple(child(argument) for argument in arguments))
        case ast.List(elts=items):
            return ListOf(tuple(child(item) for item in items))
        case ast.Dict(keys=keys, values=items):
            return DictOf(tuple((_key(key, text), child(item)) for key, item in zip(keys, items, strict=True)))
        case _:
            part = _shorten(ast.get_source_segment(text, node) or text)
            raise ExpressionError(f"{part!r} is not allowed in an expression; move it into a @compute step")


def _to_ast(expression: Expression) -> ast.expr:
    match expression:
        case Const(value):
            return _const_to_ast(value)
        case Ref(name):
            return ast.Name(_public(name), ast.Load())
        case Field(base, name):
            return ast.Attribute(_to_ast(base), _public(name), ast.Load())
        case Item(base, index):
            return ast.Subscript(_to_ast(base), _to_ast(index), ast.Load())
        case ListOf(items):
            return ast.List([_to_ast(item) for item in items], ast.Load())
        case DictOf(items):
            return ast.Dict([ast.Constant(key) for key, _ in items], [_to_ast(item) for _, item in items])
        case Apply(operation, arguments):
            return _apply_to_ast(operation, [_to_ast(argument) for argument in arguments])


def _const_to_ast(value: bool | int | float | str | None) -> ast.expr:
    if not _is_literal(value):
        raise ExpressionError(f"the literal {_shorten(repr(value))} cannot be written in an expression")
    if isinstance(value, int | float) and not isinstance(value, bool) and math.copysign(1, value) < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _public(name: str) -> str:
    if not is_name(name):
        raise ExpressionError(f"{_shorten(name)!r} is no public name; only public names can be read")
    return name


def _apply_to_ast(operation: str, parts: list[ast.expr]) -> ast.expr:
    if operation in _BOOLEAN:
        return ast.BoolOp(_BOOLEAN[operation](), parts)
    if operation in _UNARY:
        return ast.UnaryOp(_UNARY[operation][0](), parts[0])
    if operation in _BINARY:
        return ast.BinOp(parts[0], _BINARY[operation][0](), parts[1])
    if operation in _COMPARE:
        return ast.Compare(parts[0], [_COMPARE[operation][0]()], [parts[1]])
    return ast.Call(ast.Name(operation, ast.Load()), parts, [])


def _operation(node: ast.AST, table: Mapping[str, tuple[type[ast.AST], Callable[..., object]]], text: str) -> str:
    for name, (kind, _) in table.items():
        if isinstance(node, kind):
            return name
    raise ExpressionError(
        f"operator {type(node).__name__} is not allowed in {_shorten(text)!r}; use one of {list(table)}"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_literal(value)


def _is_literal(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < MAX_INTEGER
    return value is None or isinstance(value, str)


def _key(node: ast.expr | None, text: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ExpressionError(f"a mapping in an expression needs literal string keys: {_shorten(text)!r}")


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
