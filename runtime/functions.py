"""The user's functions as the runtime sees them: loaded by name from the very source file that was planned.

Code never travels with a plan, so the file's hash is compared before any of it runs: what was priced is what runs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast, runtime_checkable

from placement.plan import Function, Plan
from runtime.errors import FunctionError

Json = Any

_MODULE = "module:"
_IMPORTED: dict[Path, tuple[str, ModuleType]] = {}


@runtime_checkable
class UserFunction(Protocol):
    """A decorated function. Which of the further methods below it has depends on `kind`."""

    kind: str


class Invocable(UserFunction, Protocol):
    """A tool, memory operation, compute step or model with a body."""

    def invoke_json(self, arguments: Mapping[str, Json]) -> Json:
        """Run the body on JSON arguments and give its result as JSON."""
        ...


class Agent(UserFunction, Protocol):
    """An agent that a model calls as a tool."""

    def accept_json(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """JSON arguments as the agent's annotations read them, with every default."""
        ...


class TextGenerator(UserFunction, Protocol):
    """An llm: writes the prompt and reads the answer."""

    def render_json(self, arguments: Mapping[str, Json]) -> Json:
        """`{"messages": [{"role", "content"}, ...]}`."""
        ...

    def parse_json(self, text: str) -> Json:
        """The answer's JSON value. Raises `ValueError` that says what did not fit."""
        ...

    def simulate_json(self, arguments: Mapping[str, Json], messages: list[Json] | None = None) -> Json:
        """Text or an assistant's turn from `simulate=`; None without it."""
        ...

    def placeholder_text(self, model: str) -> str:
        """Labelled text that parses."""
        ...


class SimulatedModel(UserFunction, Protocol):
    """A model that is not a text generator, where its device is absent."""

    def simulate_json(self, arguments: Mapping[str, Json]) -> Json:
        """The value from `simulate=`; None without it."""
        ...

    def placeholder_text(self, model: str) -> str:
        """Labelled JSON text of the annotated type."""
        ...


def load(function: Function, root: Path) -> UserFunction:
    """The function that a plan names, with files looked up below `root`; each file is imported once per process.

    Raises `FunctionError` when the file is absent, was changed, cannot be imported or holds no such decorated function.
    """
    return _load(function.source, function.qualname, function.sha256, root.resolve())


@cache
def _load(source: str, qualname: str, sha256: str, root: Path) -> UserFunction:
    """What is loaded stays loaded: a file that changes later does not change what runs."""
    path = check_source(Function(source=source, qualname=qualname, sha256=sha256), root)
    if source.startswith(_MODULE):
        module = _import_installed(source.removeprefix(_MODULE))
    else:
        module = _imported_file(path, source, sha256, root)
    found: object = module
    for name in qualname.split("."):
        found = getattr(found, name, None)
    if not isinstance(found, UserFunction):
        raise FunctionError(f"{source} has no decorated function {qualname!r}; plan again from the present code")
    return found


def check_source(function: Function, root: Path) -> Path:
    """The source file of a function, which is still the one that was planned. Raises `FunctionError`."""
    path = source_path(function, root)
    found = _sha256(path)
    if found != function.sha256:
        raise FunctionError(
            f"{function.source} was changed since it was planned: {function.qualname!r} was planned from sha256 "
            f"{function.sha256}, the file has {found}; restore the file or plan again"
        )
    return path


def check_sources(plan: Plan, root: Path) -> None:
    """Check every function of a plan without running any code. Raises `FunctionError` for the first that differs."""
    for operator in plan.operators:
        for function in operator.functions:
            check_source(function, root)


def source_path(function: Function, root: Path) -> Path:
    """The file of a function. Raises `FunctionError` when it is absent or lies outside `root`."""
    root = root.resolve()
    if function.source.startswith(_MODULE):
        return _installed_path(function.source.removeprefix(_MODULE))
    path = (root / function.source).resolve()
    if not path.is_relative_to(root) or path.suffix != ".py":
        raise FunctionError(f"the function source {function.source!r} is no Python file below {root}; plan again there")
    if not path.is_file():
        raise FunctionError(f"{function.source} does not exist below {root}; run in the folder that was planned from")
    return path


def _installed_path(name: str) -> Path:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        spec = None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise FunctionError(f"the module {name!r} is not installed here; install the package that provides it")
    return Path(spec.origin).resolve()


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise FunctionError(f"{path} cannot be read: {error.strerror}; check its permissions") from None


def _import_installed(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:
        raise FunctionError(f"importing {name} raised {type(error).__name__}: {error}") from error


def _imported_file(path: Path, source: str, sha256: str, root: Path) -> ModuleType:
    known = _IMPORTED.get(path)
    if known is None:
        known = _IMPORTED[path] = (sha256, _import_file(path, source, root))
    if known[0] != sha256:
        raise FunctionError(f"{source} changed after this process had loaded it; start the replicas again")
    return known[1]


def _import_file(path: Path, source: str, root: Path) -> ModuleType:
    name = f"user_functions_{re.sub(r'[^0-9A-Za-z_]', '_', source.removesuffix('.py'))}"
    for folder in (str(path.parent), str(root)):
        if folder not in sys.path:
            sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise FunctionError(f"importing {source} raised {type(error).__name__}: {error}{_line(path, error)}") from error
    return module


def _line(path: Path, error: BaseException) -> str:
    """Where in the user's file an import failed."""
    if isinstance(error, SyntaxError):
        return f" (line {error.lineno})" if error.filename == str(path) else ""
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return f" (line {line})" if line else ""


def invocable(function: UserFunction) -> Invocable:
    """A function that runs on a CPU core."""
    return cast(Invocable, _having(function, "invoke_json"))


def agent(function: UserFunction) -> Agent:
    """A function of kind agent."""
    return cast(Agent, _having(function, "accept_json"))


def text_generator(function: UserFunction) -> TextGenerator:
    """A function of kind llm."""
    return cast(TextGenerator, _having(function, "parse_json"))


def simulated_model(function: UserFunction) -> SimulatedModel:
    """A function of kind model."""
    return cast(SimulatedModel, _having(function, "simulate_json"))


def _having(function: UserFunction, method: str) -> UserFunction:
    if not hasattr(function, method):
        raise FunctionError(f"{function!r} of kind {function.kind!r} has no {method}; plan again from the present code")
    return function
