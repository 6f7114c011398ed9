# SPDX-License-Identifier: Apache-2.0
"""How the node would have kept up on this machine at the bag's own rate, from the times that replay measured.

The node's rule is played through on the recorded times: one worker, one waiting frame a camera, the newest
replaces the one that waits, cameras take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class LiveOutcome:
    """What a camera's frames would have met live."""

    latencies_ms: list[float] = field(default_factory=list)
    """From arrival to the image's publication, of the frames accepted."""
    superseded: int = 0
    """Frames replaced unseen by newer ones."""


def simulate_live(
    cameras: Sequence[str], arrivals_s: Sequence[float], busy_s: Sequence[float], after_s: Sequence[float]
) -> dict[str, LiveOutcome]:
    """Play frames through one worker.

    Args:
        cameras: of each frame.
        arrivals_s: when each frame came, any order.
        busy_s: how long the worker is busy with each until it is published.
        after_s: how long it is busy with it afterwards, which only the next frame waits for.
    """
    outcomes = {camera: LiveOutcome() for camera in dict.fromkeys(cameras)}
    turns = list(outcomes)
    waiting: dict[str, int] = {}
    free_at_s = -np.inf

    def serve_until(now_s: float) -> None:
        nonlocal free_at_s
        while waiting:
            start_s = max(free_at_s, min(arrivals_s[i] for i in waiting.values()))
            if start_s >= now_s:
                return
            camera = next(c for c in turns if c in waiting and arrivals_s[waiting[c]] <= start_s)
            frame = waiting.pop(camera)
            turns.append(turns.pop(turns.index(camera)))
            published_s = start_s + busy_s[frame]
            free_at_s = published_s + after_s[frame]
            outcomes[camera].latencies_ms.append((published_s - arrivals_s[frame]) * 1e3)

    for frame in np.argsort(np.asarray(arrivals_s), kind="stable"):
        serve_until(arrivals_s[frame])
        if cameras[frame] in waiting:
            outcomes[cameras[frame]].superseded += 1
        waiting[cameras[frame]] = int(frame)
    serve_until(float("inf"))
    return outcomes
