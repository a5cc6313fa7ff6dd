# SPDX-License-Identifier: Apache-2.0
"""cocotb and pyuvm environment of the memory engine as a drop-in block."""
