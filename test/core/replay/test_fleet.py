# SPDX-License-Identifier: Apache-2.0
"""Many bags: nothing is lost and nothing is done twice, whatever happens to a worker."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from replay_bags import START_NS, STEP_NS, drive, messages_of, write_bag

from restoregan_core.replay.fleet import find_bags, plan_jobs
from restoregan_core.replay.table import Frames

ROOT = Path(__file__).resolve().parents[3]


def command(output: Path, weights: Path, *bags: str, options: tuple[str, ...] = ()) -> list[str]:
    return [
        sys.executable, "-m", "restoregan_core", "replay-many", *bags, "--output", str(output), "--model",
        str(weights), "--runtime", "torch", "--clips", "0", "--checkpoint-frames", "4", *options,
    ]  # fmt: skip


def stamps_of(folder: Path) -> Counter:
    return Counter(
        m.header.stamp.sec * 10**9 + m.header.stamp.nanosec
        for topic, _, m in messages_of(folder / "bag")
        if topic.endswith("/report")
    )


def test_segments_cover_every_frame_once(tmp_path: Path, weights: Path) -> None:
    bag = write_bag(tmp_path / "drive", drive(30))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "broken_0.mcap").write_bytes(b"nothing")
    arguments = command(tmp_path / "out", weights, str(bag), str(broken), options=("--segment-s", "0.5"))
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "broken: nothing of" in done.stderr
    found: Counter = Counter()
    for folder in sorted((tmp_path / "out/drive").iterdir()):
        found += stamps_of(folder)
    assert found == Counter({START_NS + i * STEP_NS: 1 for i in range(30)})
    totals = json.loads((tmp_path / "out/fleet.json").read_text())
    assert (totals["jobs"], totals["complete"], totals["frames"]["count"]) == (4, 3, 30)
    assert [failure["job"] for failure in totals["failed"]] == ["broken"]
    assert "broken failed" in (tmp_path / "out/fleet.html").read_text()

    before = (tmp_path / "out/drive/segment_0000/report.json").stat().st_mtime_ns
    subprocess.run(arguments, cwd=ROOT, capture_output=True, check=False)
    assert (tmp_path / "out/drive/segment_0000/report.json").stat().st_mtime_ns == before


def test_a_ray_worker_that_is_killed_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, weights: Path
) -> None:
    pytest.importorskip("ray", reason="needs the extra 'fleet'")
    psutil = pytest.importorskip("psutil")
    bags = [write_bag(tmp_path / f"drive_{i}", drive(60)) for i in range(3)]
    output = tmp_path / "out"
    options = ("--engine", "ray", "--workers", "2", "--retries", "2")
    process = subprocess.Popen(command(output, weights, *map(str, bags), options=options), cwd=ROOT)

    def checkpoint() -> tuple[Path, dict] | None:
        for file in output.glob("*/work/checkpoint.json"):
            state = json.loads(file.read_text())
            if 4 <= state["frames_done"] < 48:
                return file, state
        return None

    limit_s = time.monotonic() + 250
    killed = None
    while killed is None:
        assert process.poll() is None
        assert time.monotonic() < limit_s
        time.sleep(0.005)
        found = checkpoint()
        if found is None:
            continue
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                opened = [f.path for f in child.open_files()]
                if child.name().startswith("ray::") and any(str(found[0].parent) in path for path in opened):
                    child.send_signal(signal.SIGKILL)
                    killed = found
                    break
            except psutil.Error:
                continue
    finished = {f: f.read_bytes() for f in (killed[0].parent / "rows").glob("*.parquet")}
    assert process.wait(timeout=250) == 0

    for bag in bags:
        assert stamps_of(output / bag.name) == Counter({START_NS + i * STEP_NS: 1 for i in range(60)})
        assert len(Frames(output / bag.name / "frames.parquet")) == 60
    for name in killed[1]["row_parts"]:  # the frames before the kill were not done again
        assert (killed[0].parent / "rows" / name).read_bytes() == finished[killed[0].parent / "rows" / name]
    totals = json.loads((output / "fleet.json").read_text())
    assert (totals["complete"], totals["frames"]["count"]) == (3, 180)


def test_names_tell_bags_apart_and_lists_are_read(tmp_path: Path) -> None:
    for day in ("monday", "tuesday"):
        (tmp_path / day / "drive").mkdir(parents=True)
    bags = find_bags([str(tmp_path / "*" / "drive")])
    assert [job.name for job in plan_jobs(bags)] == ["monday_drive", "tuesday_drive"]
    listed = tmp_path / "bags.txt"
    listed.write_text(f"# two\n{bags[1]}\n\n{bags[0]}\n")
    assert find_bags([str(listed)]) == [bags[1], bags[0]]
    listed.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"bags.txt is not text in UTF-8"):
        find_bags([str(listed)])
    with pytest.raises(ValueError, match="no bag matches"):
        find_bags([str(tmp_path / "wednesday" / "*")])
