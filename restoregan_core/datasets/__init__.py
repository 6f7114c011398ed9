# SPDX-License-Identifier: Apache-2.0
"""Pairs of input and ground truth on disk: which belong together, in the layouts that data sets are published in."""
