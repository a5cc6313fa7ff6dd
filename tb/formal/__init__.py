# SPDX-License-Identifier: Apache-2.0
"""Proofs on the generated Verilog."""
