# SPDX-License-Identifier: Apache-2.0
"""Numbers and misspelt names in sentences."""

from collections.abc import Iterable
from difflib import get_close_matches


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 frame", "3 frames"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """ " (did you mean lite?)", to stand behind a name that is not known; "" if it resembles none that is.

    Args:
        likeness: at least, from 0 to 1, as difflib counts it.
    """
    nearest = get_close_matches(name, list(known), 1, likeness)
    return f" (did you mean {nearest[0]}?)" if nearest else ""
