# SPDX-License-Identifier: Apache-2.0
"""Replays and checkpoints that are killed at random moments: is anything lost?

    python benchmarks/kills.py replay --kills 30
    python benchmarks/kills.py checkpoint --kills 30

``replay``: a replay is killed (SIGKILL) and run again until it is through; its bag must be equal to that of a run that
nobody disturbed, message by message, but for the times that were measured. ``checkpoint``: a process that writes one
checkpoint after the other, as a training does, is killed; what lies there must be whole and never older than the last
one that was known to be finished. Exit code 3 where it is not so; --seed repeats the moments.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "support"))
import torch
from replay_bags import comparable, drive, write_bag

torch.set_num_threads(1)


def killed(work: Callable[[], None], after_s: float) -> bool:
    """Do ``work`` in a process of its own; whether it was killed before it was through."""
    pid = os.fork()  # of a process that has everything imported, so that the moment is one of the work
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    end_s = time.monotonic() + after_s
    while time.monotonic() < end_s:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def kill_replays(folder: Path, kills: int, rng: random.Random) -> bool:
    from restoregan_core.models.generator import Generator, GeneratorConfig
    from restoregan_core.replay.request import ReplayRequest
    from restoregan_core.replay.run import run
    from restoregan_core.zoo import save_generator

    torch.manual_seed(0)
    save_generator(Generator(GeneratorConfig(base_width=4, blocks=1)), folder / "tiny.safetensors", {})
    bag = write_bag(folder / "bag", drive(60, is_still=True))  # so that every frame depends on those before

    def replay(name: str) -> None:
        run(
            ReplayRequest(
                bag=str(bag), output=str(folder / name), model=str(folder / "tiny.safetensors"), runtime="torch",
                assessor="classical", preset="always", image_format="raw", checkpoint_frames=4, clips=0, html=False,
            )
        )  # fmt: skip

    started_s = time.monotonic()
    assert not killed(lambda: replay("whole"), 1e6)
    whole, whole_s = comparable(folder / "whole/bag"), time.monotonic() - started_s
    count, rounds, equal = 0, 0, 0
    while count < kills:
        name = f"round_{rounds}"
        while count < kills and killed(lambda name=name: replay(name), rng.uniform(0, whole_s)):
            count += 1
        killed(lambda name=name: replay(name), 1e6)  # through, or nothing left to do
        rounds += 1
        equal += comparable(folder / name / "bag") == whole
    print(
        f"{count} kills in {rounds} replays of {whole_s:.1f} s: {equal} of {rounds} equal to the one undisturbed"
    )
    return equal == rounds


def kill_checkpoints(folder: Path, kills: int, rng: random.Random) -> bool:
    from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint

    file, told = folder / "last.ckpt", folder / "told"
    save_checkpoint({"step": 0, "weights": torch.zeros(1)}, file)

    def write() -> None:
        step = load_checkpoint(file)["step"]
        while True:
            step += 1
            save_checkpoint({"step": step, "weights": torch.full((2_000_000,), float(step))}, file)
            told.write_text(f"{step}")

    whole = 0
    for _ in range(kills):
        told.write_text("0")
        assert killed(write, rng.uniform(0, 2.0))
        known = int(told.read_text() or 0)
        state = load_checkpoint(file)
        weights = state["weights"]
        whole += state["step"] >= known and bool((weights == state["step"]).all())
    print(
        f"{kills} kills, {state['step']} checkpoints of 8 MB written: {whole} of {kills} whole and none older"
    )
    return whole == kills


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["replay", "checkpoint"])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    kill = {"replay": kill_replays, "checkpoint": kill_checkpoints}[given.what]
    with tempfile.TemporaryDirectory() as folder:
        return 0 if kill(Path(folder), given.kills, random.Random(given.seed)) else 3


if __name__ == "__main__":
    sys.exit(main())
