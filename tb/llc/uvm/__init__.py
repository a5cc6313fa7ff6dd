# SPDX-License-Identifier: Apache-2.0
"""cocotb and pyuvm environment of the last-level cache as a drop-in block."""
