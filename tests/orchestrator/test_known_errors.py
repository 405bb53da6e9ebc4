"""Our own exceptions are told from faults and from the user's exceptions, whatever they inherit from."""

import pytest

from costmodel.errors import FleetError
from ir.expression import ExpressionError
from orchestrator.errors import GraphError
from orchestrator.known_errors import is_known
from placement.solve import DisagreementError
from runtime.errors import SessionError


@pytest.mark.parametrize("kind", [GraphError, SessionError, DisagreementError, ExpressionError, FleetError])
def test_our_own(kind: type[Exception]) -> None:
    assert is_known(kind("why"))


class UsersError(FleetError):
    """An exception class that is defined outside our packages."""


@pytest.mark.parametrize("kind", [KeyError, AssertionError, OSError, UsersError])
def test_others(kind: type[Exception]) -> None:
    assert not is_known(kind("why"))
