# SPDX-License-Identifier: Apache-2.0
"""A recurrent network meets its own answers in training as it does at run time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig, PairFolder
from restoregan_core.data.samples import Origin
from restoregan_core.data.sequences import Mishaps, SequenceBatch, make_sequence
from restoregan_core.images.alignment import find_flow, half_image, warp
from restoregan_core.images.blur_path import path_image
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.training.config import ScheduleConfig, StageConfig, TrainConfig, TransferConfig
from restoregan_core.training.learner import Learner
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.losses import pixel
from restoregan_core.training.unrolled import EDGE_PX, Unrolling, inputs_of, looked_up
from restoregan_core.zoo import save_generator

MakeConfig = Callable[..., TrainConfig]
PIXELS = LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1, degraded_weight=2, pixel="l1")
SHAPE = GeneratorConfig(
    base_width=4, blocks=1, dropout=0, history=2, pixel_unshuffle=2, path=True, recurrent=True
)


def frames(count: int = 3, side: int = 64, shift: int = 4) -> list[np.ndarray]:
    coarse = np.random.default_rng(3).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    whole = cv2.resize(coarse, (192, 128), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(whole[8 : 8 + side, shift * k : shift * k + side]) for k in range(count)]


def tensor(*images: np.ndarray) -> Tensor:
    """(1, 3 n, H, W) in [-1, 1]."""
    return torch.from_numpy(np.concatenate(images, 2).transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1


class Inverts(nn.Module):
    """What no frame shows: the network's answers are told by it."""

    def forward(self, input_BCHW: Tensor) -> Tensor:
        return -input_BCHW[:, :3]


