# SPDX-License-Identifier: Apache-2.0
"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 frame", "3 frames"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
