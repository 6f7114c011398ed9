# SPDX-License-Identifier: Apache-2.0
"""What ``restoregan evaluate`` measures, on pairs of degraded and clean images, and on videos."""
