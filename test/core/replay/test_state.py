# SPDX-License-Identifier: Apache-2.0
import numpy as np

from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.replay.state import PipelineMemory, ReplayFolder, ReplayState
from restoregan_core.restoration.gate import Gate
from restoregan_core.restoration.guard import Guard
from restoregan_core.restoration.steadier import Remembered


def memory() -> PipelineMemory:
    rng = np.random.default_rng(0)
    kept = Remembered(*(rng.integers(0, 256, size, dtype=np.uint8) for size in ((4, 6, 3), (16, 24, 3))))
    return PipelineMemory(
        {"front": np.array([[0, 3]]), "/stereo/left eye": np.array([[7]])}, {"/stereo/left eye": kept}
    )


def test_a_pipeline_goes_on_with_what_was_saved_whatever_its_cameras_are_called(tmp_path):
    folder, state, given = ReplayFolder(tmp_path / "out"), ReplayState({}), memory()
    folder.open({})
    state.memory = folder.save_memory(given, frames_done=4)
    pipeline = RestorationPipeline(None, None, Gate(), Guard())  # type: ignore[arg-type]
    folder.give_memory(state, pipeline)
    assert {name: grid.tolist() for name, grid in pipeline.gate.state.items()} == {
        name: grid.tolist() for name, grid in given.frames_on.items()
    }
    assert list(pipeline.steadier.state) == ["/stereo/left eye"]
    for name, array in vars(given.remembered["/stereo/left eye"]).items():
        np.testing.assert_array_equal(getattr(pipeline.steadier.state["/stereo/left eye"], name), array)


def test_only_the_memory_that_the_checkpoint_names_is_kept(tmp_path):
    folder, state = ReplayFolder(tmp_path / "out"), ReplayState({})
    folder.open({})
    for frames_done in (4, 8):
        state.memory = folder.save_memory(memory(), frames_done)
        folder.save(state)
    assert [path.name for path in folder.work.glob("memory_*")] == ["memory_8.npz"]
    state.memory = ""  # complete
    folder.save(state)
    assert not list(folder.work.glob("memory_*"))
    pipeline = RestorationPipeline(None, None, Gate(), Guard())  # type: ignore[arg-type]
    folder.give_memory(state, pipeline)
    assert not pipeline.gate.state
    assert not pipeline.steadier.state
