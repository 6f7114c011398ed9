# SPDX-License-Identifier: Apache-2.0
"""From names to things that run, with sensible defaults: shared by command line, node and notebooks."""

import os
from pathlib import Path

import cv2

from restoregan_core.assessment.assessor import Assessor
from restoregan_core.assessment.classical import ClassicalAssessor
from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.circuit_breaker import CircuitBreaker
from restoregan_core.restoration.gate import DEFAULT_PRESET, PRESETS
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.settings import PipelineSettings
from restoregan_core.zoo import load_assessor_network, load_generator


def load_restorer(
    model: str | os.PathLike[str] = "lite",
    runtime: str = "auto",
    device: str = "auto",
    *,
    build_if_missing: bool = False,
    engine_dir: str | os.PathLike[str] | None = None,
    threads: int = 0,
    precision: str = "auto",
) -> Restorer:
    """A network ready to run: a callable from uint8 RGB (height, width, 3) of any size to the same.

    Args:
        model: a name of the zoo, or the path of a ``.safetensors`` file.
        runtime: ``auto`` (the fastest that this machine has), ``tensorrt``, ``openvino`` or ``torch``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        build_if_missing: let TensorRT build an engine, for minutes, where none fits.
        engine_dir: where compiled networks lie; ``engine_cache.engine_directory()`` if None.
        threads: most that OpenVINO, torch and OpenCV compute on, the latter two in the whole process; 0: as many as
            each chooses, commonly the CPU's cores.
        precision: ``auto`` (the runtime's fastest that keeps the image), ``fp32``, ``fp16``, ``bf16`` or ``int8``.

    Raises:
        ValueError: no such model, runtime, device or precision, or a negative number of threads.
        RuntimeUnavailableError: the runtime was named and this machine cannot run it, or none has the precision.
    """
    _limit_opencv(threads)
    return Restorer(
        load_generator(model),
        runtime,
        device,
        engine_dir=None if engine_dir is None else Path(engine_dir),
        build_if_missing=build_if_missing,
        threads=threads,
        precision=precision,
    )


def load_assessor(
    name: str | os.PathLike[str] = "learned",
    device: str = "auto",
    engine_dir: str | os.PathLike[str] | None = None,
    threads: int = 0,
) -> Assessor:
    """A judge of blur and rain.

    Args:
        name: ``learned`` (the shipped network), ``classical`` (hand-made measures; no network), or
            the path of a ``.safetensors`` file that ``restoregan train`` made of ``config/train/assessor.yaml``.
        device: of the network: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        engine_dir, threads: as for ``load_restorer``.

    Raises:
        ValueError: neither one of the two nor such a file, or a negative number of threads.
    """
    _limit_opencv(threads)
    if name == "classical":
        return ClassicalAssessor()
    loaded = load_assessor_network(None if name == "learned" else name)
    return LearnedAssessor(loaded, device, None if engine_dir is None else Path(engine_dir), threads=threads)


def _limit_opencv(threads: int) -> None:
    if threads < 0:
        raise ValueError(f"threads is {threads}; give at least 1, or 0 for as many as there are cores")
    if threads:
        cv2.setNumThreads(threads)


def load_pipeline(
    model: str | os.PathLike[str] = "lite",
    preset: str = DEFAULT_PRESET,
    runtime: str = "auto",
    device: str = "auto",
    *,
    build_if_missing: bool = False,
    engine_dir: str | os.PathLike[str] | None = None,
    assessor: str | os.PathLike[str] = "learned",
    circuit_breaker: bool = True,
    threads: int = 0,
    precision: str = "auto",
) -> RestorationPipeline:
    """Assessor, gate, network and bounds, ready for ``pipeline.process(rgb_HWC, camera="front")``.

    Args:
        model, runtime, device, build_if_missing, engine_dir, threads, precision: as for ``load_restorer``.
        preset: of the gate: ``rain``, ``cautious``, ``balanced``, ``always`` or ``off``; see ``gate.PRESETS``.
        assessor: as for ``load_assessor``.
        circuit_breaker: let a network rest that keeps failing. False where nothing may depend on a clock.

    Raises:
        ValueError: no such model, runtime, device, precision or preset, or a negative number of threads.
        RuntimeUnavailableError: the runtime was named and this machine cannot run it, or none has the precision.
    """
    if preset not in PRESETS:  # before the network is loaded, which takes seconds
        raise ValueError(f"no preset {preset!r}; there are: {', '.join(PRESETS)}")
    restorer = load_restorer(
        model,
        runtime,
        device,
        build_if_missing=build_if_missing,
        engine_dir=engine_dir,
        threads=threads,
        precision=precision,
    )
    # OpenVINO was asked for, which runs on the CPU here: so does the assessor.
    judge = load_assessor(assessor, "cpu" if runtime == "openvino" else device, engine_dir, threads)
    settings = PipelineSettings(thresholds=PRESETS[preset])
    return RestorationPipeline(judge, restorer, settings, CircuitBreaker() if circuit_breaker else None)
