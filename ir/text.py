"""Modules as text: print, and read back within bounds on size and depth.

xDSL's parser recurses, allocates what a text asks for and raises whatever goes wrong; a service that reads modules from
others needs one exception and a bound. `parse` raises `IrParseError` and nothing else.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from io import StringIO
from typing import cast

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser, ParserState
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException
from xdsl.utils.lexer import Input, Token
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRTokenKind, StringLiteral

from ir.dialects.values import FunctionAttr
from ir.universe import context

MAX_TEXT_LENGTH = 32_000_000
"""Longest text that `parse` reads, in characters: 10,000 operators of which a third are calls of language models with
three alternatives, lowered and with demand, are 26 million."""

MAX_DEPTH = 40
"""Deepest nesting of brackets outside string literals; each level of regions and attributes is one."""

_OPEN, _CLOSE = frozenset("{[(<"), frozenset("}])>")
_TOKEN = re.compile(
    r"""
    "(?:[^"\\\n]++|\\.)*+"       # a string literal
  | //[^\n]*                     # a comment
  | ->                           # an arrow closes nothing
  | [{}\[\]()<>]
  | (?P<forbidden>
        (?<![%@^\w$.])(?:
            (?:dense|dense_resource|sparse)\b(?!\s*[=,)])  # may ask for any amount of memory; a name is no attribute
          | [su]?i[0-9]{4,}                               # so may the range of a wide integer
        )
      | [0-9]{400,} | 0x[0-9A-Fa-f]{400,}
    )
    """,
    re.VERBOSE,
)


class IrParseError(ValueError):
    """A text that is no module: the message says where and why."""


class _Lexer(MLIRLexer):
    """Reads every UTF-8 literal as a text, in linear time.

    xDSL's takes the escapes that it prints beyond ASCII for bytes, and its pattern for a literal takes exponential time
    to find out that one does not end.
    """

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')

    def _lex_string_literal(self, start_pos: int) -> Token[MLIRTokenKind]:
        token = super()._lex_string_literal(start_pos)
        if token.kind is not MLIRTokenKind.BYTES_LIT:
            return token
        try:
            StringLiteral(start_pos, self.pos, self.input).bytes_contents.decode("utf-8")
        except UnicodeDecodeError:
            return token
        return Token(MLIRTokenKind.STRING_LIT, token.span)


class _Scope(ChainMap[str, tuple[SSAValue, ...]]):
    """The values that may be read here by name, whose copy takes the same time however many there are.

    xDSL's parser copies them where a region begins and takes the copy back where it ends, which is quadratic in the
    length of a module with plain dictionaries.
    """

    def copy(self) -> _Scope:
        """What is known now; a value that is defined after this stays out of it."""
        outer = _Scope(*self.maps)
        self.maps.insert(0, {})
        return outer


class _Parser(Parser):
    """xDSL's parser with our lexer and scopes."""

    def __init__(self, text: str) -> None:
        super().__init__(context(), text)
        self._parser_state = ParserState(_Lexer(Input(text, "<module>")))
        self.ssa_values = cast("dict[str, tuple[SSAValue, ...]]", _Scope())


class _LiteralPrinter(Printer):
    """xDSL's printer, with letters beyond ASCII as they are: stock `xdsl-opt` takes their escapes for bytes.

    It also takes a text for bytes that has such letters beside an escape, a quotation mark or a line break, so that
    nothing is gained there; our own lexer reads all.
    """

    def print_string_literal(self, string: str) -> None:
        """A text; escaped where it cannot be printed as it is."""
        if string.isascii() or not string.isprintable() or '"' in string or "\\" in string:
            super().print_string_literal(string)
        else:
            self.print_string(f'"{string}"')


class _Printer(_LiteralPrinter):
    """The printer, with a name for each function that stands more than once: each part of a call refers to it."""

    def __init__(self, stream: StringIO, module: ModuleOp) -> None:
        super().__init__(stream=stream)
        found = (op.properties.get("function") for op in module.walk())
        counts = Counter(each for each in found if isinstance(each, FunctionAttr))
        repeated = (each for each, count in counts.items() if count > 1)
        self._names: dict[Attribute, str] = {each: f"#function_{index}" for index, each in enumerate(repeated)}

    def print_aliases(self) -> None:
        """The definitions of the names, a line each."""
        for attribute, name in self._names.items():
            self.print_string(f"{name} = ")
            super().print_attribute(attribute)
            self.print_string("\n")

    def print_attribute(self, attribute: Attribute) -> None:
        """An attribute by its name, or as it is."""
        name = self._names.get(attribute) if isinstance(attribute, FunctionAttr) else None
        if name is None:
            super().print_attribute(attribute)
        else:
            self.print_string(name)


def to_text(module: ModuleOp) -> str:
    """A module in its assembly formats; `parse(to_text(m))` prints the same again.

    Functions that several operations name stand once before it: `#function_0 = #agent.function<...>`.
    """
    stream = StringIO()
    printer = _Printer(stream, module)
    printer.print_aliases()
    printer.print_op(module)
    return stream.getvalue() + "\n"


def plain_text(module: ModuleOp) -> str:
    """The same without names for functions, as one reads a single operation best."""
    stream = StringIO()
    _LiteralPrinter(stream=stream).print_op(module)
    return stream.getvalue()


def parse(text: str | bytes) -> ModuleOp:
    """Read and verify a module. Raises `IrParseError` for a text that is too long, too deep or no valid module."""
    if len(text) > MAX_TEXT_LENGTH:
        raise IrParseError(f"a text of {len(text)} characters; the limit is {MAX_TEXT_LENGTH}")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        _check_shape(decoded)
        module = _Parser(decoded).parse_module()
        module.verify()
    except IrParseError:
        raise
    except ParseError as error:
        raise IrParseError(_located(error)) from None
    except VerifyException as error:
        raise IrParseError(f"malformed module: {error}") from None
    except Exception as error:  # xDSL raises no common type for what is wrong with a text
        raise IrParseError(f"not a module: {type(error).__name__}: {error}") from None
    return module


def _check_shape(text: str) -> None:
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _OPEN:
            depth += 1
            if depth > MAX_DEPTH:
                raise IrParseError(f"line {_line(text, match.start())}: nested deeper than {MAX_DEPTH}")
        elif token in _CLOSE:
            depth -= 1
        elif match["forbidden"]:
            raise IrParseError(f"line {_line(text, match.start())}: {token[:40]!r} has no place in an agent's module")


def _located(error: ParseError) -> str:
    content = error.span.input.content
    line = _line(content, error.span.start) if isinstance(content, str) else 0
    return f"line {line}: {error.msg}"


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
