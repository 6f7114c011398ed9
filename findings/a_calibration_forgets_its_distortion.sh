#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GTSAM's Cal3Bundler, used by itself in Python, leaves its distortion out; the camera made of it does not.
#
# Versions:  gtsam 4.3.0, numpy 2.4.6.
# Guess:     calibration.uncalibrate(point) gives the pixel that a PinholeCameraCal3Bundler of it projects to.
# Seen:      uncalibrate, calibrate and vector are those of the class without distortion that it derives from: with
#            k1 = -0.2 and f = 1000 a point at (0.5, 0.2) is 29 px off the camera's projection, and the camera's pixel
#            goes back to (0.473, 0.189). vector() is (fx, fy, skew, u0, v0), with no k1 and k2, while k1() and k2()
#            give them. Cal3DS2 and Cal3Fisheye agree with their cameras.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps gtsam==4.3.0 numpy==2.4.6
cat > "$work/bundler.py" <<'P'
import gtsam
import numpy as np

point, pose = np.array([0.5, 0.2]), gtsam.Pose3()
squared = point @ point
bundler = gtsam.Cal3Bundler(1000, -0.2, 0.05, 640, 360)
camera = gtsam.PinholeCameraCal3Bundler(pose, bundler)
pixel = camera.project(np.append(point, 1.0))
meant = 1000 * point * (1 - 0.2 * squared + 0.05 * squared**2) + [640, 360]
alone, back = bundler.uncalibrate(point), bundler.calibrate(pixel)
print(f"k1 {bundler.k1()}, k2 {bundler.k2()}, vector {bundler.vector().tolist()}")
print(f"meant {meant.round(2)}, camera {pixel.round(2)}, calibration alone {alone.round(2)}, back {back.round(3)}")
assert np.allclose(pixel, meant) and np.allclose(alone, [1140, 560]) and np.allclose(back, [0.473, 0.189], atol=5e-4)
assert bundler.vector().tolist() == [1000, 1000, 0, 640, 360] and (bundler.k1(), bundler.k2()) == (-0.2, 0.05)
for calibration, make in (
    (gtsam.Cal3DS2(1000, 900, 0, 640, 360, -0.2, 0.05, 0.001, -0.002), gtsam.PinholeCameraCal3DS2),
    (gtsam.Cal3Fisheye(500, 450, 0, 640, 360, -0.02, 0.005, 0.001, -0.0002), gtsam.PinholeCameraCal3Fisheye),
):
    pixel = make(pose, calibration).project(np.append(point, 1.0))
    print(f"{type(calibration).__name__}: camera {pixel.round(2)}, alone {calibration.uncalibrate(point).round(2)}")
    assert np.allclose(calibration.uncalibrate(point), pixel) and np.allclose(calibration.calibrate(pixel), point)
P
"$work/venv/bin/python" "$work/bundler.py"
