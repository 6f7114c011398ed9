# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import replace

import numpy as np
import pytest
from tiny_generator import TINY, loaded

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.concurrency import prefetched
from restoregan_core.images.tile_grid import grid_shape
from restoregan_core.loading import load_assessor
from restoregan_core.models.generator import GeneratorConfig
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.circuit_breaker import CircuitBreaker, CircuitLimits
from restoregan_core.restoration.gate import PRESETS
from restoregan_core.restoration.output_bounds import OutputLimits
from restoregan_core.restoration.restorer import NonFiniteOutputError, Restorer
from restoregan_core.restoration.settings import PipelineSettings
from restoregan_core.result import Action, Reason
from restoregan_core.zoo import load_generator, save_generator


class SaysSo:
    """An assessor whose verdict the test sets: blurred in the left half, by that probability."""

    name = "says-so"

    def __init__(self, blur=0.9):
        self.blur = blur

    def assess(self, rgb_HWC):
        grid = np.zeros(grid_shape(*rgb_HWC.shape[:2]), np.float32)
        grid[:, : (grid.shape[1] + 1) // 2] = self.blur
        return Assessment(self.blur, 0.0, blur_grid=grid, rain_grid=np.zeros_like(grid))


class Network:
    """A restorer that does, or suffers, what the test wants."""

    name = "test-0123456789ab"

    def __init__(self, act=lambda rgb: rgb + np.uint8(5)):
        self.act = act
        self.calls = 0

    history, path, recurrent = 0, False, False

    def windows(self, rgb_HWC, tiles, tile_size_px):
        return []

    def restore_aligned(self, rgb_HWC, aligned, windows):
        self.calls += 1
        return self.act(rgb_HWC)


def frame(seed=0, height=100, width=300):
    return np.random.default_rng(seed).integers(40, 200, (height, width, 3), dtype=np.uint8)


def fail(error):
    def act(rgb_HWC):
        raise error

    return act


def pipeline(network=None, assessor=None, preset="balanced", circuit=CircuitLimits(), **limits):  # noqa: B008
    return RestorationPipeline(
        assessor or SaysSo(),
        network or Network(),
        PipelineSettings(
            thresholds=PRESETS[preset],
            dwell_frames=1,
            circuit=circuit,
            output=OutputLimits(**limits),
        ),
        CircuitBreaker(),
    )


def set_circuit(running, **limits):
    running.settings = replace(running.settings, circuit=CircuitLimits(**limits))


def assert_source_untouched(result, source, action, reason):
    assert result.image is source
    assert (result.action, result.reason) == (action, reason)
    assert result.changed is None
    assert not result.restored_grid.any()
    assert result.residual.blur_probability is result.assessment.blur_probability


def test_clean_frame_is_passed_through_bit_for_bit_without_running_the_network():
    network, source = Network(), frame()
    result = pipeline(network, SaysSo(0.1)).process(source)
    assert_source_untouched(result, source, Action.PASSED_THROUGH, Reason.NONE)
    assert network.calls == 0
    assert result.assessment_ms >= 0
    assert np.isnan(result.restoration_ms)


def test_only_the_tiles_that_need_it_are_changed():
    source = frame()
    before = source.copy()
    result = pipeline().process(source)
    assert (result.action, result.reason) == (Action.RESTORED, Reason.NONE)
    np.testing.assert_array_equal(source, before)
    assert result.changed[:, :256].all(), "the three blurred columns of tiles and their neighbours"
    assert not result.changed[:, 256:].any()
    np.testing.assert_array_equal(result.image[~result.changed], source[~result.changed])
    np.testing.assert_array_equal(result.image[:, :150], source[:, :150] + 5)
    assert result.restored_grid.tolist() == [[1, 1, 1, 1, 0]] * 2
    assert result.restoration_ms >= 0


def test_a_blurred_frame_does_not_degrade_the_clean_one_after_it():
    assessor = SaysSo(0.9)
    running = pipeline(assessor=assessor)
    assert running.process(frame(0)).action == Action.RESTORED
    assessor.blur = 0.1
    source = frame(1)
    assert running.process(source).image is source


def test_no_pixel_leaves_its_bound():
    running = pipeline(Network(lambda rgb: rgb + np.uint8(30)), max_pixel_change=12, max_colour_shift=255)
    source = np.full((64, 64, 3), 100, np.uint8)
    assert running.process(source).image.max() == 112
    running.settings = replace(running.settings, output=OutputLimits(max_pixel_change=3))
    assert running.process(source).image.max() == 103


def test_after_a_reset_a_frame_has_nothing_to_do_with_the_one_before():
    assessor, source, found = SaysSo(0.9), frame(0), []
    running = pipeline(assessor=assessor)
    between = (PRESETS["balanced"].blur_on + PRESETS["balanced"].blur_off) / 2
    for forget in (lambda: None, running.reset):
        assessor.blur = 0.9
        running.process(source)
        forget()
        assessor.blur = between
        found.append(running.process(source).action)
    assert found == [Action.RESTORED, Action.PASSED_THROUGH]


def test_residual_probabilities_are_those_of_the_published_frame():
    class Brightness(SaysSo):
        def assess(self, rgb_HWC):
            self.blur = 0.9 if rgb_HWC.mean() < 100 else 0.2
            return super().assess(rgb_HWC)

    source = np.full((64, 64, 3), 95, np.uint8)
    result = pipeline(Network(lambda rgb: rgb + np.uint8(10)), Brightness()).process(source)
    assert result.assessment.blur_probability == 0.9
    assert result.residual.blur_probability == 0.2


def test_monitoring_assesses_and_leaves_the_frame_alone():
    network, source = Network(), frame()
    result = pipeline(network).process(source, restore=False)
    assert_source_untouched(result, source, Action.PASSED_THROUGH, Reason.MONITOR)
    assert result.assessment.blur_probability == 0.9
    assert network.calls == 0


def test_what_the_gate_asked_for_is_known_whether_it_was_granted_or_not():
    """The node counts by it how many cameras would need the network: what it sheds under overload."""
    assert pipeline().process(frame()).is_wanted
    assert pipeline().process(frame(), restore=False).is_wanted
    assert not pipeline(assessor=SaysSo(0.1)).process(frame()).is_wanted
    assert not pipeline(assessor=SaysSo(0.1)).process(frame(), restore=False).is_wanted


def test_preset_off_is_reported_as_disabled():
    source = frame()
    result = pipeline(preset="off").process(source)
    assert_source_untouched(result, source, Action.PASSED_THROUGH, Reason.DISABLED)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (fail(RuntimeError("out of memory")), Reason.RUNTIME_FAULT),
        (fail(NonFiniteOutputError("NaN")), Reason.NON_FINITE),
        (lambda rgb: rgb[:-1], Reason.RUNTIME_FAULT),
        (lambda rgb: rgb.astype(np.float32), Reason.RUNTIME_FAULT),
        (lambda rgb: np.full_like(rgb, 255), Reason.BRIGHTNESS_SHIFT),
        (lambda rgb: rgb + np.array([30, 0, 0], np.uint8), Reason.COLOUR_SHIFT),
    ],
)
def test_whatever_the_network_does_the_source_comes_out_and_the_reason_is_given(act, reason):
    source = frame()
    result = pipeline(Network(act)).process(source)
    assert_source_untouched(result, source, Action.FAILED_OPEN, reason)
    assert result.detail


