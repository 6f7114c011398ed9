# SPDX-License-Identifier: Apache-2.0
"""Completion of the command line by the shell; ``eval "$(register-python-argcomplete restoregan)"`` turns it on.

The shell runs the program with the line typed so far in its environment. argcomplete answers from the parser of
the verb, which is the same that reads the finished line.
"""

import argparse
import os
from collections.abc import Iterable
from typing import NoReturn

from restoregan_core.wording import did_you_mean


def is_asked_for() -> bool:
    """Whether the shell asks what may come next, instead of running a command."""
    return "_ARGCOMPLETE" in os.environ


def verb_to_complete(verbs: Iterable[str]) -> str:
    """The verb whose arguments are being typed; while the verb itself is, answers the shell and exits."""
    import argcomplete

    first = int(os.environ["_ARGCOMPLETE"])  # counted from 1: the program, after an interpreter's own words
    line, point = os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])
    words = argcomplete.split_line(line, point)[3]
    if len(words) > first:
        os.environ["_ARGCOMPLETE"] = str(first + 1)  # the verb's parser begins after the verb
        return words[first]
    parser = argparse.ArgumentParser(prog="restoregan")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("verb", choices=list(verbs))
    argcomplete.autocomplete(parser)
    raise AssertionError("argcomplete ends the process when it has answered")


class CompletingParser(argparse.ArgumentParser):
    """Answers the shell, when it asks, in place of reading the line; an error is one line."""

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        if is_asked_for():
            import argcomplete

            argcomplete.autocomplete(self)
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            options = [option for action in self._actions for option in action.option_strings]
            # All begin alike, by two dashes.
            meant = [word + did_you_mean(word.partition("=")[0], options, 0.8) for word in unknown]
            self.error(f"does not take {', '.join(meant)}")
        return parsed

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help explains it\n")
