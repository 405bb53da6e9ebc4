"""Finds the agent that a command or a request means: in a Python file, or in a graph document.

One road for both, so that everything after it sees a graph and never asks where it came from.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FunctionLoadError, GraphError, HashMismatchError, OrchestratorError
from orchestrator.graph import AgentTask, CallTask, FunctionRef, Graph, Json, LlmTask, ModelTask, ReactTask, walk
from orchestrator.source import display_path

if TYPE_CHECKING:
    from orchestrator.agent_function import AgentFunction

EXAMPLE_INPUT = "EXAMPLE_INPUT"
"""Name of the module-level value that `run` takes where no input is given."""


class AgentChoiceError(OrchestratorError):
    """A file defines no agent, or not the one asked for, or several without a choice."""


@dataclass(frozen=True, slots=True)
class FoundAgent:
    """An agent of a file. `example_input` is the file's EXAMPLE_INPUT; None without one, as in a graph document."""

    graph: Graph
    file: Path
    example_input: Json = None


def find_agents(file: Path) -> tuple[FoundAgent, ...]:
    """Every agent of a file, in the order of the file. Raises an `OrchestratorError` that names the file's line.

    What the file prints while it is loaded goes to the standard error stream: a command's output stays one document.
    """
    if file.suffix == ".json":
        return (FoundAgent(_read_graph(file), file),)
    from orchestrator.functions import load_file

    with contextlib.redirect_stdout(sys.stderr):
        loaded = load_file(file)
        graphs = [trace(agent, loaded.path) for agent in loaded.agents.values()]
    if not graphs:
        raise AgentChoiceError(f"{file} defines no agent", "decorate a function with @agent")
    example = getattr(loaded.module, EXAMPLE_INPUT, None)
    return tuple(FoundAgent(graph, file, example) for graph in graphs)


def find_all(files: Sequence[Path]) -> dict[str, Graph]:
    """Every agent of several files by its name. Raises `AgentChoiceError` for two of one name."""
    graphs: dict[str, Graph] = {}
    for agent in (agent for file in files for agent in find_agents(file)):
        name = agent.graph.name
        if name in graphs:
            raise AgentChoiceError(f"two files define an agent {name!r}", "rename one of them", str(agent.file))
        graphs[name] = agent.graph
    return graphs


def find_agent(file: Path, name: str | None) -> FoundAgent:
    """The agent called `name`; without a name the only one that no other agent of the file calls."""
    return choose(find_agents(file), name, file)


def choose(found: Sequence[FoundAgent], name: str | None, file: Path) -> FoundAgent:
    """One of the agents of a file. Raises `AgentChoiceError`."""
    by_name = {agent.graph.name: agent for agent in found}
    if name is not None:
        if name not in by_name:
            raise AgentChoiceError(f"{file} has no agent {name!r}; it has {', '.join(by_name)}", "choose one of these")
        return by_name[name]
    outermost = [agent for called, agent in by_name.items() if called not in _called(by_name)]
    if len(outermost) != 1:
        raise AgentChoiceError(f"{file} has several agents: {', '.join(by_name)}", "choose one with --agent NAME")
    return outermost[0]


def trace(agent: AgentFunction[..., Any], file: Path) -> Graph:
    """The agent's graph; whatever its body raises is an `OrchestratorError` with the line of the user's file."""
    try:
        return agent.trace()
    except OrchestratorError:
        raise
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        where = display_path(str(file)) + (f":{frames[-1].lineno}" if frames else "")
        raise FunctionLoadError(
            f"tracing the agent {agent.__name__!r} raised {type(error).__name__}: {error}",
            "an agent's body is traced without real values: move what needs them into a @compute function",
            where,
        ) from error


def check_functions(graph: Graph, root: Path) -> list[str]:
    """Compares every function's file below `root` with its hash; the sources that are not there.

    Planning needs no code, so an absent file is no error. Raises `HashMismatchError` for a file that has changed.
    """
    absent: list[str] = []
    for ref in dict.fromkeys(function_refs(graph)):
        path = root / ref.source
        if not path.is_file():
            absent.append(ref.source)
        elif hashlib.sha256(path.read_bytes()).hexdigest() != ref.sha256:
            raise HashMismatchError(
                f"{ref.source} has changed since the graph was captured from it (function {ref.qualname!r})",
                "capture it again with: orchestrator graph FILE",
            )
    return list(dict.fromkeys(absent))


def function_refs(graph: Graph) -> list[FunctionRef]:
    """Every function that a run of the graph loads."""
    refs: list[FunctionRef] = []
    for task in walk(graph.body):
        if isinstance(task, LlmTask | CallTask | ModelTask):
            refs.append(task.function)
        elif isinstance(task, ReactTask):
            refs += [tool.graph.function for tool in task.tools if isinstance(tool, AgentTask)]
    return refs


def _called(agents: Mapping[str, FoundAgent]) -> set[str]:
    tasks = (task for agent in agents.values() for task in walk(agent.graph.body))
    return {task.graph.name for task in tasks if isinstance(task, AgentTask)}


def _read_graph(file: Path) -> Graph:
    from orchestrator.graph_json import graph_from_json

    try:
        return graph_from_json(file.read_bytes())
    except GraphError as error:
        where = f"{file}: {error.where}" if error.where else str(file)
        raise GraphError(error.problem, error.remedy, where) from None
