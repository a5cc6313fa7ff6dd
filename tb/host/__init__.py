# SPDX-License-Identifier: Apache-2.0
"""Tests of firmware build, host kernel, enclave runtime and workloads."""
