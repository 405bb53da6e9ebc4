"""Exit codes, what goes to which stream, and that help is instant."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import cli
from orchestrator.cli import COMMANDS, invoke

HELP_LIMIT_S = 0.3
PLAN_LIMIT_S = 2.0
HEAVY = ("ray", "xdsl", "highspy", "fastapi", "uvicorn", "pydantic", "networkx", "numpy", "rich")
WORKED = ("plan", "examples/worked_example.py", "--fleet", "examples/fleets/hp-co.yaml")


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed console command, in a process of its own."""
    program = [str(Path(sys.executable).parent / "orchestrator"), *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("plan", "--help"), 0),
        (("--version",), 0),
        (WORKED, 0),
        ((*WORKED, "--sla", "100ms"), 2),
        ((*WORKED, "--sla", "100ms", "--json"), 2),
        ((), 1),
        (("nonsense",), 1),
        (("plan",), 1),
        (("plan", "--nonsense"), 1),
        ((*WORKED, "--batch", "0"), 1),
        ((*WORKED, "--sla", "soon"), 1),
        (("plan", "absent.py", "--fleet", "examples/fleets/hp-co.yaml"), 1),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int) -> None:
    done = command(*arguments)
    assert done.returncode == code
    assert (done.stderr == "") == (code != 1)
    assert (done.stdout == "") == (code == 1)


def test_help_is_instant_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; from orchestrator.cli import invoke; invoke(['--help']);"
        f"print('loaded', sorted(sys.modules.keys() & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded []\n")
    assert min(seconds_of("--help") for _ in range(5)) < HELP_LIMIT_S


@pytest.mark.parametrize(
    ("example", "fleet"),
    [("worked_example", "hp-co"), ("research_assistant", "mixed"), ("voice_agent", "paper-2025")],
)
def test_an_example_is_planned_in_two_seconds(example: str, fleet: str) -> None:
    arguments = ("plan", f"examples/{example}.py", "--fleet", f"examples/fleets/{fleet}.yaml")
    assert any(seconds_of(*arguments) < PLAN_LIMIT_S for _ in range(3))


def seconds_of(*arguments: str) -> float:
    """Processor time of the child: on an idle machine the time on the clock, on a busy one still the same."""
    before = os.times()
    assert command(*arguments).returncode == 0
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def test_planning_loads_no_ray() -> None:
    program = (
        f"import sys; from orchestrator.cli import invoke; assert invoke({list(WORKED)!r}) == 0;"
        "print('loaded', sorted(sys.modules.keys() & {'ray', 'fastapi', 'uvicorn'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded []\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: orchestrator {name} ")
    assert "--debug" in shown


def test_a_usage_error_names_the_way_to_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", "--nonsense"]) == 1
    assert capsys.readouterr().err == "error: No such option: --nonsense\nSee 'orchestrator plan --help'.\n"


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([]) == 1
    assert capsys.readouterr().err.startswith("Usage: orchestrator")


def test_an_expected_error_shows_a_traceback_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["graph", "absent.py"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert invoke(["graph", "absent.py", "--debug"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.splitlines()[-1].startswith("error: absent.py does not exist")


def test_a_fault_of_the_program_shows_its_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr("orchestrator.agent_files.find_agent", broken)
    assert invoke(["graph", "examples/worked_example.py"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert "error: KeyError: 'a fault'\nThis is a fault of the orchestrator" in shown


def test_a_reader_that_leaves_is_no_fault() -> None:
    program = f"{Path(sys.executable).parent / 'orchestrator'} graph examples/voice_agent.py | head -c 10"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert len(done.stdout) == 10
    assert done.stderr == ""


def test_the_module_runs_as_the_command_does() -> None:
    program = [sys.executable, "-m", "orchestrator.cli", "--version"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout == command("--version").stdout != ""


def test_the_console_entry_point_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["orchestrator", "nonsense"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
