#!/bin/sh
# Build the wheel, unpack it elsewhere, and run the pure tests against it: what users get is what is tested.
set -eu
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$work/dist" .
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$work/site" "$work"/dist/*.whl
cp -r tests pyproject.toml "$work"
cd "$work"
# -P and PYTHONPATH: the unpacked wheel comes before the editable checkout.
PYTHONPATH=$work/site "$python" -P -c 'import edgelab, scenarios, sys; sys.exit(not edgelab.__file__.startswith(sys.argv[1]))' "$work/site"
PYTHONPATH=$work/site "$python" -P -m pytest -q -m 'not process and not docker and not checkout' -p no:cacheprovider
