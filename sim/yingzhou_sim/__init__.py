# SPDX-License-Identifier: Apache-2.0
"""Simulation of the Yingzhou machine: Verilator build, harness, firmware build, reports and command line."""
