"""The golden files: each runs as its RUN line says, with xdsl-opt and filecheck in this process."""

import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options
from filecheck.parser import Parser
from xdsl.xdsl_opt_main import xDSLOptMain

HERE = Path(__file__).parent
FILES = sorted(str(file.relative_to(HERE)) for file in HERE.rglob("*.mlir"))
PREFIX = "// RUN: "


@pytest.mark.parametrize("name", FILES)
def test_golden_file(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = HERE / name
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(PREFIX), "the first line says how the file is run"
    *stages, check = (shlex.split(stage) for stage in first.removeprefix(PREFIX).replace("%s", str(file)).split("|"))
    text = ""
    for program, *arguments in stages:
        assert program == "xdsl-opt"
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text.encode())))
        output = StringIO()
        with redirect_stdout(output):
            xDSLOptMain(args=arguments).run()
        text = output.getvalue()
    options = parse_argv_options(check)
    matcher = Matcher(options, FInput("output", text), Parser.from_opts(options))
    assert matcher.run() == 0, capsys.readouterr().err


def test_the_stock_xdsl_opt_has_our_dialects_and_passes() -> None:
    command = [str(Path(sys.executable).with_name("xdsl-opt")), "-p", "decompose-llm", str(HERE / "dialects/llm.mlir")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "plan.choose @plan_choice" in done.stdout


def test_lit_runs_the_golden_files() -> None:
    programs = Path(sys.executable).parent
    command = [str(programs / "lit"), "-v", "--path", str(programs), str(HERE / "dialects/memory.mlir")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed: 1" in done.stdout
