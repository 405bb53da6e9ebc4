"""What a type annotation says about the parts of a value: the fields it has, their types, the type of its items.

A symbolic value knows its annotation, so a misspelt field is an error on the user's line instead of a failed run.
Everything here answers `Any` where an annotation does not say.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast, get_args, get_origin

_WITHOUT_FIELDS = (str, bytes, bool, int, float, list, tuple, set, frozenset)


def hints(function: Callable[..., object]) -> dict[str, Any]:
    """The evaluated annotations of a function; a name that cannot be evaluated leaves `Any` for all of them."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # evaluating a user's annotation runs any code, so it may raise anything
        return {}


def field_type(annotation: Any, name: str) -> tuple[Any, tuple[str, ...] | None]:
    """The type of a field, and all field names when the annotation lists them and `name` is not among them.

    The second part is None when the field exists or nothing is known.
    """
    known = fields(annotation)
    if known is None:
        return Any, None
    if name in known:
        return known[name], None
    return Any, tuple(known)


def fields(annotation: Any) -> Mapping[str, Any] | None:
    """Field names to types of a dataclass, pydantic model or TypedDict; none for numbers, texts and lists.

    None where the annotation does not say, as for `Any` and dictionaries.
    """
    if (get_origin(unwrapped(annotation)) or unwrapped(annotation)) in _WITHOUT_FIELDS:
        return {}
    plain = _class(annotation)
    if plain is None:
        return None
    if dataclasses.is_dataclass(plain):
        names = [field.name for field in dataclasses.fields(plain)]
        return _evaluated(plain, names)
    model_fields = getattr(plain, "__pydantic_fields__", None)
    if isinstance(model_fields, Mapping):
        computed = getattr(getattr(plain, "__pydantic_decorators__", None), "computed_fields", {})
        return _evaluated(plain, [*cast(Mapping[str, object], model_fields), *computed])
    if hasattr(plain, "__required_keys__"):  # also the TypedDict of typing_extensions
        return _evaluated(plain, cast(Mapping[str, object], plain.__annotations__))
    return None


def item_type(annotation: Any) -> Any:
    """The type of the items of a list, sequence, homogeneous tuple or of the values of a mapping."""
    plain = unwrapped(annotation)
    origin, arguments = get_origin(plain), get_args(plain)
    if origin is None or not isinstance(origin, type) or not arguments:
        return Any
    if issubclass(origin, Mapping):
        return arguments[-1]
    if issubclass(origin, tuple):
        return arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else Any
    return arguments[0] if issubclass(origin, Iterable) else Any


def is_certainly_not_bool(annotation: Any) -> bool:
    """Whether `&`, `|` and `~` on a value of this type mean something else in Python: a number, text, container."""
    plain = unwrapped(annotation)
    kind = get_origin(plain) or plain
    return isinstance(kind, type) and kind is not bool and kind is not object and kind is not types.NoneType


def unwrapped(annotation: Any) -> Any:
    """An annotation without `Annotated[...]`."""
    return get_args(annotation)[0] if get_origin(annotation) is typing.Annotated else annotation


def _class(annotation: Any) -> type[Any] | None:
    plain = unwrapped(annotation)
    return cast("type[Any]", plain) if isinstance(plain, type) else None


def _evaluated(owner: type, names: Iterable[str]) -> dict[str, Any]:
    try:
        known = typing.get_type_hints(owner, include_extras=True)
    except Exception:  # as in `hints`
        known = {}
    return {name: known.get(name, Any) for name in names}
