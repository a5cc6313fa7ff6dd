# SPDX-License-Identifier: Apache-2.0
"""The mountable Merkle tree (MMT) memory engine: encryption, integrity and freshness for DRAM (docs/mmt.md)."""
