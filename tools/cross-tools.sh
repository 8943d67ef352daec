#!/usr/bin/env bash
# What building for other Linux processors needs, into a cache outside the checkout: C compilers, Rust's standard
# library, SQLite, and QEMU to run the result. Nothing is installed, and root is not needed.
#
#   tools/cross-tools.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/cross
#
# Compilers on PATH are used; else they are Debian's. Written at the end: cross/env, which the build program reads: a
# line "NAME=VALUE" each for toolchain, crates, bin, qemu and sqlite; an empty one means that the usual one does. About
# 110 MB of downloads. Exit status 3: something cannot be had here (named); what needs it is then skipped by that name.
set -euo pipefail

# Raised when the layout of the cache changes.
readonly layout=1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/private-apt.sh
. "$root/tools/private-apt.sh"
# shellcheck source=tools/rust-std.sh
. "$root/tools/rust-std.sh"
# shellcheck source=tools/sqlite.sh
. "$root/tools/sqlite.sh"
tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools/cross"
tools=$(cd "$tools" && pwd)
target=$tools/cross

say() { printf '  %s\n' "$*"; }
give_up() {
    printf 'cross-tools: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 3
}

exec 9>"$target/lock"
flock -w 1800 9 || give_up 'another run has been filling the folder for 30 minutes.' \
    "If none is running, delete $target/lock."
bin='' qemu=''
scratch=$(mktemp -d "$target/.scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Of the machine's own suite, since they run on it, and so that the result asks for no newer C library than it has.
compilers() {
    local suite script program
    if command -v aarch64-linux-gnu-gcc arm-linux-gnueabihf-gcc >/dev/null; then
        bin=$(dirname "$(command -v aarch64-linux-gnu-gcc)")
        qemu=$bin
        return 0
    fi
    bin=$target/root/bin qemu=$target/root/usr/bin
    if [[ $(cat "$target/root/.complete" 2>/dev/null) == "$layout" ]]; then return 0; fi
    suite=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || true
    [[ -n $suite ]] || give_up 'this is not Debian, so no compilers are fetched.'
    for program in apt-get dpkg-deb; do
        command -v "$program" >/dev/null 2>&1 ||
            give_up "the program '$program' is missing; the compilers come from Debian."
    done
    say "fetching the C compilers for arm64 and armhf and QEMU from Debian $suite"
    private_apt_prepare "$scratch/apt" "$suite" /var/lib/dpkg/status || give_up \
        'no Debian mirror was found in the apt configuration of this machine.' \
        'Set UMPIN_DEBIAN_MIRROR to the address of one.'
    private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
        give_up "the package lists of Debian $suite could not be read:" "$(tail -n 3 "$scratch/log")"
    private_apt_resolve "$scratch/apt" gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf \
        libc6-dev-armhf-cross qemu-user-static >"$scratch/closure" 2>"$scratch/log" ||
        give_up 'the packages cannot be resolved:' "$(tail -n 5 "$scratch/log")"
    mapfile -t wanted < <(cut -d' ' -f1 "$scratch/closure")
    private_apt_download "$scratch/apt" "$scratch/debs" "${wanted[@]}" >"$scratch/log" 2>&1 ||
        give_up 'the packages could not be fetched:' "$(tail -n 3 "$scratch/log")"
    private_apt_unpack "$scratch/debs" "$scratch/root" || give_up 'the packages could not be unpacked.'
    # These name their parts from the root of the file system.
    for script in "$scratch"/root/usr/*-linux-gnu*/lib/lib*.so; do
        if [[ ! -L $script ]] && head -c 64 "$script" | grep -q 'GNU ld script'; then
            sed -i 's|/usr/[^ ]*/lib/||g' "$script"
        fi
    done
    # The programs need the libraries that came with them.
    mkdir "$scratch/root/bin"
    for script in "$scratch"/root/usr/bin/{aarch64-linux-gnu,arm-linux-gnueabihf}-{gcc,ar,strip,objdump}; do
        # shellcheck disable=SC2016 # for the program's start, not now
        printf '%s\n' '#!/bin/sh' 'here=$(dirname "$0")/..' \
            'LD_LIBRARY_PATH=$here/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}' \
            'export LD_LIBRARY_PATH' "exec \"\$here/usr/bin/${script##*/}\" \"\$@\"" >"$scratch/root/bin/${script##*/}"
        chmod 755 "$scratch/root/bin/${script##*/}"
    done
    printf '%s\n' "$layout" >"$scratch/root/.complete"
    rm -rf "${target:?}/root"
    mv "$scratch/root" "$target/root"
}

# sqlite TRIPLE: of the very version that the machine's own library is built with.
sqlite() {
    local version
    version=$(sed -n "s/^SQLITE3_LIB_DIR = '\(.*\)\/lib'\$/\1/p" "$root/.cargo/config.toml")
    # better-sqlite3-VERSION.tgz
    version=$(cat "$version/.complete")
    if [[ $(cat "$target/sqlite/$1/.complete" 2>/dev/null) == "$version" &&
        $(cat "$target/sqlite/$1/.made" 2>/dev/null) == "$sqlite_made" ]]; then return 0; fi
    say "compiling SQLite for $1"
    rm -rf "$scratch/sqlite"
    sqlite_build "$scratch/sqlite" "$bin/$1-" "${version:15:-4}" ||
        give_up "SQLite could not be compiled for $1 (see above)."
    mkdir -p "$target/sqlite"
    rm -rf "${target:?}/sqlite/$1"
    printf '%s\n' "$sqlite_made" >"$scratch/sqlite/.made"
    mv "$scratch/sqlite" "$target/sqlite/$1"
}

compilers
rust_std_prepare "$target" "$root" aarch64-unknown-linux-gnu armv7-unknown-linux-gnueabihf || give_up "$rust_std_gap."
sqlite_folder=
if grep -qs 'tools/debian-crates.sh' "$root/.cargo/config.toml"; then
    sqlite_folder=$target/sqlite
    sqlite aarch64-linux-gnu
    sqlite arm-linux-gnueabihf
fi
printf '%s\n' "toolchain=$rust_std_toolchain" "crates=$rust_std_crates" "bin=$bin" "qemu=$qemu" \
    "sqlite=$sqlite_folder" >"$target/env.$$"
mv -f "$target/env.$$" "$target/env"
