# SPDX-License-Identifier: Apache-2.0
"""How blurred and how rainy a frame is."""
