"""Every rule of a verifier stands in a test with its message: what the source raises is looked for in the tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SHOWN = 34
"""Characters of a message that a test must have: enough to tell it from the others."""


def messages(file: Path) -> Iterator[tuple[str, str]]:
    """The longest fixed part of each message of a `VerifyException`, with its place."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Raise)
            and isinstance(node.exc, ast.Call)
            and "VerifyException" in ast.dump(node.exc.func)
        ):
            texts = [part.value for part in ast.walk(node.exc) if isinstance(part, ast.Constant)]
            fixed = max((text for text in texts if isinstance(text, str)), key=len, default="")
            yield f"{file.name}:{node.lineno}", fixed.strip()[:SHOWN]


def test_every_message_of_a_verifier_is_in_a_test(project: Path) -> None:
    files = [*(project / "tests/filecheck/verify").glob("*.mlir"), *(project / "tests/ir").glob("*.py")]
    tested = re.sub(r"\s+", " ", " ".join(file.read_text(encoding="utf-8") for file in files))
    rules = [rule for file in sorted((project / "ir/dialects").glob("*.py")) for rule in messages(file)]
    assert len(rules) > 60
    untested = [f"{place}: {fixed}" for place, fixed in rules if not fixed or fixed not in tested]
    assert untested == [], "write the malformed module and its message in tests/filecheck/verify"
