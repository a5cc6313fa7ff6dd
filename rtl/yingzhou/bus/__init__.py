# SPDX-License-Identifier: Apache-2.0
"""Bus signatures and the adapters between them. One file a protocol."""
