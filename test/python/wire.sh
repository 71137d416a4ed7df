#!/bin/sh
# Are our messages understood by the Python platform's own code, in both generations of it?
#
# Needs: Python 3.12 (PYTHON names it, default python3.12), this package's node_modules, and access to PyPI at the
# first run: about 900 MB go into ${XDG_CACHE_HOME:-~/.cache}/node-registrar/python, a virtual environment a version.
# The dependencies that omnibase-infra 0.38.76 names do not resolve; it runs with those of 0.12.0.
#
#   sh test/python/wire.sh
set -eu
cd "$(dirname "$0")/../.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/node-registrar/python"
python="${PYTHON:-python3.12}"

# install <name> <package>...: a virtual environment, made once; DEPS=<file> installs that file's list first.
install() {
  dir="$cache/$1"
  shift
  [ -e "$dir/complete" ] && return
  echo "installing $*" >&2
  "$python" -m venv --clear "$dir"
  if [ -n "${DEPS:-}" ]; then
    "$dir/bin/pip" install --quiet -r "$DEPS"
    "$dir/bin/pip" install --quiet --no-deps "$@"
  else
    "$dir/bin/pip" install --quiet "$@"
  fi
  touch "$dir/complete"
}

mkdir -p "$cache"
install 0.12.0 omnibase-infra==0.12.0
"$cache/0.12.0/bin/pip" freeze > "$cache/0.12.0.txt"
DEPS="$cache/0.12.0.txt" install 0.38.76 omnibase-infra==0.38.76 omnibase-core==0.47.57 omnibase-spi==0.23.8

records="$cache/published.jsonl"
node --import tsx test/python/print-published.ts > "$records"
failed=0
for version in 0.12.0 0.38.76; do
  # The platform's packages log much while they are imported.
  "$cache/$version/bin/python" test/python/read_published.py < "$records" 2> "$cache/$version.log" || failed=1
done
[ "$failed" -eq 0 ] || echo "what the packages logged: $cache/*.log" >&2
exit "$failed"
