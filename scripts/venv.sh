#!/bin/sh
# Make or refresh .venv from requirements.lock (exact versions, checksums verified by pip). Idempotent.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

find_python() {
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11, 3.12 or 3.13 is needed and none was found; install one, or set PYTHON=/path/to/python"
    exit 3
}

stamp=.venv/.made-from
python=$(find_python)
wanted="$(cat pyproject.toml requirements.lock scripts/venv.sh | cksum) $("$python" --version)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    # Debian ships venv as a package of its own.
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        say "installing python3-venv"
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
    else
        say "Python's venv module is incomplete; on Debian: apt-get install python3-venv"
        exit 3
    fi
fi
say "making .venv with $("$python" --version)"
rm -f "$stamp"
"$python" -m venv --clear .venv
say "installing $(grep -c '==' requirements.lock) packages, checksums verified"
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
printf '%s' "$wanted" >"$stamp"
say "done"
