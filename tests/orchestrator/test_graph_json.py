"""A graph document reads back as the same graph; any other is refused with one message that names the place."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import GraphError
from orchestrator.functions import load_file
from orchestrator.graph import GRAPH_FORMAT, Graph
from orchestrator.graph_json import MAX_BYTES, MAX_DEPTH, graph_from_json, to_json, to_json_text
from tests.orchestrator.random_graphs import graphs

SAMPLE = load_file(Path(__file__).with_name("agents_sample.py"))


def document() -> dict:
    return to_json(SAMPLE.agents["assistant"].trace())


@given(graphs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_graphs_read_back_equal(graph: Graph) -> None:
    text = to_json_text(graph)
    assert graph_from_json(text) == graph
    assert graph_from_json(to_json(graph)) == graph
    assert to_json_text(graph_from_json(text.encode())) == text


@pytest.mark.parametrize("name", SAMPLE.agents)
def test_traced_graphs_read_back_equal(name: str) -> None:
    graph = SAMPLE.agents[name].trace()
    assert graph_from_json(to_json_text(graph, indent=None)) == graph


def test_the_document_is_plain_json_with_its_format() -> None:
    values = document()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["format"] == GRAPH_FORMAT
    assert values["body"]["tasks"][0]["kind"] == "agent"


def changed(path: str, value: object) -> str:
    """The sample's document with the value at a path such as `body.tasks[0].name` replaced, or removed for `...`."""
    whole = document()
    keys = [int(key) if key.isdigit() else key for key in path.replace("[", ".").replace("]", "").split(".")]
    target = whole
    for key in keys[:-1]:
        target = target[key]
    if value is ...:
        del target[keys[-1]]
    else:
        target[keys[-1]] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("format", "orchestrator.graph/2", "its format is 'orchestrator.graph/2'"),
        ("format", ..., "its format is None"),
        ("name", 3, "valid string, got 3"),
        ("colour", "red", "Unexpected keyword argument, got 'red'"),
        ("body", ..., "Field required"),
        ("body.tasks", {}, "valid array"),
        ("body.tasks[1].colour", 1, "Unexpected keyword argument"),
        ("body.tasks[1].kind", "magic", "does not match any of the expected tags"),
        ("body.tasks[1].kind", ..., "Unable to extract tag"),
        ("body.tasks[1].max_tokens", "9", "valid integer, got '9'"),
        ("body.tasks[1].max_tokens", 9.5, "valid integer, got 9.5"),
        ("body.tasks[1].max_tokens", True, "valid integer, got True"),
        ("body.tasks[1].inputs", ["question"], "should be an object"),
        ("body.tasks[1].inputs.docs", None, "valid string"),
        ("body.tasks[1].execution.retries", -1, "is -1"),
        ("body.tasks[1].execution.speed", 3, "Unexpected keyword argument"),
        ("body.tasks[2].body.tasks[0].tokens_out", -3.0, "is -3.0"),
        ("body.tasks[0].graph.body.tasks[1].p", 2, "is 2.0"),
        ("body.tasks[0].graph.format", "x", "Input should be 'orchestrator.graph/1'"),
        ("sla.stat", "p42", "Input should be 'mean', 'p50', 'p95', 'p99' or 'worst'"),
        ("sla.limit_s", "4s", "valid number"),
        ("body.tasks[3].llm.kind", "tool", "Input should be 'llm'"),
    ],
)
def test_a_changed_document_is_refused_with_its_path(path: str, value: object, problem: str) -> None:
    with pytest.raises(GraphError) as caught:
        graph_from_json(changed(path, value))
    error = caught.value
    assert problem in str(error)
    assert error.remedy
    expected = path.rpartition(".")[0] if path.endswith("].kind") and "tag" in problem else path
    assert error.where == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON"),
        ("nonsense", "is not JSON"),
        ("[]", "its format is None"),
        ("null", "its format is None"),
        ('"text"', "its format is None"),
        ("{}", "its format is None"),
        (b"\xff\xfe", "is not UTF-8"),
        ('{"format": "a", "format": "b"}', "the key 'format' is repeated"),
        ('{"format": NaN}', "NaN is no JSON number"),
        ('{"format": 1e999}', "its format is inf"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        (" " * (MAX_BYTES + 1), "the limit is"),
        ('{"format": "' + "x" * 5000 + '"}', "its format is 'xxx"),
        ("1" * 5000, "is not JSON"),
    ],
)
def test_hostile_text_is_refused_with_a_short_message(text: str | bytes, problem: str) -> None:
    with pytest.raises(GraphError) as caught:
        graph_from_json(text)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [{"format": {1, 2}}, {"format": float("nan")}, {"a": object()}])
def test_values_that_are_no_json_are_refused(value: dict) -> None:
    with pytest.raises(GraphError, match="is not JSON"):
        graph_from_json(value)


def test_numbers_too_large_for_a_float_are_refused() -> None:
    text = changed("body.tasks[2].expect", 7.5).replace("7.5", "1e999")
    with pytest.raises(GraphError) as caught:
        graph_from_json(text)
    assert caught.value.where == "body.tasks[2].expect"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in _places(inner, (*path, key)))]


PLACES = _places(document())


@given(st.sampled_from(PLACES), json_values)
@settings(max_examples=200, deadline=None)
def test_any_value_at_any_place_is_read_or_refused(place: tuple[object, ...], value: object) -> None:
    whole: object = document()
    target = whole
    for key in place[:-1]:
        target = target[key]
    if place:
        target[place[-1]] = value
    else:
        whole = value
    with suppress(GraphError):
        graph = graph_from_json(json.dumps(whole))
        assert graph_from_json(to_json_text(graph)) == graph
