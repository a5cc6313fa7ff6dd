# SPDX-License-Identifier: Apache-2.0
"""What the cocotb and pyuvm environments of blocks with the ports ``s_axi``, ``m_axi`` and ``s_axil`` share."""
