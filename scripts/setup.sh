#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Set-up before Python is there: find the tools and Python >= 3.13, make .venv, hand over to setup.py.
# A second call with unchanged inputs returns at once and needs no network.
# YINGZHOU_PYTHON names the interpreter to use instead of searching.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $1" >&2
    exit 1
}

# Everything the result depends on: when this is unchanged, there is nothing to do.
fingerprint() {
    inputs="requirements.lock sources.lock pyproject.toml scripts/setup.sh scripts/setup.py"
    # Without a hash tool the files themselves are compared.
    # shellcheck disable=SC2086
    { cat $inputs; pwd; echo "${YINGZHOU_PYTHON:-}"; } | { sha256sum 2>/dev/null || shasum -a 256 2>/dev/null || cat; }
}

stamp=.venv/.setup-stamp
if [ -x .venv/bin/yingzhou ] && [ -f "$stamp" ] && [ -f build/third_party/monocypher/monocypher.c ] &&
    [ "$(fingerprint)" = "$(cat "$stamp")" ]; then
    exit 0
fi

missing=
for tool in g++ make perl; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing${missing:+, }$tool"
done
[ -z "$missing" ] || fail "cannot find $missing: install a C++ compiler, make and perl (Debian: apt install build-essential perl)."

# Succeeds when $1 is a Python >= 3.13 that can make virtual environments. A name in PATH may be a shim that fails.
usable() {
    "$1" -c 'import sys
if sys.version_info < (3, 13): sys.exit(1)
import ensurepip, venv' >/dev/null 2>&1
}
recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 13))' >/dev/null 2>&1
}

find_python() {
    for name in python3.13 python3.14 python3.15 python3 python; do
        command -v "$name" 2>/dev/null || true
    done
    for file in "${PYENV_ROOT:-${HOME:-/}/.pyenv}"/versions/3.*/bin/python3; do
        [ -x "$file" ] && echo "$file"
    done
    if command -v uv >/dev/null 2>&1; then
        uv python find --no-project --no-python-downloads '>=3.13' 2>/dev/null || true
    fi
}

python=
incomplete=
if [ -n "${YINGZHOU_PYTHON:-}" ]; then
    usable "$YINGZHOU_PYTHON" ||
        fail "YINGZHOU_PYTHON is '$YINGZHOU_PYTHON', which is not a Python >= 3.13 with the modules venv and ensurepip."
    python=$YINGZHOU_PYTHON
elif usable .venv/bin/python; then
    python=.venv/bin/python
else
    for candidate in $(find_python); do
        if usable "$candidate"; then
            python=$candidate
            break
        elif [ -z "$incomplete" ] && recent "$candidate"; then
            incomplete=$candidate
        fi
    done
fi
if [ -z "$python" ]; then
    [ -z "$incomplete" ] || fail "$incomplete has no module venv or ensurepip: install it (Debian: apt install python3-venv)."
    fail "cannot find Python >= 3.13 in PATH, in pyenv's versions or through uv: install one (apt install python3.13-venv, \
pyenv install 3.13, or uv python install 3.13) or name it in YINGZHOU_PYTHON."
fi

if [ "$python" != .venv/bin/python ]; then
    "$python" -m venv --clear .venv
fi
rm -f "$stamp"
.venv/bin/python scripts/setup.py
fingerprint >"$stamp"
