# SPDX-License-Identifier: Apache-2.0
"""The pipeline over recorded drives: figures, images, pages and comparisons."""
