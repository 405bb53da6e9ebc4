"""The paper's evaluation, computed again by one command, with a verdict on each of its findings."""
