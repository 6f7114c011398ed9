# SPDX-License-Identifier: Apache-2.0
"""What figures depend on besides the code: processor, memory, versions."""

import ctypes
import platform
import sys
from collections.abc import Iterable
from pathlib import Path


def processor_name() -> str:
    """As its maker gives it, else the architecture."""
    found = _value_of("/proc/cpuinfo", "model name")
    return found or platform.processor() or platform.machine()


def processor_flags() -> frozenset[str]:
    """Extensions of the instruction set, as ``avx2``; none where the system does not say."""
    return frozenset(_value_of("/proc/cpuinfo", "flags").split())


def resident_memory_mb() -> float:
    """Resident memory of this process in MB (a million bytes); NaN where the system does not say."""
    found = _value_of("/proc/self/status", "VmRSS")
    return int(found.split()[0]) * 1024 / 1e6 if found else float("nan")


def has_gpu() -> bool:
    """Whether PyTorch sees a CUDA device. It is imported, for seconds, only where CUDA's driver loads."""
    if not _has_gpu_driver():
        return False
    import torch

    return torch.cuda.is_available()


def _has_gpu_driver() -> bool:
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Path("/dev/kfd").exists()  # AMD's, whose devices PyTorch calls CUDA as well
    return True


def installed_versions(packages: Iterable[str]) -> dict[str, str | None]:
    """Package -> version; None where it is not installed."""
    import importlib.metadata

    versions: dict[str, str | None] = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def _value_of(file: str, key: str) -> str:
    """Of the first line ``key: value``; "" where there is none."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
