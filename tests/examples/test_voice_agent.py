"""The voice agent: the steps around the models really run, what the models say is labelled, the graph is figure 2's."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ir.sla import Sla
from orchestrator.eager import recording
from orchestrator.graph import CallTask, ModelTask, ReactTask, walk
from orchestrator.run_input import RunInputError, check_inputs


@pytest.fixture
def voice(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("voice_agent")


def test_the_example_searches_and_answers_aloud(voice: ModuleType) -> None:
    with recording() as record:
        speech = voice.voice_agent(**voice.EXAMPLE_INPUT)
    assert speech.note == "[simulated text] no audio was made"
    assert speech.text.startswith("Mount Everest is 8,849 metres high")
    # 18 words at 2.5 words a second
    assert (len(speech.text.split()), speech.seconds) == (18, 7.2)
    assert record.simulated == ["transcribe", "converse", "speak"]  # the models, and nothing else
    assert record.observed == [f"[simulated text] {speech.text}"]


def test_a_german_turn_is_answered_in_german(voice: ModuleType) -> None:
    speech = voice.voice_agent("danube.wav", "a new conversation")
    assert speech.text.startswith("Die Donau ist etwa 2.850 Kilometer lang")


def test_a_turn_that_asks_nothing_needs_no_search(voice: ModuleType) -> None:
    assert voice.voice_agent("thanks.wav", "geography-lesson").text == "You are welcome."


def test_an_unknown_recording_is_an_error_that_names_those_there_are(voice: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"no recording 'silence\.wav'.*everest\.wav, danube\.wav, thanks\.wav"):
        voice.voice_agent("silence.wav", "geography-lesson")


@pytest.mark.parametrize(
    ("transcript", "language"),
    [
        ("How high is the mountain?", "en"),
        ("Wie hoch ist der Berg?", "de"),
        ("Quel est le plus long fleuve de la France?", "fr"),
        ("Everest?", "en"),
    ],
)
def test_the_language_is_that_of_the_common_words(voice: ModuleType, transcript: str, language: str) -> None:
    assert voice.choose_language(transcript) == language


def test_a_conversation_is_recalled_newest_first_and_a_new_one_is_empty(voice: ModuleType) -> None:
    turns = voice.recall("geography-lesson")
    assert (len(turns), turns[0].heard) == (3, "Please keep the answers short.")
    assert voice.recall("never held") == []


def test_the_search_ranks_the_local_pages(voice: ModuleType) -> None:
    assert voice.web_search("How deep is Lake Baikal?")[0].title == "Lake Baikal"
    assert voice.web_search("xylophone") == []


@pytest.mark.parametrize(
    ("reply", "spoken", "shortened"),
    [
        ("[simulated text] **Yes**, see https://example.org/x now.", "Yes, see now.", False),
        ("One two. " + "word " * 37 + "end. Never said.", "One two. " + "word " * 37 + "end.", True),  # 2 + 38 words
        ("word " * 60 + "end.", "word " * 60 + "end.", False),  # a first sentence is never cut
    ],
)
def test_speech_is_plain_and_bounded(voice: ModuleType, reply: str, spoken: str, shortened: bool) -> None:
    assert voice.prepare_speech(reply, "en") == voice.Spoken(spoken, "en", shortened)


def test_the_graph_is_that_of_the_paper(voice: ModuleType) -> None:
    graph = voice.voice_agent.trace()
    assert [(task.kind, task.id) for task in graph.body.tasks] == [
        ("model", "transcribe"),
        ("memory", "recall"),
        ("compute", "choose_language"),
        ("react", "converse_react"),
        ("observe", "observe"),
        ("compute", "prepare_speech"),
        ("model", "speak"),
    ]
    react = graph.body.tasks[3]
    assert isinstance(react, ReactTask)
    assert ([tool.name for tool in react.tools], react.max_turns) == (["web_search"], 3)
    models = {task.id: task.models for task in walk(graph.body) if isinstance(task, ModelTask)}
    assert models == {"transcribe": ("whisper-large-v3",), "speak": ("kokoro-82m", "orpheus-3b-tts")}
    assert graph.sla == Sla("p95", 4.0)


def test_the_prior_of_the_search_is_that_of_its_source(voice: ModuleType, shared: Path) -> None:
    with (shared / "data/traces/gaiatrace_tool_latency.csv").open(encoding="utf-8", newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row["tool"] == "search_google")
    search = next(task for task in walk(voice.voice_agent.trace().body) if task.name == "web_search")
    assert isinstance(search, CallTask)
    assert (search.prior.latency_s, search.prior.latency_sd_s) == (float(row["mean_s"]), float(row["sd_s"]))


def test_the_model_turns_travel_as_json(voice: ModuleType) -> None:
    transcript = voice.transcribe.simulate_json({"recording": "everest.wav"})
    arguments = {"transcript": transcript, "history": [], "language": "en"}
    sent = voice.converse.render_json(arguments)["messages"]
    turn = voice.converse.simulate_json(arguments, sent)
    assert turn["tool_calls"] == [{"name": "web_search", "arguments": {"query": transcript}}]
    pages = voice.web_search.invoke_json(turn["tool_calls"][0]["arguments"])
    sent += [{"role": "assistant", **turn}, {"role": "tool", "name": "web_search", "content": json.dumps(pages)}]
    reply = voice.converse.simulate_json(arguments, sent)
    assert reply == f"[simulated text] {pages[0]['text']}"


def test_the_inputs_are_checked(voice: ModuleType) -> None:
    graph = voice.voice_agent.trace()
    assert check_inputs(voice.EXAMPLE_INPUT, graph) == voice.EXAMPLE_INPUT
    with pytest.raises(RunInputError, match="conversation: is missing"):
        check_inputs({"recording": "everest.wav"}, graph)
