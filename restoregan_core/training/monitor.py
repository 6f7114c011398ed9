# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a run: a progress line with the time left, and the curves in TensorBoard."""

import logging
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from restoregan_core.files import refuse_links
from restoregan_core.training.validation import Sample, Score

_LOG = logging.getLogger(__name__)
_PLAIN_LINE_EVERY_S = 60.0


class Monitor:
    """Progress and curves of the process of rank 0; in the others every method does nothing."""

    def __init__(self, run_dir: Path, total: int, position: int, step: int, active: bool) -> None:
        self.active = active
        self._writer: Any = None
        if not active:
            return
        from torch.utils.tensorboard import SummaryWriter  # heavy

        folder = run_dir / "tensorboard"
        refuse_links(folder, below=run_dir)
        self._writer = SummaryWriter(str(folder), purge_step=step or None)
        console = Console(stderr=True)
        self._plain = not console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=self._plain,
            speed_estimate_period=300,
        )
        self._task = self._progress.add_task("training", total=total, completed=position, figures="")
        self._total, self._start_position, self._start_s = total, position, time.monotonic()
        self._last_line_s = 0.0
        self._figures = ""
        self._validation = ""

    def __enter__(self) -> "Monitor":
        if self.active:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.active:
            self._progress.stop()
            if self._writer is not None:
                self._writer.close()

    def stage(self, number: int, count: int, description: str) -> None:
        if self.active:
            self._progress.update(self._task, description=f"stage {number}/{count}")
            _LOG.info("stage %d of %d: %s", number, count, description)

    def position(self, position: int) -> None:
        """Called at every step."""
        if not self.active:
            return
        self._progress.update(self._task, completed=position)
        now_s = time.monotonic()
        if self._plain and now_s - self._last_line_s >= _PLAIN_LINE_EVERY_S:
            self._last_line_s = now_s
            done = position - self._start_position
            left_min = (
                (now_s - self._start_s) / done * (self._total - position) / 60 if done else float("nan")
            )
            _LOG.info(
                "%d/%d, %.0f min left  %s %s",
                position,
                self._total,
                left_min,
                self._figures,
                self._validation,
            )

    def scalars(self, step: int, values: dict[str, float]) -> None:
        if self.active:
            self._figures = "  ".join(
                f"{key.split('/')[-1]} {value:.4g}" for key, value in values.items() if "loss/" in key
            )
            self._progress.update(self._task, figures=f"{self._figures}  {self._validation}")
            self._write(lambda writer: [writer.add_scalar(key, value, step) for key, value in values.items()])

    def scores(self, step: int, scores: dict[str, Score], samples: list[Sample]) -> None:
        if not self.active:
            return
        self._validation = "  ".join(f"{name} {score.psnr_db:.2f} dB" for name, score in scores.items())
        for name, score in scores.items():
            gain = score.psnr_db - score.input_psnr_db
            _LOG.info(
                "step %d %s: PSNR %.2f dB (input %+.2f), SSIM %.4f",
                step,
                name,
                score.psnr_db,
                gain,
                score.ssim,
            )

        def write(writer: Any) -> None:
            for name, score in scores.items():
                writer.add_scalar(f"validation_psnr_db/{name}", score.psnr_db, step)
                writer.add_scalar(f"validation_gain_db/{name}", score.psnr_db - score.input_psnr_db, step)
                writer.add_scalar(f"validation_ssim/{name}", score.ssim, step)
            for sample in samples:
                writer.add_image(
                    f"input, output, target/{sample.name}", sample.image_HWC, step, dataformats="HWC"
                )

        self._write(write)

    def _write(self, write: Any) -> None:
        if self._writer is None:
            return
        try:
            write(self._writer)
        except OSError as error:  # the curves are not worth the run
            _LOG.error("no more curves: %s", error)
            self._writer = None
