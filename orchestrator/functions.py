"""A user's file and the functions in it by name: what a graph says instead of code.

Code never travels: a graph holds `{source, qualname, sha256}`, and a machine that runs it loads the same file or
refuses.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
import sysconfig
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from orchestrator.errors import CaptureError, FunctionLoadError, TraceError
from orchestrator.function_ref_check import MODULE_PREFIX
from orchestrator.graph import FunctionRef
from orchestrator.source import display_path

if TYPE_CHECKING:
    from orchestrator.agent_function import AgentFunction


_LOCK = threading.RLock()
_SHA256: dict[Path, str] = {}
_LOADED: dict[Path, ModuleType] = {}


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A user's file as this process has it. `agents` are those defined in it, in the order of the file."""

    path: Path
    module: ModuleType
    agents: dict[str, AgentFunction[..., Any]]


def function_ref(function: Callable[..., Any], kind: str) -> FunctionRef:
    """The reference of a module-level function. Raises `TraceError` for any other: it could not be loaded again."""
    code: CodeType = inspect.unwrap(function).__code__
    where = f"{display_path(code.co_filename)}:{code.co_firstlineno}"
    qualname = function.__qualname__
    if "." in qualname:
        raise TraceError(
            f"@{kind} {qualname!r} is defined inside a function, so no other process can load it by name",
            "move it to the top level of its module",
            where,
        )
    path = Path(code.co_filename)
    if not path.is_file():
        raise TraceError(
            f"@{kind} {qualname!r} is defined in {code.co_filename!r}: no file that another process can load",
            "put it into a .py file",
            where,
        )
    return FunctionRef(_source(path.resolve(), function.__module__, where), qualname, source_sha256(path))


def source_sha256(path: Path) -> str:
    """Hex digest of the bytes that this process loaded from `path`, or has first seen there."""
    path = path.resolve()
    with _LOCK:
        if path not in _SHA256:
            _SHA256[path] = hashlib.sha256(_read(path)).hexdigest()
        return _SHA256[path]


def load_file(path: str | Path) -> LoadedFile:
    """Import a user's file once per process under a stable module name.

    Its folder and the working directory become importable; a file that changed since is refused. Raises
    `FunctionLoadError` naming the file and what went wrong; a `CaptureError` of a decorator in the file passes
    through.
    """
    resolved = _existing(Path(path))
    with _LOCK:
        module = _LOADED.get(resolved) or _module_of(resolved) or _import(resolved)
        _LOADED[resolved] = module
        if hashlib.sha256(_read(resolved)).hexdigest() != source_sha256(resolved):
            raise FunctionLoadError(f"{path} has changed since this process loaded it", "start the process again")
    return LoadedFile(resolved, module, _agents(module, resolved))


def _source(path: Path, module: str, where: str) -> str:
    if _is_installed(path):
        return MODULE_PREFIX + module
    try:
        return path.relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        raise TraceError(
            f"{path} is outside the working directory {Path.cwd()}",
            "run from a folder that contains it: plans name files relative to the working directory",
            where,
        ) from None


def _is_installed(path: Path) -> bool:
    if {"site-packages", "dist-packages"} & set(path.parts):
        return True
    return path.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())


def _existing(path: Path) -> Path:
    resolved = path.resolve()
    if not resolved.is_file():
        reason = "is a folder" if resolved.is_dir() else "does not exist"
        raise FunctionLoadError(f"{path} {reason}", "name a Python file that defines an @agent")
    if resolved.suffix != ".py":
        raise FunctionLoadError(f"{path} is not a Python file", "name a .py file that defines an @agent")
    return resolved


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FunctionLoadError(
            f"{display_path(str(path))} cannot be read: {error.strerror}", "check its permissions"
        ) from None


def _module_of(path: Path) -> ModuleType | None:
    """The module that this process has already imported from a file, such as `__main__`."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(path.name) and Path(file).resolve() == path:
            return module
    return None


def _import(path: Path) -> ModuleType:
    source = _read(path)
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    name = f"orchestrator_user_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise FunctionLoadError(f"{path} cannot be imported", "name a .py file that defines an @agent")
    module = importlib.util.module_from_spec(spec)
    _make_importable(path.parent)
    _make_importable(Path.cwd())
    sys.modules[name] = module
    _SHA256[path] = hashlib.sha256(source).hexdigest()
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except CaptureError:
        _forget(path, name)
        raise
    except (Exception, SystemExit) as error:
        _forget(path, name)
        raise _load_error(path, error) from error
    return module


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _forget(path: Path, name: str) -> None:
    sys.modules.pop(name, None)
    _SHA256.pop(path, None)


def _load_error(path: Path, error: BaseException) -> FunctionLoadError:
    shown = display_path(str(path))
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return FunctionLoadError(f"not Python: {error.msg}", "correct the line", f"{shown}:{error.lineno or 1}")
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    where = f"{shown}:{line}" if line else shown
    return FunctionLoadError(f"importing it raised {type(error).__name__}: {error}", "correct the file", where)


def _agents(module: ModuleType, path: Path) -> dict[str, AgentFunction[..., Any]]:
    from orchestrator.agent_function import AgentFunction

    values = cast("list[object]", list(vars(module).values()))
    agents = [cast("AgentFunction[..., Any]", value) for value in values if isinstance(value, AgentFunction)]
    codes = {agent.__name__: agent.__wrapped__.__code__ for agent in agents}
    here = [agent for agent in agents if Path(codes[agent.__name__].co_filename).resolve() == path]
    here.sort(key=lambda agent: codes[agent.__name__].co_firstlineno)
    return {agent.__name__: agent for agent in here}
