# SPDX-License-Identifier: Apache-2.0
"""A request carried out: replayed, summed up, rendered. The same for one bag, local processes and Ray.

``python -m restoregan_core.replay.run`` takes a request as JSON on its standard input; exit code 2 for bad input.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open

from restoregan_core.bags.reader import check_is_bag
from restoregan_core.concurrency import half_of_the_cores
from restoregan_core.detection.detector import Detector, DetectorOptions
from restoregan_core.detection.object_changes import SEEN_SCORE
from restoregan_core.loading import load_pipeline
from restoregan_core.replay.page import write_replay_report
from restoregan_core.replay.replay import replay
from restoregan_core.replay.request import ReplayRequest
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.summary import summarise_replay
from restoregan_core.zoo import weights_path


def run(
    request: ReplayRequest, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """Replay, sum up and render.

    Args:
        on_progress: frames done and expected.

    Returns:
        The content of report.json.

    Raises:
        ValueError, FileNotFoundError: as ``replay`` raises them; a network or a setting is wrong; the folder is in use.
    """
    check_is_bag(Path(request.bag))
    options = request.options()
    detector = None
    if request.detector is not None:
        # Down to the score from which an object counts as seen.
        detector = Detector(Path(request.detector), DetectorOptions(min_score=SEEN_SCORE))
    pipeline = load_pipeline(
        request.model,
        preset=request.preset,
        runtime=request.runtime,
        device=request.device,
        precision=request.precision,
        # The other steps of a frame take about as much as the network, and run beside it.
        threads=request.threads or half_of_the_cores(),
        assessor=request.assessor,
        circuit_breaker=False,
    )
    folder = ReplayFolder(Path(request.output))
    with folder.claimed():
        state = replay(Path(request.bag), folder, pipeline, options, detector, request.overwrite, on_progress)
        report = summarise_replay(
            folder, state, request.deadline_ms, request.clips, _model_card(request.model)
        )
        if request.html:
            write_replay_report(folder, report)
    return report


def _model_card(model: str) -> dict[str, str]:
    """What the weights say about themselves, the network's shape left out."""
    with safe_open(weights_path(model), framework="np") as file:
        return {key: text for key, text in (file.metadata() or {}).items() if key != "config"}


def main() -> int:
    """Carry out the request on standard input; 0, 1 where the disk filled up, or 2 for bad input."""
    try:
        report = run(ReplayRequest.from_json(sys.stdin.read()))
    except (ValueError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        print(error, file=sys.stderr)
        return 2
    if report["replay"]["stopped"]:
        print(report["replay"]["stopped"], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
