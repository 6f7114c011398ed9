# SPDX-License-Identifier: Apache-2.0
"""One row a frame: the schema of frames.parquet, and reading it back without holding all of it."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from restoregan_core.files import atomic_write

if TYPE_CHECKING:
    import pyarrow

Row = dict[str, Any]

TIME_COLUMNS = ("assessment_ms", "restoration_ms", "residual_ms", "decode_ms", "encode_ms")
"""What differs between two runs of one replay. ``residual_ms`` went into the judgement of the restored image, which the
node publishes before that."""


def schema() -> "pyarrow.Schema":
    """Columns of frames.parquet. Probabilities and shares in [0, 1]; NaN or null = not known.

    Boxes are flat lists of left, top, right, bottom (px), score, class id. Grids are row-major.
    """
    import pyarrow as pa

    text, number, count, grid = pa.string(), pa.float64(), pa.int64(), pa.list_(pa.float32())
    columns = {
        "index": count, "camera": text, "topic": text, "time_ns": count, "stamp_ns": count,
        "frame_id": text, "height": count, "width": count, "encoding": text,
        "action": text, "reason": text, "detail": text,
        "blur_probability": number, "rain_probability": number, "lens_drop_probability": number,
        "residual_blur_probability": number, "residual_rain_probability": number,
        "tile_size_px": count, "grid_rows": count, "grid_columns": count,
        "blur_grid": grid, "rain_grid": grid, "restored_grid": grid,
        "changed_share": number, "mean_change": number, "sharpness_before": number, "sharpness_after": number,
        **{name: number for name in TIME_COLUMNS},
        "boxes_before": grid, "boxes_after": grid, "boxes_truth": grid,
        "objects_before": count, "objects_after": count, "objects_gained": count, "objects_lost": count,
        "psnr_before": number, "psnr_after": number, "ssim_before": number, "ssim_after": number,
    }  # fmt: skip
    return pa.schema(list(columns.items()))


def write_rows(rows: Sequence[Row], file: Path) -> None:
    """Write a part of the table; missing columns become null. Replaces the file in one step."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_write(file) as temporary:
        pq.write_table(pa.Table.from_pylist(list(rows), schema()), temporary, compression="zstd")


def join_parts(parts: Sequence[Path], file: Path) -> None:
    """One parquet file of many, part after part."""
    import pyarrow.parquet as pq

    with atomic_write(file) as temporary, pq.ParquetWriter(temporary, schema(), compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part, schema=schema()))


def count_rows(file: Path) -> int:
    """How many rows a table holds, after reading all of it.

    Raises:
        ValueError: it is missing or damaged, or lacks a column; the message names it.
    """
    import pyarrow.parquet as pq

    with _reading(file):
        return int(pq.read_table(file, schema=schema()).num_rows)


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[None]:
    """One error, whatever Arrow raises for a file that is missing or damaged."""
    try:
        yield
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ValueError(
            f"{file} cannot be read ({reason}): replay the bag again with --overwrite"
        ) from error


class Frames:
    """frames.parquet, column by column.

    Args:
        file: as ``join_parts`` writes it.

    Raises:
        ValueError: on reading: the file is missing or damaged; the message names it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def column(self, name: str) -> npt.NDArray[Any]:
        """Numbers as float64 with NaN for null, texts as objects."""
        return self.columns(name)[name]

    def columns(self, *names: str) -> dict[str, npt.NDArray[Any]]:
        """Several scalar columns."""
        import pyarrow.parquet as pq

        with _reading(self.file):
            table = pq.read_table(self.file, columns=list(names))
            return {name: table[name].to_numpy(zero_copy_only=False) for name in names}

    def rows(self, *names: str) -> Iterator[Row]:
        """Row by row, with these columns alone; lists as arrays."""
        import pyarrow.parquet as pq

        with _reading(self.file):
            batches = pq.ParquetFile(self.file).iter_batches(256, columns=list(names))
        while True:
            with _reading(self.file):
                batch = next(batches, None)
                values = {name: batch.column(name).to_pylist() for name in names} if batch else {}
            if batch is None:
                return
            for i in range(batch.num_rows):
                yield {name: values[name][i] for name in names}

    def __len__(self) -> int:
        import pyarrow.parquet as pq

        with _reading(self.file):
            return int(pq.ParquetFile(self.file).metadata.num_rows)


def grid_of(row: Row, name: str) -> npt.NDArray[np.float32]:
    """A grid column of a row as (rows, columns)."""
    return np.asarray(row[name] or [], np.float32).reshape(row["grid_rows"] or 0, row["grid_columns"] or 0)
