# SPDX-License-Identifier: Apache-2.0
"""What a training run is: nested dataclasses that a YAML recipe fills in and that check themselves."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from restoregan_core.data.config import DataConfig
from restoregan_core.data.degrade import DEGRADED_KINDS
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.training.loss_config import DetectorConfig, LossConfig, PerceptualConfig, require
from restoregan_core.training.losses.detector import STRIDE_PX
from restoregan_core.training.unrolled import EDGE_PX
from restoregan_core.zoo import CONFIGS

GENERATOR_PARTS = ("stem", "encoder", "down", "body", "up", "decoder", "head")


def differing_sections(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Names of the parts in which two recipes are different trainings.

    What is off (0, empty) is as good as absent, so that a run goes on under a version that has learnt another
    option since.
    """
    return [key for key in ours if _enabled_settings(theirs.get(key)) != _enabled_settings(ours[key])]


def _enabled_settings(part: Any) -> Any:
    if isinstance(part, dict):
        part = {key: on for key, value in part.items() if (on := _enabled_settings(value))}
    elif isinstance(part, list):
        part = [_enabled_settings(value) for value in part]
    return part or None


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """One stretch of training with one patch size, one batch size and one set of losses."""

    epochs: float = 0.0
    """Length in passes over ``schedule.samples_per_epoch`` images. Either this or ``steps`` is given."""
    steps: int = 0
    """Length in generator steps."""
    patch_size: int = 256
    """Side of the square crops, in pixels."""
    batch_size: int = 1
    """Crops in one step, over all processes together; sequences of them where ``data.clips.unrolled`` is over 1."""
    restart: bool = False
    """Begin with a fresh critic and fresh optimisers, keeping the generator: the paper's progressive restart.
    The first stage has nothing to restart."""
    loss: LossConfig | None = None
    """Used instead of the run's ``loss``."""

    def __post_init__(self) -> None:
        require(
            (self.epochs > 0) != (self.steps > 0),
            f"a stage has either epochs or steps, not {self.epochs} and {self.steps}",
        )
        require(self.patch_size >= 16, f"patch_size={self.patch_size} must be at least 16")
        require(self.batch_size >= 1, f"batch_size={self.batch_size} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """The stages, and how long they are in this run."""

    stages: list[StageConfig]
    """The stages in order."""
    samples_per_epoch: int = 2103
    """Crops in an epoch; the paper's GOPRO has 2103 pairs."""
    epoch_scale: float = 1.0
    """Scales every stage (epochs and steps): 0.001 walks through the whole plan in minutes."""
    max_minutes: float = 0.0
    """If not 0, the plan ends after that many minutes of training: stages and learning rate then follow the
    clock wherever it runs ahead of the steps, so that the decay always completes. Such a run can be
    resumed, but not repeated bit for bit."""

    def __post_init__(self) -> None:
        require(bool(self.stages), "schedule.stages is empty")
        require(self.samples_per_epoch >= 1, f"samples_per_epoch={self.samples_per_epoch} must be at least 1")
        require(self.epoch_scale > 0, f"epoch_scale={self.epoch_scale} must be positive")
        require(self.max_minutes >= 0, f"max_minutes={self.max_minutes} must not be negative")


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """Optimiser of the generator and of the critic. The defaults are the paper's."""

    kind: Literal["adam", "adamw", "muon"] = "adam"
    """``adam``, ``adamw``, or ``muon`` (with AdamW for what is not a matrix), see ``optimisers.py``."""
    learning_rate: float = 1e-4
    """Learning rate at the start (after the warm-up)."""
    final_learning_rate: float = 1e-7
    """Learning rate at the end."""
    decay: Literal["linear", "cosine"] = "linear"
    """Course of the learning rate between the two."""
    per_stage: bool = False
    """Decay within each stage instead of over the whole training."""
    warmup_steps: int = 0
    """Steps of linear rise from 0 at the start of what decays."""
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    """Bound of the generator's gradient norm; 0 = none."""
    ema_decay: float = 0.0
    """Decay of the moving average of the generator's weights, which is then validated and exported; 0 = none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", tuple(self.betas))
        require(
            0 < self.final_learning_rate <= self.learning_rate,
            f"final_learning_rate={self.final_learning_rate} must be over 0 and at most "
            f"learning_rate={self.learning_rate}",
        )
        require(all(0 <= b < 1 for b in self.betas), f"betas={self.betas} must lie in [0, 1)")
        require(0 <= self.ema_decay < 1, f"ema_decay={self.ema_decay} must lie in [0, 1)")
        require(
            min(self.warmup_steps, self.weight_decay, self.clip_norm) >= 0,
            "warmup_steps, weight_decay and clip_norm must not be negative",
        )


@dataclass(frozen=True, kw_only=True)
class ValidationConfig:
    """Measuring on held-out pairs while training."""

    folders: list[str] = field(default_factory=list)
    """Folders of pairs, all in one ``layout``."""
    layout: str = "folders"
    """``folders`` (``input/`` and ``target/``), ``lmdb``, or a published one, whose test split is taken: see
    ``restoregan_core.datasets.layouts.LAYOUTS``."""
    videos: list[str] = field(default_factory=list)
    """Folders of pairs that are consecutive frames: the frames before are the network's history. A recurrent network
    restores a run of them, one after another."""
    history: int = 2
    """Frames before the current one in ``videos``; the generator's own number."""
    every_steps: int = 1000
    """Generator steps between two measurements."""
    max_images: int = 16
    """Images measured of each folder, evenly spread, of a recurrent network's videos one run; 0 = all."""
    crop: int = 0
    """Side of the centre crop that is measured; 0 = whole images."""
    sample_images: int = 4
    """Images drawn in TensorBoard."""

    def __post_init__(self) -> None:
        require(self.every_steps >= 1, f"validation.every_steps={self.every_steps} must be at least 1")
        require(
            min(self.max_images, self.crop, self.sample_images) >= 0,
            "validation counts must not be negative",
        )
        require(self.crop == 0 or self.crop >= 16, f"validation.crop={self.crop} must be 0 or at least 16")


@dataclass(frozen=True, kw_only=True)
class TransferConfig:
    """Where the generator's weights come from, and which of them stay as they are."""

    start_from: str = ""
    """A model name, a ``.safetensors`` file or a checkpoint of this trainer; empty: none."""
    keep: str = ""
    """A model name, a ``.safetensors`` file or a checkpoint whose answers to single images are to stay: they take the
    place of the ground truth of degraded samples that have no history (Li and Hoiem 2016, "Learning without
    forgetting"). A sequence's first frame, which others follow, keeps its ground truth."""
    keep_kinds: list[str] = field(default_factory=lambda: list(DEGRADED_KINDS))
    """Of which samples: blur, rain, blur_rain, drops, pair."""
    freeze: list[str] = field(default_factory=list)
    """Parts of the generator that are not trained: stem, encoder, down, body, up, decoder, head."""

    def __post_init__(self) -> None:
        unknown = set(self.freeze) - set(GENERATOR_PARTS)
        require(
            not unknown, f"transfer.freeze: no part {sorted(unknown)}; there are {', '.join(GENERATOR_PARTS)}"
        )
        require(set(self.freeze) != set(GENERATOR_PARTS), "transfer.freeze leaves nothing to train")
        unknown = set(self.keep_kinds) - set(DEGRADED_KINDS)
        require(
            not unknown,
            f"transfer.keep_kinds: no kind {sorted(unknown)}; there are {', '.join(DEGRADED_KINDS)}",
        )


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A whole training run."""

    name: str
    """Name of the run; its folder is ``runs/<name>`` unless ``output`` says otherwise."""
    data: DataConfig
    schedule: ScheduleConfig
    model: Literal["paper", "vehicle", "lite"] = "paper"
    """Whose shape is trained: ``paper``, ``vehicle`` or ``lite``, with the history of ``data.clips``."""
    generator: GeneratorConfig | None = None
    """A shape of its own, instead of the model's."""
    loss: LossConfig = field(default_factory=LossConfig)
    perceptual: PerceptualConfig = field(default_factory=PerceptualConfig)
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
    critic_size: int = 256
    """Side in pixels of the images that the critic sees; it must be the patch size of every adversarial
    stage, and Table 1's is 256."""
    output: str = ""
    seed: int = 0
    """Seed of weights, data and dropout."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """``bf16-mixed`` computes convolutions in bfloat16 and keeps weights in float32."""
    channels_last: bool = True
    """Memory layout, faster on most devices."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto``, ``cpu`` or ``cuda``."""
    threads: int = 0
    """CPU threads of torch in each process; 0 = torch's choice."""
    workers: int = 1
    """Processes that make training data ahead of the trainer; 0 = in the training process."""
    checkpoint_minutes: float = 10.0
    """Minutes between two checkpoints."""
    log_every_steps: int = 50
    """Steps between two points of the curves."""
    training_data: list[str] = field(default_factory=list)
    """Names and licences of what the run sees; written into the exported weights."""

    def __post_init__(self) -> None:
        require(
            bool(self.name) and Path(self.name).name == self.name,
            f"name={self.name!r} must be a plain folder name",
        )
        multiple = self.generator_config.size_multiple
        for number, stage in enumerate(self.schedule.stages, 1):
            require(
                stage.patch_size % multiple == 0,
                f"stage {number}: patch_size={stage.patch_size} must be a multiple of {multiple} for this "
                "generator",
            )
            adversarial = self.loss_of(stage).adversarial_weight > 0
            require(
                not adversarial or self.unrolled == 1,
                f"stage {number}: a critic judges no sequences: set loss.adversarial_weight to 0 beside "
                f"data.clips.unrolled={self.unrolled}, or unrolled to 1",
            )
            judged_px = stage.patch_size - (2 * EDGE_PX if self.unrolled > 1 else 0)
            require(
                judged_px >= 16,
                f"stage {number}: patch_size={stage.patch_size} must be at least {16 + 2 * EDGE_PX} for sequences",
            )
            require(
                not adversarial or stage.patch_size == self.critic_size,
                f"stage {number}: patch_size={stage.patch_size} must be critic_size={self.critic_size} in an "
                "adversarial stage",
            )
            require(
                not self.loss_of(stage).detector_weight or judged_px % STRIDE_PX == 0,
                f"stage {number}: patch_size={stage.patch_size} must be a multiple of {STRIDE_PX} for a "
                f"detector{f', and {2 * EDGE_PX} more for sequences' if self.unrolled > 1 else ''}",
            )
        clips = self.data.clips.history if self.data.clips else 0
        require(
            clips == self.generator_config.history,
            f"data.clips has {clips} frames of history, the generator takes {self.generator_config.history}",
        )
        path = bool(self.data.clips and self.data.clips.path)
        require(
            path == self.generator_config.path,
            f"data.clips has path={path}, the generator path={self.generator_config.path}",
        )
        require(
            (self.unrolled > 1) == self.generator_config.recurrent,
            f"data.clips.unrolled={self.unrolled}, the generator has recurrent={self.generator_config.recurrent}: "
            "a recurrent one, and no other, is trained on 2 or more frames one after another",
        )
        require(
            self.critic_size >= 16 and self.critic_size % 16 == 0,
            f"critic_size={self.critic_size} must be a multiple of 16",
        )
        require(min(self.threads, self.workers) >= 0, "threads and workers must not be negative")
        require(self.checkpoint_minutes > 0, f"checkpoint_minutes={self.checkpoint_minutes} must be positive")
        require(self.log_every_steps >= 1, f"log_every_steps={self.log_every_steps} must be at least 1")

    @property
    def generator_config(self) -> GeneratorConfig:
        if self.generator is not None:
            return self.generator
        clips, shape = self.data.clips, CONFIGS[self.model]
        history = clips.history if clips else 0
        return replace(
            shape,
            history=history,
            history_median=shape.history_median and history == 2,
            path=bool(clips and clips.path),
            recurrent=self.unrolled > 1,
        )

    @property
    def unrolled(self) -> int:
        """Consecutive frames that are restored one after another in each sample."""
        return self.data.clips.unrolled if self.data.clips else 1

    @property
    def run_dir(self) -> Path:
        return Path(self.output) if self.output else Path("runs") / self.name

    def loss_of(self, stage: StageConfig) -> LossConfig:
        return stage.loss or self.loss

    @property
    def adversarial(self) -> bool:
        """Whether any stage needs a critic."""
        return any(self.loss_of(stage).adversarial_weight > 0 for stage in self.schedule.stages)

    @property
    def perceptual_used(self) -> bool:
        """Whether any stage needs the feature network."""
        return any(self.loss_of(stage).perceptual_weight > 0 for stage in self.schedule.stages)

    @property
    def detector_used(self) -> bool:
        """Whether any stage needs the detector."""
        return any(self.loss_of(stage).detector_weight > 0 for stage in self.schedule.stages)

    def recipe(self) -> dict[str, Any]:
        """What makes two runs the same training, without folders and devices: for JSON and for comparing."""
        schedule = asdict(self.schedule)
        del schedule["max_minutes"]
        # Through JSON, so that tuples compare equal to what a checkpoint gives back.
        recipe: dict[str, Any] = json.loads(
            json.dumps(
                {
                    "generator": self.generator_config.to_dict(),
                    "schedule": schedule,
                    "loss": asdict(self.loss),
                    "perceptual": {"network": self.perceptual.network, "channels": self.perceptual.channels},
                    "optimiser": asdict(self.optimiser),
                    "freeze": self.transfer.freeze,
                    "critic_size": self.critic_size,
                    "seed": self.seed,
                }
            )
        )
        return recipe
