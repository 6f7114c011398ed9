# SPDX-License-Identifier: Apache-2.0
"""What a training run of the assessor is: a YAML recipe whose ``model`` is ``assessor``."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from restoregan_core.data.assessment import AssessmentDataConfig
from restoregan_core.data.config import Folder
from restoregan_core.models.assessor_config import AssessorConfig


@dataclass(frozen=True, kw_only=True)
class AssessorTrainConfig:
    """A whole training run of the assessor.

    Raises:
        ValueError: a value out of its range; the message names it.
    """

    name: str
    """Name of the run; its folder is ``runs/<name>`` unless ``output`` says otherwise."""
    data: AssessmentDataConfig
    """What it learns from."""
    held_out: list[Folder]
    """Folders of other sharp images, degraded alike: for measuring, and for calibrating."""
    model: Literal["assessor"] = "assessor"
    """Always ``assessor``: it says which trainer the recipe is for."""
    network: AssessorConfig = field(default_factory=AssessorConfig)
    """Shape of the network."""
    samples: int = 6_000
    """Images to learn from, made before the training starts and kept in memory."""
    held_out_samples: int = 1_000
    """Images to measure on."""
    steps: int = 8_000
    """Steps of the optimiser."""
    batch_size: int = 16
    """Images in a step."""
    optimiser: Literal["muon", "adamw"] = "muon"
    """``muon`` (with AdamW for what is not a matrix, see ``optimisers.py``) or ``adamw``."""
    learning_rate: float = 4.0e-3
    """Learning rate after the warm-up; it falls to 0 along a cosine."""
    weight_decay: float = 1.0e-3
    """Weight decay of the optimiser."""
    ema_decay: float = 0.998
    """Decay of the moving average of the weights, which is what is measured and exported."""
    frame_weight: float = 0.5
    """Weight of the frame's loss beside the tiles'."""
    patchwork_share: float = 0.35
    """Share of the batches whose images are put together of two: one part may be degraded and the other not,
    as where a car moves before a camera that stands still."""
    start_from: str = ""
    """A ``.safetensors`` file of an assessor of the same shape to go on from; fresh weights if empty."""
    max_minutes: float = 0.0
    """If not 0, the plan ends after that many minutes."""
    output: str = ""
    seed: int = 0
    """Seed of weights and data."""
    threads: int = 0
    """CPU threads of torch; 0 = torch's choice."""
    workers: int = 1
    """Processes that make the samples; 0 = the training process."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto``, ``cpu`` or ``cuda``."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """``bf16-mixed`` computes convolutions in bfloat16 and keeps weights in float32."""
    checkpoint_minutes: float = 5.0
    """Minutes between two checkpoints."""
    validate_every_steps: int = 500
    """Steps between two measurements on what is held out."""
    training_data: list[str] = field(default_factory=list)
    """Names and licences of what the run sees; written into the exported weights."""

    def __post_init__(self) -> None:
        if not self.name or Path(self.name).name != self.name:
            raise ValueError(f"name={self.name!r} must be a plain folder name")
        if not self.held_out:
            raise ValueError("held_out is empty: the assessor is calibrated on images it did not learn from")
        for name in ("samples", "held_out_samples", "steps", "batch_size", "validate_every_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        for name in ("learning_rate", "checkpoint_minutes"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} must be over 0")
        for name in ("weight_decay", "frame_weight", "max_minutes", "threads", "workers"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        if not 0 <= self.patchwork_share <= 1:
            raise ValueError(f"patchwork_share={self.patchwork_share} must lie in [0, 1]")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay={self.ema_decay} must lie in [0, 1)")

    @property
    def run_dir(self) -> Path:
        return Path(self.output) if self.output else Path("runs") / self.name

    def recipe(self) -> dict[str, Any]:
        """What makes two runs the same training, as JSON has it."""
        kept = asdict(self)
        for name in ("name", "output", "max_minutes", "threads", "workers", "device", "checkpoint_minutes",
                     "validate_every_steps", "training_data"):  # fmt: skip
            del kept[name]
        recipe: dict[str, Any] = json.loads(json.dumps(kept))
        return recipe
