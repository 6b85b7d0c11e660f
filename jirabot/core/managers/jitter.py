"""Chance, for the times at which things are tried again: what failed together should not come back together."""

import random


def jitter() -> float:
    """Draw a number from 0 to 1."""
    return random.random()  # noqa: S311 - spreads load, guards nothing
