#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# AprilTag's library finds the tags that OpenCV draws half a pixel lower and further right, and turned by 180 degrees.
#
# Versions:  pyapriltags 3.4.3.1, opencv-contrib-python-headless 4.14.0.94, numpy 2.4.6.
# Guess:     one tag has one pose: its corners are the same to a tenth of a pixel, in an order that differs at most.
# Seen:      a tag of 36h11 of 160 px whose first black pixel is (150, 100): AprilTag has its corners at 150 and 310,
#            for the middle of a pixel is at 0.5 there; OpenCV's sub-pixel refinement has them at 149.56 and 309.44,
#            with whole numbers at the middles. OpenCV's CORNER_REFINE_APRILTAG gives 150 and 310 as well, against all
#            the rest of OpenCV. What OpenCV calls the first corner is AprilTag's lower right: a pose of one is turned
#            by half a turn about the tag's normal for the other.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pyapriltags==3.4.3.1 opencv-contrib-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/tag.py" <<'P'
import cv2
import numpy as np
import pyapriltags

family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
image = np.full((400, 500), 255, np.uint8)
image[100:260, 150:310] = cv2.aruco.generateImageMarker(family, 5, 160)


def by_opencv(refinement):
    """Corners from the upper left of the drawn tag on, clockwise."""
    options = cv2.aruco.DetectorParameters()
    options.cornerRefinementMethod = refinement
    (corners,), ids, _ = cv2.aruco.ArucoDetector(family, options).detectMarkers(image)
    assert ids.tolist() == [[5]]
    return corners[0]


(tag,) = pyapriltags.Detector(families="tag36h11").detect(image)
assert tag.tag_id == 5
subpixel, like_apriltag = by_opencv(cv2.aruco.CORNER_REFINE_SUBPIX), by_opencv(cv2.aruco.CORNER_REFINE_APRILTAG)
for name, corners in (("AprilTag", tag.corners), ("SUBPIX", subpixel), ("APRILTAG", like_apriltag)):
    print(f"{name:>8}: corners {corners.round(2).tolist()}, middle {corners.mean(0).round(2).tolist()}")

middles = [corners.mean(0) for corners in (tag.corners, like_apriltag, subpixel)]
assert np.abs(middles[0] - (230, 180)).max() < 0.05 and np.abs(middles[1] - (230, 180)).max() < 0.05
assert np.abs(middles[2] - (229.5, 179.5)).max() < 0.05

# AprilTag lists corners from the tag's lower left on, counter-clockwise; this is the order of OpenCV.
in_opencvs_order = tag.corners[::-1]
offset = np.abs(in_opencvs_order - subpixel).max()
turned = np.abs(np.roll(in_opencvs_order, 2, axis=0) - subpixel).max()
print(f"the same corners are up to {offset:.1f} px apart, and {turned:.1f} px after half a turn")
assert offset > 100 and turned < 1
P
"$work/venv/bin/python" "$work/tag.py"
