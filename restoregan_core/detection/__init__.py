# SPDX-License-Identifier: Apache-2.0
"""An object detector on frames before and after restoration."""
