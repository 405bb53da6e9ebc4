"""A conversational voice agent: speech to text, a language model that searches the web in a loop, text to speech.

It follows figure 2 of Asgar, Nguyen, Katti (arXiv 2507.19635). The steps around the models really execute: recall of
the conversation, choice of the language, search, and preparation of the text for speech. What the models say is
simulated and labelled. No network is used: the search reads the pages of `examples/voice_agent_data.json`, while its
prior is the time of a real web search, so a local run is faster than promised.

    orchestrator plan examples/voice_agent.py --fleet examples/fleets/paper-2025.yaml --sla 4s
    orchestrator run examples/voice_agent.py --fleet examples/fleets/paper-2025.yaml
    python examples/voice_agent.py --measure     # where the priors of the CPU steps come from
"""

import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from measure import RUNS, print_priors

from orchestrator import ToolCall, ToolCalls, agent, compute, llm, memory, model, observe, react, tool

DATA = Path(__file__).resolve().with_name("voice_agent_data.json")
EXAMPLE_INPUT = {"recording": "everest.wav", "conversation": "geography-lesson"}
MOST_SPOKEN_WORDS = 40

COMMON_WORDS = {
    "en": "a all and are for high how in is it long of on that the to what which you",
    "de": "das der die durch ein für hoch ich ist lang sie und viele was welche wie",
    "fr": "combien de des en est et je la le les long mesure que quel un une",
}
NOTHING_TO_SAY = {"en": "You are welcome.", "de": "Gern geschehen.", "fr": "Je vous en prie."}
WORDS_PER_S = 2.5  # 150 words a minute, a usual speaking rate
LABEL = "[simulated text]"

# Priors of the CPU steps and token counts: `python examples/voice_agent.py --measure` on two cores of an AMD EPYC with
# other work; output tokens are those of the simulated texts. Seconds of audio, the mean number of turns (`expect`) and
# the two pages of 30 tokens that a search gives are assumptions.


@dataclass(frozen=True)
class Turn:
    heard: str
    said: str


@dataclass(frozen=True)
class Page:
    title: str
    text: str


@dataclass(frozen=True)
class Spoken:
    """Text that is ready to be read aloud: no markup, a bounded number of words."""

    text: str
    language: str
    shortened: bool


@dataclass(frozen=True)
class Speech:
    """Where the audio would be, how long it takes, and that nobody has spoken it."""

    note: str
    text: str
    seconds: float


@cache
def data() -> dict[str, Any]:
    return json.loads(DATA.read_text(encoding="utf-8"))


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def simulated_transcript(recording: str) -> str:
    """The transcript that stands in for a recording: no audio is shipped and no speech model listens."""
    known = data()["recordings"]
    if recording not in known:
        raise ValueError(f"no recording {recording!r}; examples/voice_agent_data.json has {', '.join(known)}")
    return known[recording]


@model(model="whisper-large-v3", audio_s="4s", simulate=simulated_transcript)
def transcribe(recording: str) -> str:
    """The words of a recording."""


@compute(latency="0.8ms", latency_sd="0.2ms", cost_usd=0)
def choose_language(transcript: str) -> str:
    """The language whose commonest words the transcript shares most; English when none does."""
    heard = words(transcript)
    return max(COMMON_WORDS, key=lambda language: len(heard & words(COMMON_WORDS[language])))


@memory(k=3, latency="1.4ms", latency_sd="0.6ms", cost_usd=0)
def recall(conversation: str) -> list[Turn]:
    """The latest turns of a conversation, the newest first; none for a new one."""
    turns = data()["conversations"].get(conversation, [])
    return [Turn(**turn) for turn in reversed(turns)]


# 0.304 s, deviation 0.147 s: 2,058 Google searches of OWL agents on the GAIA benchmark, in GAIATrace (Kim et al.,
# arXiv 2606.01725; CC-BY-4.0). The busy part is what `--measure` gives for the local search below.
@tool(latency="304ms", latency_sd="147ms", cpu="0.8ms", cost_usd=0, tokens_out=60, timeout="5s", idempotent=True)
def web_search(query: str) -> list[Page]:
    """The two pages of the local index that share most words with the query."""
    wanted = words(query)
    pages = [Page(**page) for page in data()["pages"]]
    shared = {page: len(wanted & words(f"{page.title} {page.text}")) for page in pages}
    return [page for page in sorted(pages, key=lambda page: -shared[page]) if shared[page]][:2]


def simulated_reply(transcript: str, history: list[Turn], language: str, messages: list[Any]) -> str | ToolCalls:
    """Searches when the transcript is a question, then reads the first page found; labelled."""
    found = [message["content"] for message in messages if message["role"] == "tool"]
    if not found and transcript.rstrip().endswith("?"):
        return ToolCalls([ToolCall("web_search", {"query": transcript})])
    pages = json.loads(found[-1]) if found else []
    return f"{LABEL} {pages[0]['text'] if pages else NOTHING_TO_SAY[language]}"


@llm(model="llama3.1-8b", tokens_in=120, tokens_out=30, max_tokens=160, simulate=simulated_reply)
def converse(transcript: str, history: list[Turn], language: str) -> str:
    """You are a voice assistant. Search the web when you need a fact. Answer in one or two sentences, no markup."""
    past = "\n".join(f"User: {turn.heard}\nYou: {turn.said}" for turn in reversed(history))
    return f"{past}\nUser: {transcript}\nAnswer in the language {language!r}."


@compute(latency="0.9ms", latency_sd="0.1ms", cost_usd=0)
def prepare_speech(reply: str, language: str) -> Spoken:
    """Removes what cannot be read aloud and keeps whole sentences up to the most words that are spoken."""
    plain = " ".join(re.sub(r"[*_`#|]|\[[^\]]*\]|https?://\S+", "", reply).split())
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+", plain):
        if kept and sum(len(each.split()) for each in [*kept, sentence]) > MOST_SPOKEN_WORDS:
            break
        kept.append(sentence)
    text = " ".join(kept)
    return Spoken(text, language, shortened=text != plain)


def simulated_speech(spoken: Spoken) -> Speech:
    """What would be said and for how long; no audio is made."""
    return Speech(f"{LABEL} no audio was made", spoken.text, round(len(spoken.text.split()) / WORDS_PER_S, 1))


@model(model=["kokoro-82m", "orpheus-3b-tts"], audio_s="6s", simulate=simulated_speech)
def speak(spoken: Spoken) -> Speech:
    """The reply as audio."""


@agent(sla={"p95": "4s"})
def voice_agent(recording: str, conversation: str) -> Speech:
    """One turn of a conversation: listens, remembers, searches if it must, answers aloud."""
    transcript = transcribe(recording)
    history = recall(conversation)
    language = choose_language(transcript)
    reply = react(
        converse,
        [web_search],
        {"transcript": transcript, "history": history, "language": language},
        max_turns=3,
        expect=1.8,
    )
    return speak(prepare_speech(observe(reply), language))


def measure(runs: int = RUNS) -> None:
    """Prints what the steps take in runs on this machine, and the tokens of the first turn, on the example input."""
    transcript = simulated_transcript(EXAMPLE_INPUT["recording"])
    history = recall(EXAMPLE_INPUT["conversation"])
    prompts = {converse: {"transcript": transcript, "history": history, "language": choose_language(transcript)}}
    print_priors("examples/voice_agent.py", "examples/fleets/paper-2025.yaml", prompts, runs)


if __name__ == "__main__" and "--measure" in sys.argv:
    measure()