@pytest.mark.parametrize("kind", ["noise", "scenery"])
def test_answers_are_looked_up_as_the_cameras_frames_are_at_run_time(kind: str) -> None:
    """Within a grey level, beyond the border as well, where the image is mirrored."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    if kind == "scenery":
        image = cv2.resize(image[:12, :16], (128, 96), interpolation=cv2.INTER_CUBIC)
    coarse = rng.normal(0, 12, (6, 8, 2)).astype(np.float32)
    flow = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_CUBIC)
    found_BCHW = looked_up(tensor(image), torch.from_numpy(flow.transpose(2, 0, 1)[None].copy()))
    levels = (found_BCHW[0].permute(1, 2, 0) + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    assert np.abs(levels.numpy() - warp(image, flow)).max() < 1.01


def test_the_input_is_the_frame_the_one_before_the_answer_to_that_and_the_path() -> None:
    seen = frames()
    batch = make_sequence(seen, seen, Mishaps(), path=True)
    first, second, third = inputs_of(batch, Inverts())
    torch.testing.assert_close(first, tensor(*[seen[0]] * 3, path_image(seen[0], None)))
    for number, input_BCHW in ((1, second), (2, third)):
        flow = find_flow(half_image(seen[number]), half_image(seen[number - 1]))
        before, answer = warp(seen[number - 1], flow), warp(255 - seen[number - 1], flow)
        wanted = tensor(seen[number], before, answer, path_image(seen[number], flow))
        assert (input_BCHW - wanted).abs().max() * 127.5 < 1.01


def test_where_history_starts_over_there_are_copies_of_the_frame() -> None:
    seen = frames()
    batch = make_sequence(seen, seen, Mishaps(starts_over=2), path=True)
    *_, last = inputs_of(batch, Inverts())
    torch.testing.assert_close(last, tensor(*[seen[2]] * 3, path_image(seen[2], None)))


def test_a_frame_that_passed_the_gate_stands_for_its_answer_there_alone() -> None:
    seen = frames(shift=0)
    spared = Mishaps(spared=(0, 1), spared_box=(0.0, 0.0, 0.5, 1.0))
    batch = make_sequence(seen, seen, spared, path=True)
    _, second, third = inputs_of(batch, Inverts())
    torch.testing.assert_close(second[..., :32, :][:, 6:9], tensor(seen[0])[..., :32, :])
    torch.testing.assert_close(second[..., 32:, :][:, 6:9], -tensor(seen[0])[..., 32:, :])
    torch.testing.assert_close(third[:, 6:9], -tensor(seen[1]))


def test_answers_are_seen_as_a_published_image_holds_them() -> None:
    seen = frames(2, shift=0)
    unrolling = Unrolling(make_sequence(seen, seen, Mishaps(), path=True))
    unrolling.keep(0, torch.full((1, 3, 64, 64), 1.7))
    assert (unrolling.input(1)[:, 6:9] == 1).all()
    unrolling.keep(0, torch.full((1, 3, 64, 64), 0.3 / 255))
    assert ((unrolling.input(1)[:, 6:9] + 1) * 127.5 - 128).abs().max() < 1e-3


@pytest.fixture
def config(make_config: MakeConfig, tmp_path: Path) -> TrainConfig:
    for side in ("input", "target"):
        (tmp_path / "clip" / side).mkdir(parents=True)
        for number, image in enumerate(frames()):
            cv2.imwrite(str(tmp_path / "clip" / side / f"{number}.png"), image)
    return make_config(
        generator=SHAPE,
        data=DataConfig(
            pairs=[PairFolder(path=str(tmp_path / "clip"), consecutive=True)],
            clips=ClipConfig(unrolled=3, path=True),
        ),
        schedule=ScheduleConfig(stages=[StageConfig(steps=3, patch_size=64, batch_size=2)]),
        loss=PIXELS,
        output="",
    )


def learner_of(config: TrainConfig) -> Learner:
    return Learner(config, Fabric(accelerator="cpu", devices=1))


def wanted_of(seen: list[np.ndarray]) -> list[np.ndarray]:
    return [image // 2 for image in seen]


def test_gradients_of_all_frames_make_one_step_and_edges_are_not_judged(config: TrainConfig) -> None:
    """Against the same written out: answers detached, the mean loss of the frames."""
    learner = learner_of(config)
    seen = frames()
    batch = make_sequence(seen, wanted_of(seen), Mishaps(), path=True)
    copy = Generator(SHAPE)
    copy.load_state_dict(learner.generator.state_dict())
    unrolling = Unrolling(batch)
    total = torch.zeros(())
    inner = slice(EDGE_PX, -EDGE_PX)
    for number in range(3):
        input_BCHW, wanted_BCHW = unrolling.input(number), tensor(wanted_of(seen)[number])
        answer_BCHW = copy(input_BCHW)
        unrolling.keep(number, answer_BCHW)
        judged = [image[..., inner, inner] for image in (answer_BCHW, wanted_BCHW, input_BCHW[:, :3])]
        total = total + (pixel.pixel_loss("l1", *judged[:2]) + 2 * pixel.degraded_loss(*judged)) / 3
    total.backward()
    figures = learner.learn_sequences(batch, PIXELS, rate=0, seed=0)
    assert float(figures["loss/total"]) == pytest.approx(float(total.detach()), rel=1e-4)
    for (name, weight), (_, ours) in zip(
        copy.named_parameters(), learner.generator.named_parameters(), strict=True
    ):
        torch.testing.assert_close(ours.grad, weight.grad, rtol=1e-3, atol=1e-6, msg=name)


def test_answers_to_single_images_of_some_kinds_are_kept_but_to_clean_ones(
    config: TrainConfig, tmp_path: Path
) -> None:
    weights = str(tmp_path / "kept.safetensors")
    torch.manual_seed(0)
    save_generator(Generator(SHAPE), weights, {})
    transfer = TransferConfig(start_from=weights, keep=weights, keep_kinds=["blur", "pair"])
    learner = learner_of(replace(config, transfer=transfer))
    # Away from black and white, where the teacher's answers would be clamped and the learner's not.
    seen = [image // 3 + 80 for image in frames()]
    loss = LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1, pixel="l1")

    def batch_of(kind: str, wanted: list[np.ndarray], is_clip: bool) -> SequenceBatch:
        origin = Origin(index=0, kind=kind, file="", top=0, left=0)
        return make_sequence(seen, wanted, Mishaps(), path=True, is_clip=is_clip, origin=origin)

    def loss_of(*parts: SequenceBatch) -> float:
        return float(learner.learn_sequences(SequenceBatch.of(parts), loss, rate=0, seed=0)["loss/pixel"])

    kept, rainy = (batch_of(kind, wanted_of(seen), is_clip=False) for kind in ("blur", "rain"))
    assert loss_of(kept) < 1e-3
    assert loss_of(batch_of("blur", wanted_of(seen), is_clip=True)) > 0.01, "a clip's first frame"
    assert loss_of(batch_of("blur", seen, is_clip=False)) > 0.01, "clean"
    assert loss_of(rainy) > 0.01, "a kind that is not asked for"
    assert loss_of(kept, rainy) == pytest.approx(loss_of(rainy) / 2, rel=0.01), "each sample by itself"


def test_kinds_that_do_not_exist_are_named() -> None:
    with pytest.raises(ValueError, match=r"keep_kinds: no kind \['snow'\]; there are blur, rain"):
        TransferConfig(keep_kinds=["blur", "snow"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"generator": replace(SHAPE, recurrent=False)}, r"unrolled=3, the generator has recurrent=False"),
        (
            {"data": DataConfig(pairs=[PairFolder(path=".")], clips=ClipConfig(path=True))},
            r"unrolled=1, the generator has recurrent=True",
        ),
        ({"loss": replace(PIXELS, adversarial_weight=0.1)}, "a critic judges no sequences"),
        (
            {"schedule": ScheduleConfig(stages=[StageConfig(steps=1, patch_size=24)])},
            "patch_size=24 must be at least 32 for sequences",
        ),
        ({"loss": replace(PIXELS, detector_weight=1)}, "a multiple of 32 for a detector, and 16 more"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict, says: str, config: TrainConfig) -> None:
    with pytest.raises(ValueError, match=says):
        replace(config, **changes)


def test_a_shape_is_recurrent_where_clips_are_unrolled(config: TrainConfig) -> None:
    named = replace(config, generator=None, model="lite")
    assert named.generator_config.recurrent
    assert not replace(
        named, data=replace(config.data, clips=ClipConfig(path=True))
    ).generator_config.recurrent
    assert not replace(named, data=replace(config.data, clips=None)).generator_config.recurrent
