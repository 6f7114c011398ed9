# SPDX-License-Identifier: Apache-2.0
"""Stages, learning rates as functions of the step."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_core.commands.train import parse
from restoregan_core.training.config import OptimiserConfig, ScheduleConfig, StageConfig
from restoregan_core.training.plan import learning_rate, plan_stages, stage_at

RECIPES = Path(__file__).parents[3] / "config" / "train"


def test_the_papers_recipe_has_six_stages_of_1500_epochs_with_restarts() -> None:
    config = parse(["--config", str(RECIPES / "paper.yaml")])
    assert [stage.epochs for stage in config.schedule.stages] == [500, 200, 200, 200, 200, 200]
    assert [stage.restart for stage in config.schedule.stages] == [False] + [True] * 5
    assert {stage.patch_size for stage in config.schedule.stages} == {256}
    stages = plan_stages(config.schedule)
    assert stages[-1].end_step == 1500 * 2103
    assert (config.loss.perceptual_weight, config.loss.adversarial_weight, config.loss.critic_steps) == (
        100,
        1,
        5,
    )
    assert config.loss.adversarial == "wasserstein_sigmoid"
    assert learning_rate(config.optimiser, stages, 0) == 1e-4
    assert learning_rate(config.optimiser, stages, 1500 * 2103 - 1) == pytest.approx(1e-7)
    middle = learning_rate(config.optimiser, stages, 750 * 2103)
    assert middle == pytest.approx((1e-4 + 1e-7) / 2, rel=1e-5)
    assert config.optimiser.kind == "adam"
    assert config.generator_config.blocks == 10
    assert config.data.flips
    assert config.data.input_noise > 0


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_scales_down_by_one_override(recipe: Path) -> None:
    if recipe.stem == "assessor":
        pytest.skip("trained by its own command")
    config = parse(["--config", str(recipe), "--schedule.epoch_scale", "0.00001"])
    stages = plan_stages(config.schedule)
    assert len(stages) == len(config.schedule.stages)
    assert all(1 <= stage.steps <= 20 for stage in stages)


def test_rate_falls_within_each_stage_if_asked() -> None:
    stages = plan_stages(ScheduleConfig(stages=[StageConfig(steps=11), StageConfig(steps=21)]))
    optimiser = OptimiserConfig(per_stage=True)
    assert learning_rate(optimiser, stages, 0) == learning_rate(optimiser, stages, 11) == 1e-4
    assert learning_rate(optimiser, stages, 10) == pytest.approx(1e-7)
    assert learning_rate(optimiser, stages, 31) == pytest.approx(1e-7)
    assert learning_rate(optimiser, stages, 21) == pytest.approx((1e-4 + 1e-7) / 2)


def test_cosine_with_warm_up_by_hand() -> None:
    stages = plan_stages(ScheduleConfig(stages=[StageConfig(steps=15)]))
    optimiser = OptimiserConfig(decay="cosine", learning_rate=1.0, final_learning_rate=0.5, warmup_steps=4)
    rates = [learning_rate(optimiser, stages, step) for step in range(15)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[9] == pytest.approx(0.75)  # half way of the 10 remaining
    assert rates[14] == pytest.approx(0.5)


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    scale=st.floats(0.01, 3),
    decay=st.sampled_from(["linear", "cosine"]),
)
def test_stages_cover_every_step_once_and_rates_never_rise_nor_leave_their_range(
    lengths: list[int], scale: float, decay: str
) -> None:
    schedule = ScheduleConfig(stages=[StageConfig(steps=n) for n in lengths], epoch_scale=scale)
    stages = plan_stages(schedule)
    total = stages[-1].end_step
    assert [stage.first_step for stage in stages[1:]] == [stage.end_step for stage in stages[:-1]]
    assert [stage_at(stages, step).index for step in range(total)] == [
        s.index for s in stages for _ in range(s.steps)
    ]
    assert stage_at(stages, total + 5) is stages[-1]
    optimiser = OptimiserConfig(decay=decay)  # type: ignore[arg-type]
    rates = [learning_rate(optimiser, stages, step) for step in range(total + 5)]
    assert all(a >= b for a, b in pairwise(rates))
    assert all(1e-7 * 0.999 <= rate <= 1e-4 for rate in rates)
