"""Errors of the runtime that end a command with one message, before or outside a run.

What goes wrong inside a run is data (`runtime.failure`), because the run's results so far are kept.
"""


class RuntimeProblem(Exception):
    """Anything the runtime refuses: the message says the rule, what was found and what to do."""


class ProgramError(RuntimeProblem, ValueError):
    """A plan that cannot be run."""


class FunctionError(RuntimeProblem):
    """A user's function that cannot be loaded: no such file or name, or a source that changed since planning."""


class InputError(RuntimeProblem, ValueError):
    """Inputs of a run that do not fit the agent's parameters."""


class SessionError(RuntimeProblem):
    """Ray cannot give what the plan needs: no cluster at the address, or too few devices of a class."""
