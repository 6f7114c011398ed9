# SPDX-License-Identifier: Apache-2.0
"""Does a reader raise anything but what it promises? Valid files, damaged at random, for a while.

    python benchmarks/fuzz.py --reader rules --seconds 60
    python benchmarks/fuzz.py --reader all --seconds 30          each of them so long, in a process of its own

All times are CPU time, so that a busy machine does the same work later. One line a reader: executions, the documented
errors by type, the slowest execution, the process's peak memory. An error that is not documented is printed with its
place, and the exit code is 3, as it is where a process crashed, an execution took over a second or the process over
500 MB. --seed repeats a run, and the slowest execution has its number. What libraries write of damaged files goes to
stderr.
"""

import argparse
import collections
import json
import logging
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "support"))
import damaged_recordings
from mutations import mutated_bytes, mutated_json, mutated_tree

LIMIT_S, LIMIT_MB = 1.0, 500

Execution = Callable[[random.Random], None]
"""Damage a file and read it."""


def rules(folder: Path) -> Execution:
    import yaml

    from restoregan_core.report.rules import check_rules, read_rules

    tree = {"rules": ["frames.failed_open == 0", {"name": "rain", "rule": "a.b < 0.5 * -c.d + 1"}]}
    file, report = folder / "rules.yaml", {"frames": {"failed_open": 0}, "a": {"b": 1}, "c": {"d": 0}}

    def run(rng: random.Random) -> None:
        text = yaml.safe_dump(mutated_tree(tree, rng)).encode()
        file.write_bytes(mutated_bytes(text, rng) if rng.random() < 0.5 else text)
        check_rules(read_rules(file), report)

    return run


def generator(folder: Path) -> Execution:
    from safetensors.torch import save_file

    from restoregan_core.models.generator import Generator, GeneratorConfig
    from restoregan_core.zoo import load_generator

    network = Generator(GeneratorConfig(base_width=4, blocks=1))
    state, config, file = network.state_dict(), network.config.to_dict(), folder / "generator.safetensors"

    def run(rng: random.Random) -> None:
        save_file(state, file, {"config": mutated_json(config, rng).decode("latin-1")})
        if rng.random() < 0.3:
            file.write_bytes(mutated_bytes(file.read_bytes(), rng))
        _ = load_generator(file).generator

    return run


def assessor(folder: Path) -> Execution:
    from safetensors.torch import save_file

    from restoregan_core.models.assessor import AssessorConfig, AssessorNetwork
    from restoregan_core.zoo import load_assessor_network

    network = AssessorNetwork(AssessorConfig(widths=(2, 2, 2, 2), head_width=2))
    metadata: dict[str, Any] = {
        "config": network.config.to_dict(),
        "calibration": {"tile": [[1.0, 0.0, 0.0]] * 3, "frame": [[1.0, 0.0, 0.0]] * 3},
    }
    state, file = network.state_dict(), folder / "assessor.safetensors"

    def run(rng: random.Random) -> None:
        which = rng.choice(list(metadata))
        texts = {key: json.dumps(value) for key, value in metadata.items()}
        save_file(state, file, texts | {which: mutated_json(metadata[which], rng).decode("latin-1")})
        _ = load_assessor_network(file).network

    return run


def checkpoint(folder: Path) -> Execution:
    import torch

    from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint

    file = folder / "last.ckpt"
    save_checkpoint({"step": 3, "generator": {"weight": torch.zeros(4, 4)}, "recipe": {"a": [1, "x"]}}, file)
    whole = file.read_bytes()

    def run(rng: random.Random) -> None:
        file.write_bytes(mutated_bytes(whole, rng))
        load_checkpoint(file)

    return run


def features(folder: Path) -> Execution:
    import numpy as np
    import torch

    from restoregan_core.training.losses.perceptual import load_vgg16_stand_in, load_vgg19

    layer, kinds = torch.zeros(4, 4), {folder / "vgg16.npz": load_vgg16_stand_in}
    np.savez(folder / "vgg16.npz", block1_conv1_w=layer, block1_conv1_b=layer)
    for is_zip in (False, True):
        file = folder / f"vgg19_{is_zip}.pth"
        torch.save({"features.0.weight": layer}, file, _use_new_zipfile_serialization=is_zip)
        kinds[file] = load_vgg19
    whole = {file: file.read_bytes() for file in kinds}

    def run(rng: random.Random) -> None:
        file = rng.choice(list(kinds))
        file.write_bytes(mutated_bytes(whole[file], rng))
        kinds[file](file)

    return run


def engine(folder: Path) -> Execution:
    from restoregan_core.runtimes.engine_cache import (
        EngineError,
        find_engine,
        manifest_path,
        verify_engine,
        write_engine,
    )

    key, file = {"runtime": "openvino", "weights": "0" * 64}, folder / "a.engine"
    write_engine(file, key, lambda path: path.write_bytes(b"machine code") and None)
    manifest = json.loads(manifest_path(file).read_text())

    def run(rng: random.Random) -> None:
        manifest_path(file).write_bytes(mutated_json(manifest, rng))
        try:
            verify_engine(file, key)
            find_engine(folder, key)
        except EngineError as error:
            raise ValueError from error

    return run


