#!/usr/bin/env bash
# Prints a Python of 3.11 or later that can make virtual environments. PYTHON=... overrides the search.
set -euo pipefail

for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
        >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done

echo "No Python 3.11 or later with venv was found (tried: ${PYTHON:-python3, python3.11 .. 3.14})." >&2
echo "On Debian: apt-get install python3 python3-venv. Or name one: make PYTHON=/path/to/python3.12 demo" >&2
exit 1
