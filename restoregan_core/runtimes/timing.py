# SPDX-License-Identifier: Apache-2.0
"""Timing networks fairly: interleaved, with the device's peak from the same run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from restoregan_core.environment import processor_flags, processor_name


@dataclass(frozen=True)
class Timing:
    """How long one call takes, in milliseconds."""

    median_ms: float
    p99_ms: float


def time_interleaved(
    calls: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 2
) -> dict[str, Timing]:
    """Time calls in turn, so that a busy neighbour slows all of them and not one.

    A call must return only when its result is there: on a GPU, after synchronising.

    Args:
        rounds: how often each call is timed.
        warm_up: calls before that, untimed.
    """
    for call in calls.values():
        for _ in range(warm_up):
            call()
    times_ms: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            times_ms[name].append((time.perf_counter() - started) * 1e3)
    return {
        name: Timing(float(np.median(values)), float(np.percentile(values, 99)))
        for name, values in times_ms.items()
    }


def matrix_peak_tflops(device: torch.device, seconds: float = 1.0) -> float:
    """The device's best rate on square matrix products, over the dtypes that it has, in TFLOP/s.

    On a GPU timed by events, in fp16 and bf16; on a CPU with torch's threads, in fp32 and bf16.
    """
    cuda = device.type == "cuda"
    side = 8192 if cuda else 1024
    best = 0.0
    for dtype in (torch.float16, torch.bfloat16) if cuda else (torch.float32, torch.bfloat16):
        a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
        a @ b
        until = time.perf_counter() + seconds / 2
        while time.perf_counter() < until:
            best = max(best, 2 * side**3 / _seconds(lambda a=a, b=b: a @ b, device) / 1e12)  # type: ignore[misc]
    return best


def device_name(device: torch.device) -> str:
    """Name of the device as its maker gives it; on a CPU with the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    flags = processor_flags()
    extensions = [flag for flag in ("amx_bf16", "avx512_bf16", "avx2") if flag in flags]
    return ", ".join([processor_name(), f"{torch.get_num_threads()} threads", *extensions[:1]])


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        started = time.perf_counter()
        call()
        return time.perf_counter() - started
    before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    before.record()
    call()
    after.record()
    after.synchronize()
    return before.elapsed_time(after) / 1e3
