# SPDX-License-Identifier: Apache-2.0
"""Valid documents and files, damaged: for tests that a reader raises only what it promises."""

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

ODD_VALUES: list[Any] = [
    None, True, False, -1, 0, 3, 2**31, 10**30, 1e308, float("inf"), float("nan"), "", "x", "[", "../x", [], {},
    [[]], [None], {"x": 1}, {"": None}, [1, "x"],
]  # fmt: skip


@contextlib.contextmanager
def read_or_refused(naming: str) -> Iterator[None]:
    """Pass a ValueError whose message holds ``naming``, and nothing else."""
    try:
        yield
    except ValueError as error:
        if naming not in str(error):
            raise


def mutated_tree(tree: Any, rng: random.Random) -> Any:
    """A copy of a JSON value in which one to three entries are replaced, removed, added or nested deeply."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(tree))
        if not places or rng.random() < 0.02:
            return copy.deepcopy(rng.choice(ODD_VALUES))
        container, key = rng.choice(places)
        action = rng.random()
        if action < 0.75:
            container[key] = copy.deepcopy(rng.choice(ODD_VALUES))
        elif action < 0.9:
            del container[key]
        elif isinstance(container, dict):
            container["unknown"] = copy.deepcopy(rng.choice(ODD_VALUES))
    return tree


def mutated_json(tree: Any, rng: random.Random) -> bytes:
    """The text of a mutated value; now and then with damaged bytes, or nested beyond any reader's stack."""
    if rng.random() < 0.05:
        return b"[" * 100_000
    text = json.dumps(mutated_tree(tree, rng)).encode()
    return mutated_bytes(text, rng) if rng.random() < 0.2 else text


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, set, cut out, cut off or repeated in one to four places."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not changed:
            break
        at = rng.randrange(len(changed))
        action = rng.random()
        if action < 0.4:
            changed[at] ^= 1 << rng.randrange(8)
        elif action < 0.6:
            changed[at] = rng.choice((0, 255, 127, 128))
        elif action < 0.75:
            del changed[at : at + rng.randint(1, 16)]
        elif action < 0.9:
            changed[at:at] = changed[at : at + rng.randint(1, 16)]
        else:
            del changed[at:]
    return bytes(changed)


def _places(tree: Any) -> Any:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(entries):
        yield tree, key
        yield from _places(value)
