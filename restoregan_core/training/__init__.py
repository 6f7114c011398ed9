# SPDX-License-Identifier: Apache-2.0
"""Training: ``config.py`` says what, ``trainer.py`` does it; the other files each hold one part of it."""
