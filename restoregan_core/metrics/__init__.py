# SPDX-License-Identifier: Apache-2.0
"""Image metrics and the statistics around them."""
