# SPDX-License-Identifier: Apache-2.0
"""Which stage, learning rate and EMA decay belong to a step: pure functions, so that resuming is simple."""

import math
from dataclasses import dataclass

from restoregan_core.training.config import OptimiserConfig, ScheduleConfig, StageConfig


@dataclass(frozen=True)
class Stage:
    """A stage with its place in the run, in generator steps."""

    index: int
    first_step: int
    steps: int
    config: StageConfig

    @property
    def end_step(self) -> int:
        return self.first_step + self.steps


def plan_stages(schedule: ScheduleConfig) -> list[Stage]:
    """The stages in steps. An epoch is ``samples_per_epoch`` crops; each stage has at least one step."""
    stages: list[Stage] = []
    first_step = 0
    for index, config in enumerate(schedule.stages):
        steps_per_epoch = max(1, schedule.samples_per_epoch // config.batch_size)
        length = config.steps or config.epochs * steps_per_epoch
        steps = max(1, round(length * schedule.epoch_scale))
        stages.append(Stage(index, first_step, steps, config))
        first_step += steps
    return stages


def stage_at(stages: list[Stage], position: int) -> Stage:
    """The stage that step ``position`` belongs to; the last one for anything beyond the end."""
    return next((stage for stage in stages if position < stage.end_step), stages[-1])


def learning_rate(optimiser: OptimiserConfig, stages: list[Stage], position: int) -> float:
    """Learning rate of step ``position``: from the first rate (or the warm-up's) at the first to the final one."""
    if optimiser.per_stage:
        stage = stage_at(stages, position)
        position, total = position - stage.first_step, stage.steps
    else:
        total = stages[-1].end_step
    warmup_steps = min(optimiser.warmup_steps, total // 2)
    if position < warmup_steps:
        return optimiser.learning_rate * (position + 1) / warmup_steps
    share = min(1.0, (position - warmup_steps) / max(1, total - warmup_steps - 1))
    remaining = 1 - share if optimiser.decay == "linear" else (1 + math.cos(math.pi * share)) / 2
    return (
        optimiser.final_learning_rate + (optimiser.learning_rate - optimiser.final_learning_rate) * remaining
    )
