# Sourced by the scripts beside it: makes .venv and what it needs, announced, and fast when run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

need_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then
            PYTHON=$candidate
            return
        fi
    done
    echo "error: no Python 3.11 or newer on PATH; install it (Debian: apt-get install python3 python3-venv)" >&2
    exit 2
}

# need_compiler [PROGRAM ...]: the compilers, and programs that stand in a package of their own name.
need_compiler() {
    local missing=()
    for program in "$@"; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    command -v arm-none-eabi-gcc >/dev/null || missing+=(gcc-arm-none-eabi)
    [ -n "$(arm-none-eabi-gcc -print-file-name=nano.specs 2>/dev/null | grep /)" ] || missing+=(libnewlib-arm-none-eabi)
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing ${missing[*]} with apt-get (the Arm cross compiler; about 2 GB, some minutes) ..." >&2
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    else
        echo "error: not installed: ${missing[*]}" >&2
        echo "  try:   sudo apt-get install ${missing[*]}   (or Arm's own arm-none-eabi toolchain on PATH)" >&2
        exit 3
    fi
}

# The second emulator, for the boards of QEMU: its tests are skipped without it, so its absence is no error.
want_emulator() {
    command -v qemu-system-arm >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing qemu-system-arm with apt-get ..." >&2
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-system-arm; } >/dev/null && return
    fi
    echo "note: qemu-system-arm is not on PATH; what needs it is skipped (Debian: apt-get install qemu-system-arm)" >&2
}

# need_venv EXTRAS: installs the checkout with these extras; a stamp keeps the second run fast.
need_venv() {
    local stamp
    stamp="$1 $(sha256sum pyproject.toml | cut -d' ' -f1)"
    [ -x .venv/bin/python ] || { need_python; echo "creating .venv with $PYTHON ..." >&2; "$PYTHON" -m venv .venv; }
    grep -qxF "$stamp" .venv/tinyperf-stamp 2>/dev/null && return
    echo "installing tinyperf[$1] into .venv ..." >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$1]"
    echo "$stamp" >> .venv/tinyperf-stamp
}
