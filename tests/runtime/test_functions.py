"""Loading user code by name: the very file that was planned, once per process, or one clear error."""

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest

from placement.plan import Function
from runtime.errors import FunctionError
from runtime.functions import check_sources, invocable, load, text_generator


def written(folder: Path, text: str, name: str = "code.py") -> Function:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Function(source=name, qualname="f", sha256=hashlib.sha256(text.encode()).hexdigest())


def test_a_function_is_loaded_by_name(user_code: Any) -> None:
    function = invocable(load(user_code.function("add"), user_code.root))
    assert function.invoke_json({"a": 1}) == 2


def test_a_file_is_imported_once(user_code: Any) -> None:
    first, second = (load(user_code.function(name), user_code.root) for name in ("add", "add"))
    assert first is second
    assert type(first).__module__ in sys.modules, "dataclasses and annotations look their module up"


def test_what_is_loaded_stays_and_its_changed_file_needs_a_new_process(tmp_path: Path) -> None:
    first = written(tmp_path, "class f:\n    kind = 'tool'\n    value = 1\n")
    assert getattr(load(first, tmp_path), "value", None) == 1
    second = written(tmp_path, "class f:\n    kind = 'tool'\n    value = 2\n")
    assert getattr(load(first, tmp_path), "value", None) == 1
    with pytest.raises(FunctionError, match=r"code\.py changed after this process had loaded it"):
        load(second, tmp_path)


def test_a_file_imports_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path, "VALUE = 5\n", "agents/neighbour_of_agent.py")
    text = "import neighbour_of_agent\nclass f:\n    kind = 'tool'\n    value = neighbour_of_agent.VALUE\n"
    assert getattr(load(written(tmp_path, text, "agents/agent.py"), tmp_path), "value", None) == 5


def test_a_changed_file_is_an_error_with_both_hashes_and_runs_nothing(tmp_path: Path) -> None:
    planned = written(tmp_path, "raise SystemExit('this code must not run')\n")
    changed = "raise SystemExit('nor this')\n"
    (tmp_path / "code.py").write_text(changed)
    found = hashlib.sha256(changed.encode()).hexdigest()
    with pytest.raises(FunctionError) as error:
        load(planned, tmp_path)
    for part in (planned.sha256, found, "code.py", "restore the file or plan again"):
        assert part in str(error.value)


@pytest.mark.parametrize("source", ["../code.py", "/etc/passwd.py", "code.txt"])
def test_only_python_files_below_the_root_are_loaded(tmp_path: Path, source: str) -> None:
    with pytest.raises(FunctionError, match="no Python file below"):
        load(Function(source=source, qualname="f", sha256=""), tmp_path)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(FunctionError, match=r"gone\.py does not exist below"):
        load(Function(source="gone.py", qualname="f", sha256=""), tmp_path)


@pytest.mark.parametrize("name", ["f", "g", "f.__len__"])
def test_a_name_that_is_no_decorated_function(tmp_path: Path, name: str) -> None:
    function = written(tmp_path, "f = 3\n").model_copy(update={"qualname": name})
    with pytest.raises(FunctionError, match=r"code\.py has no decorated function"):
        load(function, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nraise ValueError('bad')\n", r"importing code\.py raised ValueError: bad \(line 2\)"),
        ("x = (\n", r"importing code\.py raised SyntaxError: .* \(line 1\)"),
        ("import sys\nsys.exit('no')\n", r"raised SystemExit: no \(line 2\)"),
    ],
)
def test_a_file_that_cannot_be_imported(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FunctionError, match=message):
        load(written(tmp_path, text), tmp_path)


def test_a_function_of_another_kind(user_code: Any) -> None:
    with pytest.raises(FunctionError, match="of kind 'tool' has no parse_json"):
        text_generator(load(user_code.function("add"), user_code.root))


def test_an_installed_module(tmp_path: Path) -> None:
    path = Path(__import__("json").__file__)
    function = Function(source="module:json", qualname="dumps", sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(FunctionError, match="module:json has no decorated function 'dumps'"):
        load(function, tmp_path)
    with pytest.raises(FunctionError, match="'no_such_module' is not installed"):
        load(Function(source="module:no_such_module", qualname="f", sha256=""), tmp_path)


def test_every_function_of_a_plan_is_checked_without_running_it(plans: Any, tmp_path: Path) -> None:
    good = written(tmp_path, "raise SystemExit('not run')\n", "good.py")
    bad = written(tmp_path, "pass\n", "bad.py").model_copy(update={"sha256": "0" * 64})
    operators = [plans.operator("a", function=good), plans.operator("b", function=bad), plans.operator("c")]
    plan = plans.plan([plans.op("a"), plans.op("b"), plans.op("c")], "c", operators=operators)
    with pytest.raises(FunctionError, match=r"bad\.py was changed"):
        check_sources(plan, tmp_path)
    check_sources(plan.model_copy(update={"operators": [operators[0], operators[2]]}), tmp_path)
