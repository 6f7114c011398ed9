# SPDX-License-Identifier: Apache-2.0
"""A benchmark's table in its page: what stands around it is written by hand and stays."""

from pathlib import Path

_BEGIN, _END = "<!-- table -->", "<!-- end -->"


def replace_table(page: Path, table: str) -> None:
    """Put a table, and what is said of the run, between the marks of a page; a page that does not exist is made.

    Raises:
        ValueError: the page lacks a mark.
    """
    text = page.read_text() if page.exists() else f"{_BEGIN}\n{_END}\n"
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no {_BEGIN} with {_END} behind it: where is the table to go?")
    page.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}")
