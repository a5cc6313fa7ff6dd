# SPDX-License-Identifier: Apache-2.0
"""Tests and reference models. Folders mirror ``rtl/yingzhou``."""
