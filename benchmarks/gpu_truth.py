# SPDX-License-Identifier: Apache-2.0
"""GPU runtimes from uint8 in to uint8 out, for a machine that has a GPU. Has never run on one yet.

    python benchmarks/gpu_truth.py --minutes 5 --json gpu_truth.json

For each network and size: p50, p99, peak memory, and parity with eager fp32 on the CPU, where time is left.
Network and copies are timed together by CUDA events. The JSON is written after every row, so that a run that
is cut off still tells. Without a CUDA device it ends with exit code 3.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from restoregan_core.models.complexity import count_multiply_adds
from restoregan_core.runtimes.protocol import Runtime, RuntimeUnavailableError
from restoregan_core.runtimes.tensorrt_runtime import TensorRtRuntime
from restoregan_core.runtimes.timing import device_name, matrix_peak_tflops
from restoregan_core.runtimes.torch_runtime import TorchRuntime
from restoregan_core.zoo import CONFIGS, build_generator

SIZES = ((360, 640), (720, 1280), (1080, 1920))


def measure(runtime: Runtime, rgb_BHWC: np.ndarray, calls: int = 60) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    times_ms = []
    for i in range(calls + 5):
        before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        before.record()
        runtime.run(rgb_BHWC)  # returns when the result is on the host
        after.record()
        after.synchronize()
        if i >= 5:
            times_ms.append(before.elapsed_time(after))
    return float(np.median(times_ms)), float(np.percentile(times_ms, 99))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="no new row is begun after this")
    parser.add_argument("--json", type=Path, default=Path("gpu_truth.json"))
    args = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device: nothing was measured", file=sys.stderr)
        return 3
    ends = time.monotonic() + args.minutes * 60
    device = torch.device("cuda")
    peak = matrix_peak_tflops(device)
    result: dict = {
        "device": device_name(device),
        "torch": torch.__version__,
        "matrix_peak_tflops": peak,
        "rows": [],
    }
    for height, width in SIZES:
        rgb_BHWC = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
        for name in CONFIGS:
            torch.manual_seed(0)
            generator = build_generator(name).eval()
            torch.nn.init.normal_(generator.head.weight, std=0.02)
            gmac = count_multiply_adds(generator, height + -height % 8, width + -width % 8) / 1e9
            expected = (
                TorchRuntime(generator, "cpu").run(rgb_BHWC)[0] if (height, width) == SIZES[0] else None
            )
            openers = {
                "eager fp32": lambda g=generator: TorchRuntime(g, "cuda", precision="fp32"),
                "eager fp16": lambda g=generator: TorchRuntime(g, "cuda"),
                "inductor fp16": lambda g=generator: TorchRuntime(g, "cuda", inductor=True),
                "tensorrt fp16": lambda g=generator: TensorRtRuntime(g, "cuda", build_if_missing=True),
            }
            for label, open_runtime in openers.items():
                if time.monotonic() > ends:
                    print("out of time", file=sys.stderr)
                    return 0
                row = {"model": name, "size": f"{height}x{width}", "runtime": label, "gmac": gmac}
                row["floor_ms"] = 2 * gmac / peak
                torch.cuda.reset_peak_memory_stats()
                try:
                    runtime = open_runtime()
                    runtime.load(height, width)
                    row["p50_ms"], row["p99_ms"] = measure(runtime, rgb_BHWC)
                    row["share_of_peak"] = row["floor_ms"] / row["p50_ms"]
                    row["peak_memory_mb"] = torch.cuda.max_memory_allocated() / 1e6
                    if expected is not None:
                        error = np.abs(runtime.run(rgb_BHWC)[0].astype(int) - expected)
                        row["max_error"], row["mean_error"] = int(error.max()), float(error.mean())
                    runtime.close()
                except (RuntimeUnavailableError, RuntimeError) as problem:
                    row["refused"] = str(problem).splitlines()[0]
                result["rows"].append(row)
                args.json.write_text(json.dumps(result, indent=2) + "\n")
                print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
