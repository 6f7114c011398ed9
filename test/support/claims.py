# SPDX-License-Identifier: Apache-2.0
"""Valid small files whose header is edited to claim another size: harmless to refuse, costly to decode."""

import struct
import zlib

import cv2
import numpy as np


def png_claiming(height: int, width: int) -> bytes:
    """A PNG of 8x8 pixels that claims to be so large; its header's checksum is right."""
    file = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    file[16:24] = struct.pack(">II", width, height)
    file[29:33] = struct.pack(">I", zlib.crc32(file[12:29]))
    return bytes(file)


def jpeg_claiming(height: int, width: int) -> bytes:
    """A JPEG of 8x8 pixels that claims to be so large."""
    file = bytearray(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    frame = file.index(b"\xff\xc0")
    file[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(file)
