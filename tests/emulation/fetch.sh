#!/usr/bin/env bash
# Fetch a Python for Linux on arm64 and an emulator to run it with, into .sluice/arm64 (30 MB; on Debian).
# `sluice package --check` imports the functions' handlers with it.
set -euo pipefail
target="$(cd "$(dirname "$0")/../.." && pwd)/.sluice/arm64"
[ ! -x "$target/python" ] || exit 0
command -v apt-get >/dev/null || { echo "error: no apt-get here; name a Python for arm64 in SLUICE_TARGET_PYTHON" >&2; exit 2; }
if ! command -v qemu-aarch64-static >/dev/null; then
  as_root=(); [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user-static >/dev/null
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,debs,root}
# Python 3.13 is Debian 13's, from the mirror that this machine uses; apt checks its signature with the keys that are installed.
mirror="$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | head -n 1)"
echo "deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" \
  > "$work/sources.list"
touch "$work/status"
apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work"
  -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Acquire::Languages=none -o APT::Sandbox::User=root)
"${apt[@]}" update
(cd "$work/debs" && "${apt[@]}" download python3.13-minimal libpython3.13-minimal libpython3.13-stdlib libc6 \
  libbz2-1.0 libexpat1 libffi8 libgcc-s1 liblzma5 libsqlite3-0 libssl3t64 libstdc++6 libuuid1 libzstd1 zlib1g)
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/root"; done
[ -e "$work/root/lib" ] || ln -s usr/lib "$work/root/lib"
mkdir -p "$target"
rm -rf "$target/root"
mv "$work/root" "$target/root"
printf '#!/bin/sh\nexec qemu-aarch64-static -L "%s" "%s" "$@"\n' "$target/root" "$target/root/usr/bin/python3.13" > "$target/python"
chmod +x "$target/python"
