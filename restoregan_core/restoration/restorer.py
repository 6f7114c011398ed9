# SPDX-License-Identifier: Apache-2.0
"""One generator on one runtime, for frames of any size: uint8 RGB in, uint8 RGB out."""

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.environment import has_gpu
from restoregan_core.images.alignment import filled_up
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.failed_alignment import find_alignment
from restoregan_core.images.rgb import RgbImage, require_rgb
from restoregan_core.images.tile_grid import TILE_SIZE_PX, grid_shape
from restoregan_core.restoration.history import AlignedHistory
from restoregan_core.restoration.tiling import context_px, spans, tile_margin, tile_size
from restoregan_core.restoration.windows import Window, WindowPlanner
from restoregan_core.runtimes.protocol import PRECISIONS, RUNTIMES, Runtime, RuntimeUnavailableError
from restoregan_core.zoo import LoadedGenerator

logger = logging.getLogger(__name__)

DEFAULT_MAX_PIXELS = 2_100_000
"""One frame of 1080x1920 is restored whole; 4K is tiled."""


class NonFiniteOutputError(RuntimeError):
    """The network gave NaN or infinity, or its weights hold one: the frame must not be published."""


class Restorer:
    """Call it with a frame, uint8 RGB (H, W, 3) of any size; it returns the restored frame, a new array.

    Several cameras of several sizes may share one; calls must come from one thread at a time. Where the
    runtime has no engine for a size, that size runs on the next runtime, and the log says so once.

    Args:
        loaded: the generator, from ``zoo.load_generator``.
        runtime: ``auto`` (tensorrt, torch on CUDA, openvino, torch: the first that this machine has),
            ``tensorrt``, ``openvino`` or ``torch``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        max_pixels: larger frames are restored in tiles of at most so many; bounds the memory of one call.
        engine_dir: of compiled networks; ``engine_cache.engine_directory()`` if None.
        build_if_missing: let TensorRT build an engine, for minutes, where none fits.
        threads: most that a network on the CPU computes on; 0: as many as the runtime chooses.
        precision: ``auto`` (the runtime's fastest that keeps the image), ``fp32``, ``fp16``, ``bf16`` or ``int8``; a
            runtime that has it not is passed over.

    Attributes:
        name: of the network, with the first 12 hex digits of its weights' SHA-256.
        context_px: ``tiling.context_px`` of the generator.

    Raises:
        ValueError: no such runtime, device or precision.
        RuntimeUnavailableError: the runtime was named and this machine cannot run it, or no runtime has the precision.
    """

    def __init__(
        self,
        loaded: LoadedGenerator,
        runtime: str = "auto",
        device: str = "auto",
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        engine_dir: Path | None = None,
        build_if_missing: bool = False,
        threads: int = 0,
        precision: str = "auto",
    ) -> None:
        if runtime not in ("auto", *RUNTIMES):
            raise ValueError(f"no runtime {runtime!r}; there are: {', '.join(('auto', *RUNTIMES))}")
        if precision not in PRECISIONS:
            raise ValueError(f"no precision {precision!r}; there are: {', '.join(PRECISIONS)}")
        self.name = loaded.name
        self.max_pixels = max_pixels
        self._config = loaded.config
        self.context_px = context_px(loaded)
        # Some runtimes' ReLU turns NaN into 0: bad weights would show only as a subtly wrong image.
        self._weights_are_finite = (loaded.int8 or loaded.lazy).is_finite
        self._candidates = _candidates(
            loaded, runtime, device, engine_dir, build_if_missing, threads, precision
        )
        self._opened: list[Runtime] = []
        self._tiled: set[tuple[int, int]] = set()
        """Sizes that the log has told to be tiled."""
        self._by_size: dict[tuple[int, int], Runtime] = {}
        self._open_next(named=runtime != "auto")
        loaded.let_go()  # what is compiled has copies of its own

    @property
    def history(self) -> int:
        """Frames before the current one that the network looks at; 0 if it takes single images only."""
        return self._config.history

    @property
    def path(self) -> bool:
        """Whether the network also looks at the frame along its own motion (``images.blur_path``)."""
        return self._config.path

    @property
    def recurrent(self) -> bool:
        """Whether the network looks at its own restoration of the frame before (``GeneratorConfig.recurrent``)."""
        return self._config.recurrent

    def __call__(
        self, rgb_HWC: RgbImage, history: Sequence[RgbImage] = (), answer_HWC: RgbImage | None = None
    ) -> RgbImage:
        """Restore one frame.

        Args:
            history: frames of the same size before it, newest first, as the camera gave them; they are aligned here.
                Those beyond what the network looks at are left out; without any, the frame is a single image.
            answer_HWC: what this network made of the first of them, for a recurrent one. Without it, that frame stands
                for it.

        Raises:
            ValueError: not uint8 RGB of shape (H, W, 3) with at least one pixel, or frames of another size.
            LostWeightsError: a size or runtime that is new needs the weights again, and their file is not as it was.
            NonFiniteOutputError: the network's output is not finite.
        """
        require_rgb(rgb_HWC)
        older = list(history)[: self.history]
        given = [("a frame of the history", image) for image in older]
        if answer_HWC is not None:
            given.append(("the answer to the frame before", answer_HWC))
        for name, image in given:
            require_rgb(image, name)
            if image.shape != rgb_HWC.shape:
                raise ValueError(f"{name} is {image.shape}, the current frame is {rgb_HWC.shape}")
        if not older:
            return self.restore_aligned(rgb_HWC, [])
        alignment = find_alignment(rgb_HWC, older)
        found = AlignedHistory(alignment, older, self.history, self.path, self.recurrent)
        return self.restore_aligned(rgb_HWC, found.beside(answer_HWC))

    def windows(
        self, rgb_HWC: RgbImage, tiles: npt.NDArray[np.bool_], tile_size_px: int = TILE_SIZE_PX
    ) -> list[Window]:
        """What ``restore_aligned`` needs to look at where some tiles of a frame are wanted; none is all of it.

        Args:
            tiles: bool (rows, columns) of ``images.tile_grid.grid_shape``.
            tile_size_px: side of a tile.

        Raises:
            ValueError: not the frame's grid.
        """
        height, width = rgb_HWC.shape[:2]
        if tiles.shape != grid_shape(height, width, tile_size_px):
            raise ValueError(
                f"a grid of {tiles.shape} tiles of {tile_size_px} px does not fit a {height}x{width} frame"
            )
        return self._planner(height, width, tile_size_px).windows(tiles) if self._opened[0].any_size else []

    def window_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Sizes of the windows that a frame of this size may be restored by, in pixels, at most four."""
        return self._planner(height, width, TILE_SIZE_PX).sizes() if self._opened[0].any_size else []

    def restore_aligned(
        self, rgb_HWC: RgbImage, aligned: Sequence[RgbImage], windows: Sequence[Window] = ()
    ) -> RgbImage:
        """Restore one frame whose history is aligned to it already, as ``AlignedHistory`` gives it.

        Args:
            aligned: newest first; of a recurrent network the newest frame and its restoration. Fewer than the network
                looks at are filled up with the oldest one, or with the frame itself. For a network with ``path`` its
                image follows; without it nothing moves. Looked at within the windows alone, if there are any.
            windows: from ``windows``. What they keep is the whole frame's within a grey level (on 8-bit integers but
                for 2 % of the pixels), elsewhere the source comes back; without any the whole frame is restored.

        Raises:
            as calling does.
        """
        require_rgb(rgb_HWC)
        frames = self._with_history(rgb_HWC, aligned)
        if not windows:
            return self._restore_whole(frames)
        restored_HWC = rgb_HWC.copy()
        for window in windows:
            parts = [image[window.read] for image in frames]
            # As the runtimes pad the whole frame; here, so that windows at the border have no sizes of their own.
            bottom, right = (-side % self._config.size_multiple for side in parts[0].shape[:2])
            if bottom or right:
                edge = 0, bottom, 0, right, cv2.BORDER_REPLICATE
                parts = [np.asarray(cv2.copyMakeBorder(part, *edge), np.uint8) for part in parts]
            part_HWC = self._restore(parts)
            restored_HWC[window.keep] = part_HWC[window.rows.keep_of_read, window.columns.keep_of_read]
        return restored_HWC

    def _planner(self, height: int, width: int, tile_size_px: int) -> WindowPlanner:
        multiple = self._config.size_multiple
        return WindowPlanner(height, width, tile_size_px, self.context_px, multiple, self.max_pixels)

    def _with_history(self, rgb_HWC: RgbImage, aligned: Sequence[RgbImage]) -> list[RgbImage]:
        """The frame, as many before it as the network takes, and its path if it looks at that."""
        images = filled_up([rgb_HWC, *aligned[: self.history]], 1 + self.history)
        if self.path:
            images += aligned[self.history :] or [path_image(rgb_HWC, None)]
        return images

    def _restore_whole(self, frames: list[RgbImage]) -> RgbImage:
        height, width = frames[0].shape[:2]
        if height * width <= self.max_pixels:
            return self._restore(frames)
        return self._restore_in_tiles(frames)

    def warm_up(self, height: int, width: int) -> None:
        """Prepare for frames of this size in pixels, so that the first one is as fast as the rest.

        Windows of it are prepared when they are first needed: each keeps memory of its own.
        """
        if self._weights_are_finite:
            self(np.zeros((height, width, 3), np.uint8))

    def describe(self) -> str:
        """One line about the runtime: library, version, device, precision."""
        # Before the first frame: the first choice. After it: what frames did run on.
        in_use = list(dict.fromkeys(runtime.describe() for runtime in self._by_size.values()))
        return "; ".join(in_use) or self._opened[0].describe()

    def close(self) -> None:
        """Free the runtimes' memory; the restorer must not be called afterwards."""
        for runtime in self._opened:
            runtime.close()
        self._by_size.clear()

    def _restore(self, frames: list[RgbImage]) -> RgbImage:
        if not self._weights_are_finite:
            raise NonFiniteOutputError(f"{self.name}: a weight is not finite")
        height, width = frames[0].shape[:2]
        current_BHWC, *older_BHWC = (frame[np.newaxis] for frame in frames)
        restored_BHWC, mean_residual = self._runtime_for(height, width).run(current_BHWC, older_BHWC)
        if not math.isfinite(mean_residual):
            raise NonFiniteOutputError(f"{self.name} gave a non-finite image of {height}x{width} pixels")
        return restored_BHWC[0].copy()  # the runtime's buffer is overwritten by the next frame

    def _restore_in_tiles(self, frames: list[RgbImage]) -> RgbImage:
        height, width = frames[0].shape[:2]
        tile_height, tile_width = tile_size(height, width, self.max_pixels, self._config)
        if (height, width) not in self._tiled:
            self._tiled.add((height, width))
            logger.info(
                "%dx%d frames are restored in tiles of %dx%d: whole, they would take too much memory",
                height, width, tile_height, tile_width,
            )  # fmt: skip
        margin, multiple = tile_margin(self._config), self._config.size_multiple
        restored_HWC = np.empty((height, width, 3), np.uint8)
        for y in spans(height, tile_height, margin, multiple):
            for x in spans(width, tile_width, margin, multiple):
                tile_HWC = self._restore([frame[y.read, x.read] for frame in frames])
                restored_HWC[y.keep, x.keep] = tile_HWC[y.keep_of_read, x.keep_of_read]
        return restored_HWC

    def _runtime_for(self, height: int, width: int) -> Runtime:
        """The first runtime that can do this size. The last candidate is PyTorch, which can do every one."""
        size = height, width
        index = 0
        while size not in self._by_size:
            if index == len(self._opened):
                self._open_next(named=False)
            try:
                self._opened[index].load(height, width)
                self._by_size[size] = self._opened[index]
            except RuntimeUnavailableError as error:
                if index + 1 == len(self._opened) and not self._candidates:
                    raise
                logger.warning("%dx%d frames go to the next runtime: %s", height, width, error)
                index += 1
        return self._by_size[size]

    def _open_next(self, named: bool) -> None:
        reasons = []
        while self._candidates:
            try:
                runtime = self._candidates[0]()
            except RuntimeUnavailableError as error:
                if named:
                    raise
                reasons.append(str(error))
                self._candidates.pop(0)
                continue
            # Only now: where its weights cannot be read again, the next frame tries it again.
            self._candidates.pop(0)
            self._opened.append(runtime)
            if not named:
                logger.info("runtime: %s%s", runtime.describe(), "".join(f"; {reason}" for reason in reasons))
            return
        raise RuntimeUnavailableError("; ".join(reasons))


