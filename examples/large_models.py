"""Two agents that are called rarely, each with a large model of its own: the two models take turns on one device.

Neither fits beside the other into 80 GB. At a few calls a minute a device for each would be idle nearly always:

    orchestrator plan examples/large_models.py --fleet examples/fleets/provisioned.yaml \\
      --load examples/loads/large-models.yaml
"""

from orchestrator import agent, llm


def simulated_text(text: str) -> str:
    """What a simulated device returns: says so, since no model has read the text."""
    return f"[simulated text] No model has answered: {text}"


def simulated_advice(question: str) -> str:
    """The same for a question."""
    return simulated_text(question)


@llm(model="qwen3-32b", tokens_in=800, tokens_out=120, max_tokens=400, simulate=simulated_advice)
def advise(question: str) -> str:
    """You weigh both sides, in at most 400 tokens."""
    return question


@llm(model="mistral-small-3.2-24b", tokens_in=600, tokens_out=80, max_tokens=300, simulate=simulated_text)
def translate(text: str) -> str:
    """You translate into English."""
    return text


@agent
def adviser(question: str) -> str:
    """One call of the larger model."""
    return advise(question)


@agent
def translator(text: str) -> str:
    """One call of the smaller model."""
    return translate(text)
