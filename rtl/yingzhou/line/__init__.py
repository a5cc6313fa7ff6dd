# SPDX-License-Identifier: Apache-2.0
"""Whole lines in and out, for memory engine and cache: AXI4 bursts as operations on lines, and lines to memory."""