def test_an_assessor_that_raises_fails_open():
    class Broken(SaysSo):
        def assess(self, rgb_HWC):
            raise RuntimeError("no")

    source = frame()
    result = pipeline(assessor=Broken()).process(source)
    assert (result.image is source, result.action, result.reason) == (
        True,
        Action.FAILED_OPEN,
        Reason.RUNTIME_FAULT,
    )
    assert np.isnan(result.assessment.blur_probability)


def test_an_assessor_that_fails_on_the_restored_frame_costs_only_the_residual():
    class BrokenSecondTime(SaysSo):
        calls = 0

        def assess(self, rgb_HWC):
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("no")
            return super().assess(rgb_HWC)

    result = pipeline(assessor=BrokenSecondTime()).process(frame())
    assert result.action == Action.RESTORED
    assert np.isnan(result.residual.blur_probability)


def test_change_of_every_pixel_is_bounded():
    source = frame()
    wild = np.random.default_rng(9)
    network = Network(lambda rgb: wild.integers(40, 200, rgb.shape, dtype=np.uint8))
    result = pipeline(network, max_pixel_change=20, max_colour_shift=255).process(source)
    assert result.action == Action.RESTORED
    assert np.abs(result.image.astype(int) - source).max() <= 20


def test_network_that_keeps_failing_rests_and_is_tried_again():
    network = Network(fail(RuntimeError("broken")))
    running = pipeline(network, circuit=CircuitLimits(opens_after=2, probe_after_s=1000.0))
    reasons = [running.process(frame()).reason for _ in range(4)]
    assert reasons == [Reason.RUNTIME_FAULT, Reason.RUNTIME_FAULT, Reason.CIRCUIT_OPEN, Reason.CIRCUIT_OPEN]
    assert network.calls == 2
    set_circuit(running, opens_after=2, probe_after_s=0.0)
    network.act = lambda rgb: rgb
    assert running.process(frame()).action == Action.RESTORED


