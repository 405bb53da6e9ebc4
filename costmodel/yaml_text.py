"""Reads untrusted YAML into plain values, with the line of every key, and refuses what would be misread in silence.

PyYAML keeps the last of two equal keys, reads `1e9` as text and expands aliases without bound; here the first and the
last are errors and the second is a number, as YAML 1.2 has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from costmodel.errors import FleetError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

Path_ = tuple[str | int, ...]
"""Keys and list positions from the top of a document to a value."""


@dataclass(frozen=True, slots=True)
class YamlText:
    """A document's value, and the line (from 1) of each key or item in it."""

    value: object
    lines: dict[Path_, int]
    is_mapping: bool

    def line(self, path: Path_) -> int:
        """The line of a value, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's floats."""


# PyYAML's stubs leave this method untyped.
_Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+0123456789.")
)


def read_yaml(path: Path, what: str = "fleet file") -> YamlText:
    """The value of a YAML file. Raises FleetError naming the file (as a `what`), and the line where there is one."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise FleetError(f"{path}: the {what} cannot be read ({error}); give the path of a YAML file") from error
    if len(content) > MAX_BYTES:
        raise FleetError(f"{path}: a {what} has at most {MAX_BYTES:,} bytes, this one has {len(content):,}")
    try:
        loader = _Loader(content.decode("utf-8-sig"))
        node = loader.get_single_node()
    except UnicodeDecodeError as error:
        raise FleetError(f"{path}: a {what} is UTF-8 text ({error}); save it as such") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f":{mark.line + 1}" if mark else ""
        raise FleetError(f"{path}{at}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FleetError(f"{path}: not YAML: {error}") from error
    lines: dict[Path_, int] = {}
    if node is not None:
        _walk(node, (), lines, path, set())
    return YamlText(_value(loader, node, path), lines, isinstance(node, yaml.MappingNode))


def _value(loader: _Loader, node: yaml.Node | None, path: Path) -> object:
    try:
        # PyYAML's stubs leave this method untyped.
        construct = cast(Callable[[yaml.Node], object], loader.construct_document)  # pyright: ignore[reportUnknownMemberType]
        return None if node is None else construct(node)
    except (yaml.YAMLError, ValueError) as error:
        raise FleetError(f"{path}: not a plain YAML value: {error}") from error


def _walk(node: yaml.Node, at: Path_, lines: dict[Path_, int], path: Path, seen: set[int]) -> None:
    line = node.start_mark.line + 1
    lines.setdefault(at, line)
    if len(at) > MAX_DEPTH:
        raise FleetError(f"{path}:{line}: nested more than {MAX_DEPTH} deep; such files have a few levels")
    if id(node) in seen:
        raise FleetError(f"{path}:{line}: aliases (*name) are not allowed; write the value out")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            _walk(item, (*at, position), lines, path, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in keys:
                raise FleetError(f"{path}:{key.start_mark.line + 1}: the key {name!r} stands twice; keep one")
            keys.add(name)
            lines[(*at, name)] = key.start_mark.line + 1
            _walk(value, (*at, name), lines, path, seen)
