# SPDX-License-Identifier: Apache-2.0
"""Messages, bags, videos, labels and detectors that are damaged and read: for tests and for benchmarks/fuzz.py.

Each reader makes its valid files in a folder and gives a function that damages one and reads it; what that raises must
be a ValueError.
"""

import random
from collections.abc import Callable
from pathlib import Path

from mutations import mutated_bytes

Execution = Callable[[random.Random], None]


def image_cdr(folder: Path) -> Execution:
    """A serialised Image: its fields, its pixels, itself as published."""
    from restoregan_core.images.encodings import UnsupportedEncodingError
    from restoregan_ros.image_cdr import ImageFields, write_image
    from restoregan_ros.source_image import SourceImage

    kinds = {"bgr8": 3, "mono8": 1, "rgba8": 4, "mono16": 2, "bayer_rggb8": 1, "yuv422_yuy2": 2, "nv12": 1}
    whole = []
    for encoding, pixel_bytes in kinds.items():
        rows, step = (18 if encoding == "nv12" else 12), 16 * pixel_bytes
        pixels = memoryview(random.Random(0).randbytes(rows * step))
        whole.append(write_image(ImageFields(1, 2, "camera", encoding, pixels, 12, 16, False, step)))

    def run(rng: random.Random) -> None:
        source = SourceImage(mutated_bytes(rng.choice(whole), rng), max_pixels=10_000)
        try:
            source.restored(source.rgb_HWC, source.published_encoding())
        except UnsupportedEncodingError as error:
            raise ValueError from error

    return run


def compressed(folder: Path) -> Execution:
    """JPEG, PNG, TIFF and WebP as CompressedImage names them."""
    import cv2
    import numpy as np

    from restoregan_core.images.encodings import UnsupportedEncodingError, decode_compressed

    rgb = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    whole = [
        (name, cv2.imencode(suffix, rgb)[1].tobytes())
        for name, suffix in (
            ("bgr8; jpeg compressed bgr8", ".jpg"), ("bgr8; png compressed bgr8", ".png"),
            ("bayer_rggb8; png compressed", ".png"), ("tiff", ".tif"), ("webp", ".webp"),
        )
    ]  # fmt: skip

    def run(rng: random.Random) -> None:
        name, data = rng.choice(whole)
        if rng.random() < 0.1:
            name = mutated_bytes(name.encode(), rng).decode("latin-1")
        try:
            decode_compressed(name, mutated_bytes(data, rng), 100_000)
        except UnsupportedEncodingError as error:
            raise ValueError from error

    return run


def _bag(storage: str) -> Callable[[Path], Execution]:
    def bag(folder: Path) -> Execution:
        """Opened as it is or by salvage, and every camera frame decoded."""
        from replay_bags import drive, write_bag

        from restoregan_core.bags.frames import FrameReader
        from restoregan_core.bags.reader import open_bag

        path = write_bag(folder / "bag", drive(3, height=16, width=24), storage)
        files = {file: file.read_bytes() for file in path.iterdir()}

        def run(rng: random.Random) -> None:
            for file, content in files.items():
                file.write_bytes(content)
            damaged = rng.choice(list(files))
            damaged.write_bytes(mutated_bytes(files[damaged], rng))
            if rng.random() < 0.2:
                (path / "metadata.yaml").unlink()  # as after a recorder that was killed
            with open_bag(path) as opened:
                for frame in FrameReader(opened).frames():
                    try:
                        frame.decode()
                    except ValueError:
                        continue

        return run

    return bag


def detector(folder: Path) -> Execution:
    """A detector of one constant: small, and of the shape that is asked for."""
    from onnx import TensorProto, helper

    from restoregan_core.detection.detector import Detector

    anchors = sum((32 // stride) ** 2 for stride in (8, 16, 32))
    values = helper.make_tensor("v", TensorProto.FLOAT, [1, anchors, 85], [0.0] * anchors * 85)
    ends = [
        helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32]),
        helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, anchors, 85]),
    ]
    node = helper.make_node("Constant", [], ["output"], value=values)
    graph = helper.make_graph([node], "detector", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    whole, file = model.SerializeToString(), folder / "detector.onnx"

    def run(rng: random.Random) -> None:
        head, tail = rng.choice([(200, 0), (0, 200)])  # not the constant's zeros, which say nothing
        cut = len(whole) - tail if tail else head
        parts = whole[:cut], whole[cut:]
        file.write_bytes(
            mutated_bytes(parts[0], rng) + parts[1] if head else parts[0] + mutated_bytes(parts[1], rng)
        )
        Detector(file)

    return run


def labels(folder: Path) -> Execution:
    """KITTI labels beside their image."""
    from restoregan_core.detection.kitti import find_frames

    for name in ("images", "labels"):
        (folder / name).mkdir()
    (folder / "images/1.png").write_bytes(b"")  # is not opened here
    whole = b"Car 0.00 0 -1.57 599.41 156.40 629.75 189.25 2.85 2.63 12.34 0.47 1.49 69.44 -1.56\n" * 3

    def run(rng: random.Random) -> None:
        (folder / "labels/1.txt").write_bytes(mutated_bytes(whole, rng))
        find_frames(folder)

    return run


def video(folder: Path) -> Execution:
    """Files of each container, frame by frame, and their timing."""
    import cv2
    import numpy as np

    from restoregan_core.images.video_encoding import OPENCV_CODECS
    from restoregan_core.images.video_files import VideoReader, read_timing

    whole = {}
    for suffix, codec in OPENCV_CODECS.items():
        file = folder / f"whole{suffix}"
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
        for number in range(4):
            writer.write(np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8))
        writer.release()
        whole[suffix] = file.read_bytes()

    def run(rng: random.Random) -> None:
        suffix = rng.choice(list(whole))
        file = folder / f"damaged{suffix}"
        file.write_bytes(mutated_bytes(whole[suffix], rng))
        with VideoReader(file, 100_000) as frames:
            for _ in frames:
                pass
        read_timing(file)

    return run


READERS: dict[str, Callable[[Path], Execution]] = {
    "image_cdr": image_cdr, "compressed": compressed, "bag_mcap": _bag("mcap"), "bag_sqlite3": _bag("sqlite3"),
    "detector": detector, "labels": labels, "video": video,
}  # fmt: skip
