# SPDX-License-Identifier: Apache-2.0
"""This checkout beside an earlier commit, frame by frame in turn: what a frame costs now, as a ratio.

    python benchmarks/against_commit.py --commit 6758743 --images ../shared/data/eval/nturain_a1/input \\
        --output docs/benchmarks/against_commit

Both run the zoo's ``lite`` on the CPU as their own code chooses to, each in a process of its own that waits while the
other works. A network with history is given its frames by a camera's history, alignment included. Frames are scaled to
each size. The commit is checked out in a temporary folder. ``--part assessment`` judges the frames instead, each with
those before it where the code looks at them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from restoregan_core.runtimes.timing import device_name

ROOT = Path(__file__).resolve().parents[1]
SIZES = ((640, 360), (1280, 720))
RESTORATION = """
from restoregan_core import load_restorer
restorer = load_restorer("lite", device="cpu")
# Each in the words of the commits that had it. Asked of the restorer: where the other commit lacks a module, an
# editable installation hands over today's.
if hasattr(restorer, "recurrent"):
    from restoregan_core.restoration.video_restorer import VideoRestorer
    work = VideoRestorer(restorer)
elif getattr(restorer, "history", 0):
    from restoregan_core.restoration.history import FrameHistory
    history = FrameHistory(restorer.history, *([restorer.path] if hasattr(restorer, "path") else []))
    def work(frame):
        history.take("camera", frame)
        restorer.restore_aligned(frame, history.aligned("camera"))
else:
    work = restorer
"""
ASSESSMENT = """
from restoregan_core import load_assessor
assessor = load_assessor()
try:
    from restoregan_core.restoration.camera_judge import FRAMES_BEFORE, CameraJudge
    from restoregan_core.restoration.history import FrameHistory
except ImportError:
    work = assessor.assess
else:
    history = FrameHistory(FRAMES_BEFORE)
    judge = CameraJudge(assessor, history)
    def work(frame):
        history.take("camera", frame)
        judge.judge("camera", frame)
"""
WORKER = """
files, = json.loads(sys.stdin.readline())
frames = {}
images = [cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB) for file in files]
for line in sys.stdin:
    width, height, number = json.loads(line)
    key = width, height, number % len(images)
    if key not in frames:
        frames[key] = cv2.resize(images[key[2]], (width, height), interpolation=cv2.INTER_AREA)
    wall, busy = time.perf_counter(), time.process_time()
    work(frames[key])
    print(json.dumps([time.perf_counter() - wall, time.process_time() - busy]), flush=True)
"""


PARTS = {"restoration": RESTORATION, "assessment": ASSESSMENT}


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The commit's files, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder, "other")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(other), commit], check=True)
        try:
            yield other
        finally:
            subprocess.run([*git, "remove", "--force", str(other)], check=True)


def environment_for(checkout: Path) -> dict[str, str]:
    """Its own code first; then what the caller has, such as ``without_amx``, wherever it is run."""
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(checkout), *(str(Path(path).absolute()) for path in own if path)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


class Worker:
    """Does the part's work on one frame whenever it is asked to, by the code of one checkout."""

    def __init__(self, checkout: Path, files: list[str], part: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import json, sys, time\nimport cv2\n" + PARTS[part] + WORKER],
            cwd=checkout,
            env=environment_for(checkout),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._send([files])

    def _send(self, document: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(document) + "\n")
        self._process.stdin.flush()

    def work(self, width: int, height: int, number: int) -> list[float]:
        """Seconds on the wall, and of all cores together."""
        self._send([width, height, number])
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def measure(other: Path, files: list[str], frames: int, part: str) -> list[dict[str, Any]]:
    """One row a size: medians of both in ms, and the median of the ratios of neighbouring frames."""
    workers = [Worker(checkout, files, part) for checkout in (other, ROOT)]
    rows = []
    for width, height in SIZES:
        times = np.array([[w.work(width, height, k) for w in workers] for k in range(frames + 5)])[5:]
        row: dict[str, Any] = {"size": f"{width}x{height}", "frames": frames}
        for column, kind in enumerate(("wall", "cpu")):
            before, now = times[:, 0, column], times[:, 1, column]
            row |= {
                f"{kind}_before_ms": round(1e3 * float(np.median(before)), 1),
                f"{kind}_now_ms": round(1e3 * float(np.median(now)), 1),
                f"{kind}_ratio": round(float(np.median(now / before)), 2),
            }
        rows.append(row)
    for worker in workers:
        worker.close()
    return rows


def page(commit: str, rows: list[dict[str, Any]], device: str, command: str) -> str:
    """The table as Markdown."""
    lines = [
        f"# A frame now and at {commit}",
        "",
        "Medians on the CPU, each frame by both in turn; history and its alignment are part of the frame.",
        "`cpu` is the time of all cores together.",
        "",
        f"    {command}",
        "",
        f"On {device}.",
        "",
        "| size | wall before, ms | now | ratio | cpu before, ms | now | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row[f"{k}_{n}"] for k in ("wall", "cpu") for n in ("before_ms", "now_ms", "ratio")]
        lines.append(f"| {row['size']} | {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commit", default="6758743")
    parser.add_argument("--images", type=Path, required=True, help="folder of consecutive frames")
    parser.add_argument("--part", choices=tuple(PARTS), default="restoration")
    parser.add_argument("--frames", type=int, default=60, help="timed frames a size")
    parser.add_argument("--output", type=Path, help="NAME: writes NAME.json and NAME.md")
    given = parser.parse_args()
    files = [
        str(file.resolve()) for file in sorted(given.images.iterdir()) if file.suffix in (".png", ".jpg")
    ][:30]
    if not files:
        parser.error(f"{given.images} holds no .png or .jpg")
    with checked_out(given.commit) as other:
        rows = measure(other, files, given.frames, given.part)
    command = "python " + " ".join(["benchmarks/against_commit.py", *sys.argv[1:]])
    text = page(given.commit, rows, device_name(torch.device("cpu")), command)
    Console().print(text, markup=False)
    if given.output:
        given.output.with_suffix(".md").write_text(text)
        given.output.with_suffix(".json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
