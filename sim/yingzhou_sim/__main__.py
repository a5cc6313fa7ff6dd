# SPDX-License-Identifier: Apache-2.0
"""``python -m yingzhou_sim`` is the command ``yingzhou``."""

import sys

from .cli import main

sys.exit(main())
