"""Errors of the cost model, so that a caller can tell bad input from a fault of the program.

Each message names the rule that was broken, the value that broke it, and what to do.
"""


class CostModelError(ValueError):
    """Base of every error that the cost model raises on purpose."""


class CatalogError(CostModelError):
    """A catalog of devices or models is malformed, or lacks what was asked for."""


class FleetError(CostModelError):
    """A fleet file, or a device class of a fleet, cannot be used."""


class ProfileError(CostModelError):
    """A profile file cannot be used."""


class CostError(CostModelError):
    """There is no cost rule for what was asked, or it cannot run on that device."""