def _candidates(
    loaded: LoadedGenerator,
    runtime: str,
    device: str,
    engine_dir: Path | None,
    build_if_missing: bool,
    threads: int,
    precision: str,
) -> list[Callable[[], Runtime]]:
    """How to open the runtimes, in the order to try them.

    A runtime's module loads, and the network is made, only when it is tried: OpenVINO needs no torch.
    """

    def tensorrt() -> Runtime:
        from restoregan_core.runtimes.tensorrt_runtime import TensorRtRuntime

        return TensorRtRuntime(
            loaded.generator,
            device,
            precision="fp16" if precision == "auto" else precision,
            engine_dir=engine_dir,
            build_if_missing=build_if_missing,
        )

    def openvino() -> Runtime:
        from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(
            loaded.lazy, device, precision=precision, threads=threads, engine_dir=engine_dir, int8=loaded.int8
        )

    def pytorch() -> Runtime:
        from restoregan_core.runtimes.torch_runtime import TorchRuntime

        return TorchRuntime(loaded.generator, device, precision=precision, threads=threads)

    def pytorch_on_cuda() -> Runtime:
        from restoregan_core.runtimes.torch_runtime import TorchRuntime

        where = "cuda" if device == "auto" else device
        return TorchRuntime(loaded.generator, where, precision=precision, threads=threads)

    if runtime == "torch":
        return [pytorch]
    if runtime == "openvino":
        return [openvino, pytorch]
    if runtime == "tensorrt":
        return [tensorrt, pytorch]
    if device == "cpu" or (device == "auto" and not has_gpu()):
        return [openvino, pytorch]
    if device == "auto":
        return [tensorrt, pytorch_on_cuda, openvino, pytorch]
    return [tensorrt, pytorch]
