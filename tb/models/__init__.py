# SPDX-License-Identifier: Apache-2.0
"""Executable reference models, independent of the RTL."""
