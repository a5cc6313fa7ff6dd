# SPDX-License-Identifier: Apache-2.0
"""Yingzhou: PENGLAI's scalable secure memory (OSDI'21) as open hardware, in Amaranth."""
