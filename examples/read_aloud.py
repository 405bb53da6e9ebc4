"""An answer that is read aloud while it is still being written: a stream from a language model to a speech model.

The answer is three sentences; speech begins with the first. What both models give is simulated and labelled. The plan
shows the gain: `--stats` has the latency before and after the pass `stream-edges`, and a run says when first items
were out.

    orchestrator ir examples/read_aloud.py --stats --fleet examples/fleets/paper-2025.yaml
    orchestrator run examples/read_aloud.py --fleet examples/fleets/paper-2025.yaml
"""

from orchestrator import agent, llm, model

EXAMPLE_INPUT = {"question": "Why is the sky blue?"}
SENTENCES = 3
WORDS_PER_S = 2.5  # 150 words a minute, a usual speaking rate


def simulated_answer(question: str) -> str:
    """Stands in for the language model."""
    return f"[simulated text] You asked: {question} Light is scattered. Blue light most of all."


@llm(
    model="llama3.1-8b",
    tokens_in=60,
    tokens_out=90,
    max_tokens=160,
    stream=True,
    items=SENTENCES,
    simulate=simulated_answer,
)
def answer(question: str) -> str:
    """Answer in three sentences, without markup."""
    return question


def simulated_speech(text: str) -> dict[str, float]:
    """For how long the text would be spoken; no audio is made."""
    return {"seconds": round(len(text.split()) / WORDS_PER_S, 1)}


@model(model="orpheus-3b-tts", audio_s="27s", simulate=simulated_speech)
def speak(text: str) -> dict[str, float]:
    """The text as audio, sentence by sentence."""


@agent(sla={"p95": "30s"})
def read_aloud(question: str) -> dict[str, float]:
    """Speech begins with the first sentence of the answer."""
    return speak(answer(question))
