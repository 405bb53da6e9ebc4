"""A user's file is loaded once, and a function is named by where it is written and the hash of that file."""

import hashlib
import sys
from pathlib import Path

import pytest

from orchestrator.errors import DecorationError, FunctionLoadError, TraceError
from orchestrator.functions import load_file, source_sha256

AGENT = "from orchestrator import agent\n\n@agent\ndef second(q: int) -> int:\n    return q\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_imported_once_under_a_stable_name(folder: Path) -> None:
    path = put(folder, "deep/my-agents.py", AGENT)
    first, again = load_file("deep/my-agents.py"), load_file(path)
    assert first.module is again.module
    assert first.agents["second"] is again.agents["second"]
    assert first.module.__name__.startswith("orchestrator_user_my_agents_")
    assert sys.modules[first.module.__name__] is first.module


def test_the_agents_of_a_file_are_its_own_in_written_order(folder: Path) -> None:
    put(folder, "others.py", AGENT.replace("second", "imported"))
    text = (
        "from others import imported\n"
        + AGENT
        + AGENT.replace("second", "first").partition("\n")[2]
        + "alias = second\n"
    )
    assert list(load_file(put(folder, "mine.py", text)).agents) == ["second", "first"]


def test_a_reference_names_path_function_and_hash(folder: Path) -> None:
    path = put(folder, "sub/a.py", AGENT)
    reference = load_file(path).agents["second"].trace().function
    assert (reference.source, reference.qualname) == ("sub/a.py", "second")
    assert reference.sha256 == hashlib.sha256(AGENT.encode()).hexdigest() == source_sha256(path)


def test_functions_of_an_imported_file_name_that_file(folder: Path) -> None:
    put(
        folder,
        "sub/steps.py",
        "from orchestrator import compute\n\n@compute(latency=0)\ndef step(x: int) -> int:\n    return x\n",
    )
    text = "from steps import step\n" + AGENT.replace("return q", "return step(q)")
    (task,) = load_file(put(folder, "sub/b.py", text)).agents["second"].trace().body.tasks
    assert task.function.source == "sub/steps.py"
    assert task.function.sha256 == hashlib.sha256((folder / "sub/steps.py").read_bytes()).hexdigest()


def test_an_installed_module_is_named_by_its_module(folder: Path) -> None:
    put(folder, "venv/lib/site-packages/installed_agents.py", AGENT)
    sys.path.append(str(folder / "venv/lib/site-packages"))
    import installed_agents  # pyright: ignore[reportMissingImports]  # made above

    assert installed_agents.second.trace().function.source == "module:installed_agents"


def test_a_file_outside_the_working_directory_cannot_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder, "c.py", AGENT)
    inside = folder / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    agent = load_file(path).agents["second"]
    assert agent(3) == 3
    with pytest.raises(TraceError, match="outside the working directory"):
        agent.trace()


def test_a_file_that_changed_after_it_was_loaded_is_refused(folder: Path) -> None:
    path = put(folder, "d.py", AGENT)
    before = load_file(path).agents["second"].trace().function.sha256
    path.write_text(AGENT + "\n# changed\n", encoding="utf-8")
    assert source_sha256(path) == before
    with pytest.raises(FunctionLoadError, match=r"changed since.*start the process again"):
        load_file(path)


@pytest.mark.parametrize(
    ("name", "text", "problem", "where"),
    [
        ("absent.py", None, "absent.py does not exist", ""),
        ("notes.txt", "x", "notes.txt is not a Python file", ""),
        (".", None, "is a folder", ""),
        ("broken.py", "x = 1\ndef f(:\n", "not Python: ", "broken.py:2"),
        ("nulls.py", "x = '\0'\n", "null bytes", "nulls.py"),
        ("raises.py", "def f():\n    1 / 0\n\nf()\n", "raised ZeroDivisionError: division by zero", "raises.py:2"),
        ("leaves.py", "import sys\nsys.exit(3)\n", "raised SystemExit: 3", "leaves.py:2"),
        ("imports.py", "\nimport no_such_module\n", "raised ModuleNotFoundError", "imports.py:2"),
    ],
)
def test_what_cannot_be_loaded_is_one_clear_message(
    folder: Path, name: str, text: str | None, problem: str, where: str
) -> None:
    if text is not None:
        put(folder, name, text)
    modules = set(sys.modules)
    for _ in range(2):
        with pytest.raises(FunctionLoadError) as caught:
            load_file(name)
        assert problem in str(caught.value)
        assert caught.value.where.startswith(where)
        assert caught.value.remedy
    assert not {module for module in set(sys.modules) - modules if module.startswith("orchestrator_user")}


def test_bytes_that_are_no_text_are_one_clear_message(folder: Path) -> None:
    (folder / "latin.py").write_bytes(b"x = '\xe9'\n")
    with pytest.raises(FunctionLoadError, match="not Python"):
        load_file("latin.py")


def test_a_decorators_error_passes_through(folder: Path) -> None:
    put(folder, "wrong.py", "from orchestrator import tool\n\n@tool(speed=1)\ndef f(): ...\n")
    with pytest.raises(DecorationError) as caught:
        load_file("wrong.py")
    assert caught.value.where == "wrong.py:3"