def test_a_probe_whose_frame_is_refused_lets_the_circuit_rest_again():
    network = Network(fail(RuntimeError("broken")))
    running = pipeline(network, circuit=CircuitLimits(opens_after=1, probe_after_s=1000.0))
    running.process(frame())
    set_circuit(running, opens_after=1, probe_after_s=0.0)
    network.act = lambda rgb: np.full_like(rgb, 255)
    assert running.process(frame()).reason == Reason.BRIGHTNESS_SHIFT
    set_circuit(running, opens_after=1, probe_after_s=1000.0)
    assert [running.process(frame()).reason for _ in range(3)] == [Reason.CIRCUIT_OPEN] * 3
    assert network.calls == 2


def test_without_a_circuit_breaker_every_frame_is_tried_however_often_the_network_failed():
    network = Network(fail(RuntimeError("broken")))
    running = RestorationPipeline(SaysSo(), network)
    assert {running.process(frame()).reason for _ in range(20)} == {Reason.RUNTIME_FAULT}
    assert network.calls == 20


def test_a_pipeline_goes_on_with_the_state_of_another_whatever_its_cameras_are_called():
    class LooksBack(Network):
        history = 2

        def restore_aligned(self, rgb_HWC, aligned, windows):
            return np.mean([rgb_HWC, *aligned], axis=0).astype(np.uint8)

    one, other = (RestorationPipeline(SaysSo(), LooksBack()) for _ in range(2))
    frames = [np.full((64, 128, 3), 100 + i, np.uint8) for i in range(4)]
    for number, rgb in enumerate(frames[:3]):
        one.process(rgb, camera="/stereo/left eye", stamp_s=number / 10)
    other.process(frame(), camera="rear")
    other.load_state(one.state())
    continued, alone = (
        running.process(frames[3], camera="/stereo/left eye", stamp_s=0.3).image
        for running in (other, RestorationPipeline(SaysSo(), LooksBack()))
    )
    np.testing.assert_array_equal(
        continued, one.process(frames[3], camera="/stereo/left eye", stamp_s=0.3).image
    )
    assert (continued != alone).any()
    assert not any("rear" in name for name in other.state())
    other.load_state({})
    assert not other.state()


