# SPDX-License-Identifier: Apache-2.0
"""Training data: real pairs, and clean images degraded as a vehicle's camera degrades them."""
