# SPDX-License-Identifier: Apache-2.0
"""One network of several that were trained from one start: the mean of their weights (Wortsman et al. 2022).

The mean is often better than each of them, and keeps of an older network what a newer one has unlearnt.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from restoregan_core.documents import build, parse_json
from restoregan_core.models.fit_history import fit_history
from restoregan_core.zoo import LoadedGenerator


def average(parts: Sequence[LoadedGenerator], shares: Sequence[float]) -> dict[str, str]:
    """Make the first network the mean of all.

    Args:
        parts: networks of one shape, history aside; the first one's weights are replaced, and it keeps its history.
        shares: of each, not negative; only their proportions count.

    Returns:
        Metadata of the mean: what each part was and how much of it went in; all training data.

    Raises:
        ValueError: shapes differ, or the shares are negative or all 0.
    """
    if min(shares) < 0 or sum(shares) == 0:
        raise ValueError(f"shares {', '.join(f'{s:g}' for s in shares)} must not be negative, nor all 0")
    first = parts[0].generator
    for part in parts[1:]:
        own = first.config
        config = replace(
            part.generator.config,
            history=own.history,
            history_median=own.history_median,
            path=own.path,
            recurrent=own.recurrent,
        )
        if config != own:
            raise ValueError(
                f"{part.name} has another shape than {parts[0].name}: networks of one shape alone can be averaged"
            )
    weights = [share / sum(shares) for share in shares]
    states = [fit_history(part.generator.state_dict(), first) for part in parts]
    first.load_state_dict(
        {
            key: sum(weight * state[key] for weight, state in zip(weights, states, strict=True))
            for key in states[0]
        }
    )
    training_data = [name for part in parts for name in _training_data(part)]
    averaged = [
        {"name": part.name, "sha256": part.sha256, "share": weight, "metadata": part.metadata}
        for part, weight in zip(parts, weights, strict=True)
    ]
    return {
        "averaged": json.dumps(averaged),
        "training_data": json.dumps(list(dict.fromkeys(training_data))),
    }


def _training_data(part: LoadedGenerator) -> list[str]:
    what = f"{part.name}: training_data"
    return build(list[str], parse_json(part.metadata.get("training_data", "[]"), what), what)
