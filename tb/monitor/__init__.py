# SPDX-License-Identifier: Apache-2.0
"""Tests of the machine-mode monitor in ``sw/monitor``."""