def replay_state(folder: Path) -> Execution:
    import numpy as np

    from restoregan_core.replay.state import ReplayFolder, read_checkpoint
    from restoregan_core.replay.table import write_rows

    replay = ReplayFolder(folder / "replay")
    state = replay.open({"bag": "x"})
    write_rows([{"index": i, "camera": "front"} for i in range(3)], replay.rows / "rows_0.parquet")
    state.memory = replay.save_memory({"gate front": np.zeros((2, 2), np.int64)}, 3)
    state.frames_done, state.row_parts = 3, ["rows_0.parquet"]
    replay.save(state)
    whole = {
        file: file.read_bytes()
        for file in (replay.checkpoint, replay.rows / "rows_0.parquet", replay.work / state.memory)
    }

    def run(rng: random.Random) -> None:
        for file, content in whole.items():
            file.write_bytes(content)
        file = rng.choice(list(whole))
        is_json = file == replay.checkpoint
        file.write_bytes(mutated_json(vars(state), rng) if is_json else mutated_bytes(whole[file], rng))
        read_checkpoint(replay)

    return run


def report(folder: Path) -> Execution:
    from restoregan_core.replay.report_file import read_report

    file = folder / "report.json"
    tree = {
        "replay": {"is_complete": True, "damage": []}, "verdict": {"headline": "better"},
        "frames": {"count": 3, "degraded": 1}, "objects": {"before": 1, "after": 2},
        "ground_truth": {"psnr_gain": 0.5}, "latency": {"live_ms": {"p99": 3.0}},
    }  # fmt: skip

    def run(rng: random.Random) -> None:
        file.write_bytes(mutated_json(tree, rng))
        read_report(file)

    return run


def recipe(folder: Path) -> Execution:
    import yaml

    from restoregan_core.commands.train import parse
    from restoregan_core.training.recipes import find_recipe

    trees = [yaml.safe_load(find_recipe(name).read_text()) for name in ("lite", "assessor")]
    file = folder / "recipe.yaml"

    def run(rng: random.Random) -> None:
        file.write_text(yaml.safe_dump(mutated_tree(rng.choice(trees), rng)))
        parse(["--config", str(file)])

    return run


def image(folder: Path) -> Execution:
    import io

    import numpy as np
    from PIL import Image

    warnings.simplefilter("ignore")  # what Pillow says of damaged metadata

    from restoregan_core.images.image_files import read_image_file, write_image_file

    exif = Image.Exif()
    exif[0x010E] = "an image"
    pixels = Image.fromarray(np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3))
    whole = {}
    for suffix, kind in (
        (".jpg", "JPEG"),
        (".png", "PNG"),
        (".tif", "TIFF"),
        (".webp", "WEBP"),
        (".bmp", "BMP"),
    ):
        buffer = io.BytesIO()
        pixels.save(buffer, kind, exif=exif) if kind in ("JPEG", "PNG", "WEBP") else pixels.save(buffer, kind)
        whole[suffix] = buffer.getvalue()

    def run(rng: random.Random) -> None:
        suffix = rng.choice(list(whole))
        file, copy = folder / f"image{suffix}", folder / f"copy{suffix}"
        file.write_bytes(mutated_bytes(whole[suffix], rng))
        copy.unlink(missing_ok=True)
        source = read_image_file(file)
        write_image_file(copy, source, source.rgb)

    return run


READERS: dict[str, Callable[[Path], Execution]] = {
    "rules": rules, "generator": generator, "assessor": assessor, "checkpoint": checkpoint,
    "features": features, "engine": engine, "replay_state": replay_state, "report": report, "recipe": recipe,
    "image": image,
    **damaged_recordings.READERS,
}  # fmt: skip


def fuzz(name: str, seconds: float, seed: int) -> bool:
    """Run one reader for a while and print its line; whether it did what is promised."""
    rng = random.Random(seed)
    outcomes: collections.Counter[str] = collections.Counter()
    undocumented: collections.Counter[str] = collections.Counter()
    slowest = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        run = READERS[name](Path(folder))
        end_s = time.process_time() + seconds
        while (started_s := time.process_time()) < end_s:
            try:
                run(rng)
                outcomes["read"] += 1
            except ValueError:
                outcomes["ValueError"] += 1
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                undocumented[
                    f"{type(error).__name__}: {str(error)[:100]} ({place.filename}:{place.lineno})"
                ] += 1
            number = outcomes.total() + undocumented.total()
            if number > 1:  # the first one imports
                slowest = max(slowest, (time.process_time() - started_s, number))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = outcomes.total() + undocumented.total()
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(outcomes.items()))
    print(f"{name}: {total} executions; {counts}; {undocumented.total()} undocumented; "
          f"slowest {slowest[0] * 1e3:.0f} ms, number {slowest[1]}; peak {peak_mb:.0f} MB", flush=True)  # fmt: skip
    for line, count in undocumented.most_common():
        print(f"    {count} times {line}")
    return not undocumented and slowest[0] <= LIMIT_S and peak_mb <= LIMIT_MB


def fuzz_each(seconds: float, seed: int) -> list[str]:
    """Each reader in a process of its own; the names of those that raised what they do not promise, or crashed."""
    failed = []
    for name in READERS:
        command = [sys.executable, __file__, "--reader", name, f"--seconds={seconds}", f"--seed={seed}"]
        code = subprocess.run(command, check=False).returncode
        if code not in (0, 3):
            print(f"{name}: the process ended with {code}", flush=True)
        if code:
            failed.append(name)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reader", choices=["all", *READERS], default="all")
    parser.add_argument("--seconds", type=float, default=30.0, help="CPU time for each reader")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    if given.reader == "all":
        return 3 if fuzz_each(given.seconds, given.seed) else 0
    return 0 if fuzz(given.reader, given.seconds, given.seed) else 3


if __name__ == "__main__":
    sys.exit(main())
