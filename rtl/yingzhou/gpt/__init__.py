# SPDX-License-Identifier: Apache-2.0
"""The GPT guard: judges every PTE read of a page-table walker."""
