#!/usr/bin/env bash
# Installs what `make test` needs beyond the Rust toolchain, and only what is missing:
# Debian packages, pinned Python tools in .venv, pinned npm packages in tests/node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
# Without it a bare machine draws Vietnamese in a font that lacks half the letters.
compgen -G '/usr/share/fonts/truetype/noto/NotoSans-Regular.*' >/dev/null || missing+=(fonts-noto-core)
command -v setsid >/dev/null || missing+=(util-linux)
command -v pkill >/dev/null || missing+=(procps)
command -v faketime >/dev/null || missing+=(faketime)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v strip >/dev/null || missing+=(binutils)
command -v nginx >/dev/null || missing+=(nginx)
command -v openssl >/dev/null || missing+=(openssl)
# arm64 functions run here, with the libraries they find on Lambda.
command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user-static)
[[ -e /usr/aarch64-linux-gnu/lib/libc.so.6 ]] || missing+=(libc6-arm64-cross)
[[ -e /usr/aarch64-linux-gnu/lib/libgcc_s.so.1 ]] || missing+=(libgcc-s1-arm64-cross)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

if ((${#missing[@]})); then
    echo "Debian packages missing: ${missing[*]}"
    sudo=()
    if (($(id -u) != 0)); then
        sudo=(sudo -n)
    fi
    if ! command -v apt-get >/dev/null || { ((${#sudo[@]})) && ! sudo -n true 2>/dev/null; }; then
        echo "They cannot be installed from here. Ask whoever runs this machine for:" >&2
        echo "    apt-get install ${missing[*]}" >&2
        exit 1
    fi
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
fi

if ! cmp -s tests/requirements.txt .venv/installed.txt; then
    echo "Python tools: .venv from tests/requirements.txt"
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
    cp tests/requirements.txt .venv/installed.txt
fi

# Its dependencies are older than those of aws-sam-cli.
if ! cmp -s tests/requirements-checkov.txt .venv/checkov/installed.txt; then
    echo "checkov: .venv/checkov from tests/requirements-checkov.txt"
    python3 -m venv .venv/checkov
    .venv/checkov/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-checkov.txt
    cp tests/requirements-checkov.txt .venv/checkov/installed.txt
fi

# It pins its own botocore.
if ! cmp -s tests/requirements-foreign.txt .venv/foreign/installed.txt; then
    echo "ministack: .venv/foreign from tests/requirements-foreign.txt"
    python3 -m venv .venv/foreign
    .venv/foreign/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-foreign.txt
    cp tests/requirements-foreign.txt .venv/foreign/installed.txt
fi

if ! rustup target list --installed | grep -qx aarch64-unknown-linux-gnu; then
    echo "Rust's standard library for arm64"
    rustup target add aarch64-unknown-linux-gnu
fi

if ! cmp -s tests/package-lock.json tests/node_modules/installed.json; then
    echo "npm packages: tests/node_modules from tests/package-lock.json"
    npm ci --prefix tests --no-audit --no-fund --loglevel=error
    cp tests/package-lock.json tests/node_modules/installed.json
fi
