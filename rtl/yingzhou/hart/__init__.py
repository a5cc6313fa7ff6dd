# SPDX-License-Identifier: Apache-2.0
"""The hart: coreblocks, with the page-table walker on a Wishbone port of its own.

``hart.hart`` imports coreblocks, which takes seconds; configuration and ports do not.
"""
