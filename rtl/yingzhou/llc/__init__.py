# SPDX-License-Identifier: Apache-2.0
"""The last-level cache with lines that can be locked for a domain (docs/llc.md)."""
