#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Resolve requirements.in for every platform, with the hash of every file. Names no package index.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null 2>&1 || { echo "lock: cannot find uv: install it (pip install uv)." >&2; exit 1; }
{
    echo '# SPDX-License-Identifier: Apache-2.0'
    echo '# Written by `make lock` from requirements.in; do not edit.'
    uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url requirements.in
} >requirements.lock.new
mv requirements.lock.new requirements.lock
