# SPDX-License-Identifier: Apache-2.0
"""The default machine: hart, guard, interconnect, memory path and devices."""
