#!/bin/sh
# Set-up in two steps, called by the Makefile: `setup.sh venv` makes .venv and installs the pinned requirements,
# `setup.sh kernel` compiles the kernel if it can. Both may be interrupted anywhere: the next call starts that step over.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
unfinished=.venv/.unfinished
log=.venv/install.log

say() { echo "set-up: $*" >&2; }
fail() { say "$*"; exit 1; }

# The name of a command is no proof: version managers put a python3.13 on PATH that only says it is not installed.
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; }

# Prints the interpreter to use, or explains in one line what is missing.
find_python() {
  without_venv=""
  for name in python3.13 python3.12 python3.11 python3 python; do
    command -v "$name" >/dev/null 2>&1 && is_new_enough "$name" || continue
    if has_venv "$name"; then echo "$name"; return; fi
    without_venv=${without_venv:-$name}
  done
  if [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fail "$without_venv has no venv module; install it, for example: apt install python$version-venv"
  fi
  found=$(python3 -V 2>/dev/null || true)
  fail "Python 3.11 or newer is needed (found: ${found:-none}); install it, for example: apt install python3.11 python3.11-venv"
}

install() { # install ARGUMENTS: with uv where there is one, with pip otherwise or where uv cannot reach the registry.
  if command -v uv >/dev/null 2>&1; then
    if UV_PYTHON_DOWNLOADS=never uv pip install -q --python "$python" "$@" >"$log" 2>&1; then return; fi
    say "uv failed, trying pip"
  fi
  "$python" -m pip install -q --no-input --disable-pip-version-check "$@" >"$log" 2>&1 && return
  grep -v '^WARNING' "$log" | tail -n 3 >&2
  return 1
}

make_venv() {
  if [ -e "$unfinished" ] || ! "$python" -m pip --version >/dev/null 2>&1 || ! is_new_enough "$python"; then
    base=$(find_python)
    rm -rf .venv
    mkdir .venv
    : >"$unfinished"
    say "making .venv with $("$base" -V 2>&1)"
    "$base" -m venv .venv
  fi
  : >"$unfinished"
  say "installing pinned requirements"
  install --require-hashes -r requirements.lock || fail "the requirements could not be installed; is the package registry reachable? (log: $log)"
  install --no-deps --no-build-isolation -e . || fail "the project itself could not be installed (log: $log)"
  rm -f "$unfinished"
  touch .venv/.ok
}

plain() { # Says why, and sees to it.
  find shared services -name '*.so' -exec rm -f {} +
  echo "kernel: $1; running on plain Python" >&2
}

build_kernel() {
  rm -f shared/kernel/*.so # The others are not imported once they are older than their sources.
  compile
  touch .venv/.kernel # A failed build is an answer too; `make clean setup` asks again.
}

compile() { # Says in one line what came of it. Never fails.
  ls shared/kernel/*.pyx >/dev/null 2>&1 && [ -f setup.py ] || return 0
  compiler=${CC:-$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("CC") or "cc")')}
  command -v "${compiler%% *}" >/dev/null 2>&1 || { plain "no C compiler"; return 0; }
  headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  [ -f "$headers/Python.h" ] || { plain "no Python headers (for example: apt install python3-dev)"; return 0; }
  if "$python" setup.py build_ext --inplace --parallel 2 >.venv/kernel.log 2>&1 && works >>.venv/kernel.log 2>&1; then
    echo "kernel: compiled" >&2
  else
    plain "build failed (log: .venv/kernel.log)"
  fi
}

works() { # Every compiled module must load, from its own file.
  for source in shared/kernel/*.pyx; do
    name=$(basename "$source" .pyx)
    "$python" -c "import shared.kernel.$name as k; assert k.__file__.endswith('.so'), k.__file__" || return 1
  done
  "$python" -c "from shared.twins import check; check()"
}

case "${1:-}" in
  venv) make_venv ;;
  kernel) build_kernel ;;
  *) echo "usage: setup.sh venv|kernel" >&2; exit 2 ;;
esac
