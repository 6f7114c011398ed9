# SPDX-License-Identifier: Apache-2.0
"""Many bags, or segments of long ones, as independent replays: on this machine, or as tasks of a Ray cluster.

Every job is one ``ReplayRequest`` into a folder of its own, so a job that died goes on from its checkpoint,
and a fleet that is started again skips what is complete. With Ray, every machine must reach the folder.
"""

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restoregan_core.bags.reader import BagError, open_bag
from restoregan_core.documents import read_lines
from restoregan_core.replay.report_file import read_report
from restoregan_core.replay.request import ReplayRequest

logger = logging.getLogger(__name__)

WARM_UP_S = 2.0


@dataclass(frozen=True)
class Job:
    """One replay."""

    name: str
    """Name of the replay and of its folder below the fleet's output."""
    bag: Path
    start_s: float = 0.0
    end_s: float | None = None

    def request(self, output: Path, template: ReplayRequest) -> ReplayRequest:
        """``template`` for this bag or segment, into its folder below ``output``."""
        return replace(
            template,
            bag=str(self.bag),
            output=str(output / self.name),
            start_s=self.start_s,
            end_s=self.end_s,
            warm_up_s=WARM_UP_S if self.start_s else 0.0,
        ).absolute()


@dataclass(frozen=True)
class JobOutcome:
    """``error`` is "" for a job that is complete."""

    job: Job
    error: str = ""
    attempts: int = 1


def find_bags(patterns: Sequence[str]) -> list[Path]:
    """Bags by glob patterns, or by text files with one path a line.

    Raises:
        ValueError: a pattern that matches nothing.
    """
    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        if path.suffix == ".txt" and path.is_file():
            lines = [line.strip() for line in read_lines(path)]
            matches = [Path(line) for line in lines if line and not line.startswith("#")]
        else:
            root = Path(path.anchor) if path.is_absolute() else Path()
            matches = sorted(root.glob(str(path.relative_to(path.anchor))))
        if not matches:
            raise ValueError(f"no bag matches {pattern!r}")
        found += [match for match in matches if match not in found]
    return found


def plan_jobs(bags: Sequence[Path], segment_s: float | None = None) -> list[Job]:
    """One job a bag, or one for every ``segment_s`` seconds of it. Bags that cannot be opened stay one job.

    Raises:
        ValueError: segments of no length.
    """
    if segment_s is not None and not segment_s > 0:
        raise ValueError(f"segments of {segment_s} s are not possible; give a length above 0")
    jobs: list[Job] = []
    for name, bag in zip(_names(bags), bags, strict=True):
        length_s = _length_s(bag) if segment_s else 0.0
        if segment_s is None or length_s <= segment_s:
            jobs.append(Job(name, bag))
            continue
        count = int(-(-length_s // segment_s))
        for i in range(count):
            end_s = None if i == count - 1 else (i + 1) * segment_s
            jobs.append(Job(f"{name}/segment_{i:04d}", bag, i * segment_s, end_s))
    return jobs


def _names(bags: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as many as it takes to tell them apart."""
    parts = [bag.absolute().with_suffix("").parts if bag.is_file() else bag.absolute().parts for bag in bags]
    for depth in range(1, 1 + max(map(len, parts), default=1)):
        names = ["_".join(p.strip("/") for p in each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{i:05d}_{each[-1]}" for i, each in enumerate(parts)]


def _length_s(bag: Path) -> float:
    try:
        with open_bag(bag) as opened:
            return (opened.end_ns - opened.start_ns) / 1e9
    except BagError:  # its job will say what is wrong
        return 0.0


def is_complete(folder: Path) -> bool:
    """Whether a replay there came to its end and was summed up."""
    report = _report_in(folder)
    return bool(report and report["replay"]["is_complete"])


def _report_in(folder: Path) -> dict[str, Any] | None:
    try:
        return read_report(folder / "report.json")
    except ValueError as error:  # the job's replay goes on from its checkpoint, and writes another one
        logger.warning("%s: as good as missing", error)
        return None


def run_local(
    jobs: Sequence[Job], output: Path, template: ReplayRequest, workers: int, retries: int,
    on_done: Callable[[JobOutcome], None],
) -> list[JobOutcome]:  # fmt: skip
    """Each job in a process of its own, ``workers`` at a time: one that crashes takes no other with it."""

    def run(job: Job) -> JobOutcome:
        command = [sys.executable, "-m", "restoregan_core.replay.run"]
        request = job.request(output, template).to_json()
        error = ""
        for attempt in range(1, retries + 2):
            done = subprocess.run(command, input=request, capture_output=True, text=True, check=False)
            if is_complete(output / job.name):
                return JobOutcome(job, "", attempt)
            error = _last_line(done.stderr) or f"ended with {done.returncode}"
            if done.returncode == 2:  # bad input stays bad
                break
        return JobOutcome(job, error, attempt)

    outcomes = []
    with ThreadPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(run, job) for job in jobs]):
            outcomes.append(future.result())
            on_done(outcomes[-1])
    return outcomes


def run_ray(
    jobs: Sequence[Job], output: Path, template: ReplayRequest, workers: int, retries: int,
    on_done: Callable[[JobOutcome], None], address: str | None = None,
) -> list[JobOutcome]:  # fmt: skip
    """Each job as a Ray task. A dead worker's task is started again, and goes on from its checkpoint.

    Args:
        workers: CPUs of the Ray that is started here; no matter with an address.
        address: of a cluster (``auto``, ``host:port``); None starts a Ray on this machine.
    """
    import ray

    ray.init(
        address=address, num_cpus=None if address else workers, include_dashboard=False, log_to_driver=False
    )
    try:
        task = ray.remote(num_cpus=1, max_retries=retries)(_ray_replay)
        waiting = {task.remote(job.request(output, template)): job for job in jobs}
        outcomes = []
        while waiting:
            (ready, *_), _ = ray.wait(list(waiting), num_returns=1)
            job, error = waiting.pop(ready), ""
            try:
                error = ray.get(ready)
            except ray.exceptions.RayError as lost:  # its worker died once too often
                error = f"{type(lost).__name__}: {_last_line(str(lost))}"
            outcomes.append(JobOutcome(job, "" if is_complete(output / job.name) else error or "incomplete"))
            on_done(outcomes[-1])
        return outcomes
    finally:
        ray.shutdown()


def _ray_replay(request: ReplayRequest) -> str:
    """In the worker's own process: whoever kills the worker ends the replay too. Returns the error."""
    from restoregan_core.replay.run import run

    try:
        return str(run(request)["replay"]["stopped"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def reports_of(jobs: Sequence[Job], output: Path) -> Iterator[tuple[Job, dict[str, Any] | None]]:
    """Every job with its report.json, None where there is none."""
    for job in jobs:
        yield job, _report_in(output / job.name)
