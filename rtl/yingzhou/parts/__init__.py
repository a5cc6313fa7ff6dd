# SPDX-License-Identifier: Apache-2.0
"""Small parts that several blocks are made of: buffers, queues, selectors."""
