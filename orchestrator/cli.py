"""The command line: commands, exit codes and what a failure prints.

Thin on purpose: each command is a file of `orchestrator.commands` that loads what it needs only when it runs, so that
help is instant and planning never loads Ray.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from orchestrator.commands.calibrate import calibrate
from orchestrator.commands.catalog import catalog
from orchestrator.commands.doctor import doctor
from orchestrator.commands.failure import Debugging, report_failure
from orchestrator.commands.graph import graph
from orchestrator.commands.ir import ir
from orchestrator.commands.plan import plan
from orchestrator.commands.predict import predict
from orchestrator.commands.replan import replan
from orchestrator.commands.reproduce import reproduce
from orchestrator.commands.run import run
from orchestrator.commands.serve import serve

COMMANDS = {
    "graph": graph,
    "ir": ir,
    "plan": plan,
    "replan": replan,
    "run": run,
    "serve": serve,
    "predict": predict,
    "calibrate": calibrate,
    "catalog": catalog,
    "reproduce": reproduce,
    "doctor": doctor,
}

app = typer.Typer(
    name="orchestrator",
    help="Places each step of an agent on the cheapest device that keeps an end-to-end deadline, and runs it on Ray.",
    epilog="Exit codes: 0 success or feasible, 2 infeasible, 1 any error.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("agent-orchestrator"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """The console entry point."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Runs one command line; the exit code. Prints every failure as one message on the standard error stream."""
    debugging = Debugging()
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), "orchestrator", standalone_mode=False, obj=debugging)
        sys.stdout.flush()
    except Exception as error:
        return report_failure(error, debugging)
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