def test_three_frames_at_a_time_come_out_as_one_after_the_other():
    def fresh():
        return RestorationPipeline(
            load_assessor("classical"), Network(lambda rgb: rgb + np.uint8(rgb[0, 0, 0] % 9)),
            PipelineSettings(thresholds=PRESETS["always"]),
        )  # fmt: skip

    frames = [frame(seed // 2) for seed in range(8)]
    one = fresh()
    expected = [one.process(rgb, "front", stamp_s=number / 10) for number, rgb in enumerate(frames)]
    together = fresh()
    begun = prefetched(
        (together.begin(rgb, "front", stamp_s=number / 10) for number, rgb in enumerate(frames)), 3
    )
    found = [together.finish(step) for step in prefetched(map(together.run_network, begun), 3)]
    for result, wanted in zip(found, expected, strict=True):
        assert result.action == wanted.action == Action.RESTORED
        np.testing.assert_array_equal(result.image, wanted.image)
        np.testing.assert_array_equal(result.residual.blur_grid, wanted.residual.blur_grid)
    remembered = together.state("begin") | together.state("network")
    assert remembered.keys() == one.state().keys() == together.state().keys()
    for name, array in one.state().items():
        np.testing.assert_array_equal(remembered[name], array)


class Masked(SaysSo):
    """Blurred where the test says, frame by frame."""

    def __init__(self, masks):
        super().__init__()
        self.masks = iter(np.repeat(masks, 2, axis=0))  # the frame, and what is published

    def assess(self, rgb_HWC):
        grid = next(self.masks) * np.float32(0.99)
        return Assessment(0.9, 0.0, blur_grid=grid, rain_grid=np.zeros_like(grid))


def test_frames_whose_tiles_alone_are_restored_are_published_as_if_the_whole_was(monkeypatch):
    """Over some frames, with history and steadying; the tiles move, go to the border, and are all of them."""
    masks = [np.zeros(grid_shape(330, 590), np.float32) for _ in range(5)]
    for mask, tile in zip(masks, [(2, 4), (2, 5), (0, 0), (5, 9)], strict=False):
        mask[tile] = 1
    masks[4][:] = 1
    still = np.random.default_rng(0).integers(40, 200, (330, 600, 3), dtype=np.uint8)
    frames = [np.ascontiguousarray(still[:, k // 2 : 590 + k // 2]) for k in range(5)]
    model = loaded(replace(TINY, history=2))

    def published():
        restorer, sizes = Restorer(model, "torch"), []
        run = restorer._restore
        restorer._restore = lambda frames: (sizes.append(frames[0].shape[:2]), run(frames))[1]
        running = pipeline(restorer, Masked(masks), max_colour_shift=255)
        return [running.process(rgb, stamp_s=k / 10) for k, rgb in enumerate(frames)], sizes

    found, sizes = published()
    monkeypatch.setattr(Restorer, "windows", lambda *_: [])
    whole, whole_sizes = published()
    assert sum(h * w for h, w in sizes) < 0.7 * sum(h * w for h, w in whole_sizes)
    for one, other in zip(found, whole, strict=True):
        assert one.action == other.action == Action.RESTORED
        assert np.abs(one.image.astype(int) - other.image).max() <= 1
        np.testing.assert_array_equal(one.changed, other.changed)


def test_open_circuit_lets_clean_frames_pass_without_alarm():
    assessor = SaysSo()
    running = pipeline(Network(fail(RuntimeError("broken"))), assessor, circuit=CircuitLimits(opens_after=1))
    running.process(frame())
    assessor.blur = 0.1
    assert running.process(frame()).action == Action.PASSED_THROUGH


@pytest.mark.parametrize(
    "rgb",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
     np.zeros((0, 4, 3), np.uint8)],
)  # fmt: skip
def test_what_is_not_an_rgb_image_is_refused(rgb):
    with pytest.raises(ValueError, match="must be uint8 RGB"):
        pipeline().process(rgb)


@pytest.mark.parametrize("size", [(64, 64), (37, 101)])
def test_a_real_network_restores_a_frame_of_any_size(tmp_path, size):
    import torch

    from restoregan_core.models.generator import Generator

    torch.manual_seed(0)
    config = GeneratorConfig(base_width=8, blocks=1, block_convolutions=2, dropout=0.0, kernel_size=3)
    save_generator(Generator(config), tmp_path / "tiny.safetensors", {})
    restorer = Restorer(load_generator(tmp_path / "tiny.safetensors"), runtime="torch")
    source = frame(0, *size)
    running = RestorationPipeline(
        SaysSo(),
        restorer,
        PipelineSettings(
            thresholds=PRESETS["always"],
            output=OutputLimits(max_colour_shift=255, max_brightness_shift=255, max_pixel_change=255),
        ),
    )
    result = running.process(source)
    restorer_alone = restorer(source)
    restorer.close()
    assert result.action == Action.RESTORED
    np.testing.assert_array_equal(result.image, restorer_alone)
    assert re.fullmatch(r"tiny-[0-9a-f]{12}", running.model)
