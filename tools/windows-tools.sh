#!/usr/bin/env bash
# What building for Windows needs, into a cache outside the checkout. Nothing is installed, and root is not needed.
#
#   tools/windows-tools.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/windows
#
#   mingw      the C compiler and linker (Debian's packages of the machine's own suite; where PATH has one, that one)
#   rust       a toolchain with Rust's library for x86_64-pc-windows-gnu; crates: what goes with it (tools/rust-std.sh)
#   sqlite     where the crates come from Debian: SQLite for Windows
#
# Written at the end: windows/env, which the build program reads: a line "NAME=VALUE" each for toolchain, crates, bin
# and sqlite; an empty one means that the usual one does. About 100 MB of downloads. Exit status 3: something cannot be
# had here (named); what needs it is then skipped by that name.
set -euo pipefail

# Raised when the layout of the cache changes.
readonly layout=2

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/private-apt.sh
. "$root/tools/private-apt.sh"
# shellcheck source=tools/rust-std.sh
. "$root/tools/rust-std.sh"
# shellcheck source=tools/sqlite.sh
. "$root/tools/sqlite.sh"
tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools/windows"
tools=$(cd "$tools" && pwd)
target=$tools/windows

say() { printf '  %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }
give_up() {
    printf 'windows-tools: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 3
}
is_complete() { [[ $(cat "$target/$1/.complete" 2>/dev/null) == "$2" ]]; }

has flock || give_up "the program 'flock' is missing (util-linux)."
exec 9>"$target/lock"
flock -w 1800 9 || give_up 'another run has been filling the folder for 30 minutes.' \
    "If none is running, delete $target/lock."
scratch=$(mktemp -d "$target/.scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# apt_for SUITE: an apt of our own that counts nothing as installed.
apt_for() {
    local program
    for program in apt-get dpkg-deb; do
        has "$program" || give_up "the program '$program' is missing; the packages come from Debian."
    done
    rm -rf "$scratch/apt" "$scratch/debs"
    private_apt_prepare "$scratch/apt" "$1" ||
        give_up 'no Debian mirror was found in the apt configuration of this machine.' \
            'Set UMPIN_DEBIAN_MIRROR to the address of one.'
    private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
        give_up "the package lists of Debian $1 could not be read:" "$(tail -n 3 "$scratch/log")"
}

# unpack FOLDER PACKAGE...
unpack() {
    local folder=$1
    shift
    private_apt_download "$scratch/apt" "$scratch/debs" "$@" >"$scratch/log" 2>&1 ||
        give_up "$1 and others could not be fetched:" "$(tail -n 3 "$scratch/log")"
    private_apt_unpack "$scratch/debs" "$folder" || give_up 'the packages could not be unpacked.'
}

# keep NAME STAMP: what scratch/NAME holds becomes target/NAME.
keep() {
    printf '%s\n' "$2" >"$scratch/$1/.complete"
    rm -rf "${target:?}/$1"
    mv "$scratch/$1" "$target/$1"
}

mingw() {
    local suite
    if has x86_64-w64-mingw32-gcc; then
        mingw_bin=$(dirname "$(command -v x86_64-w64-mingw32-gcc)")
        return
    fi
    mingw_bin=$target/mingw/usr/bin
    if is_complete mingw "$layout"; then return; fi
    suite=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || true
    [[ -n $suite ]] || give_up 'there is no x86_64-w64-mingw32-gcc, and this is not Debian, so none is fetched.'
    say "fetching the C compiler for Windows from Debian $suite"
    apt_for "$suite"
    unpack "$scratch/mingw" gcc-mingw-w64-x86-64-posix gcc-mingw-w64-x86-64-posix-runtime gcc-mingw-w64-base \
        binutils-mingw-w64-x86-64 mingw-w64-x86-64-dev mingw-w64-common
    ln -s x86_64-w64-mingw32-gcc-posix "$scratch/mingw/usr/bin/x86_64-w64-mingw32-gcc"
    "$scratch/mingw/usr/bin/x86_64-w64-mingw32-gcc" --version >/dev/null ||
        give_up 'the C compiler for Windows does not start.'
    keep mingw "$layout"
}

# Debian leaves windows-sys out. Only tempfile, which the tests use, wants it: these functions and numbers of Win32.
stand_in_for_windows_sys() {
    cat <<'RUST'
#[allow(non_snake_case)]
mod windows_sys {
    pub mod Win32 {
        pub mod Foundation {
            pub type HANDLE = *mut std::ffi::c_void;
            pub const INVALID_HANDLE_VALUE: HANDLE = -1isize as HANDLE;
        }
        pub mod Storage {
            pub mod FileSystem {
                use super::super::Foundation::HANDLE;
                pub const FILE_ATTRIBUTE_NORMAL: u32 = 0x80;
                pub const FILE_ATTRIBUTE_TEMPORARY: u32 = 0x100;
                pub const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
                pub const FILE_GENERIC_READ: u32 = 0x0012_0089;
                pub const FILE_GENERIC_WRITE: u32 = 0x0012_0116;
                pub const FILE_SHARE_READ: u32 = 1;
                pub const FILE_SHARE_WRITE: u32 = 2;
                pub const FILE_SHARE_DELETE: u32 = 4;
                pub const MOVEFILE_REPLACE_EXISTING: u32 = 1;
                #[link(name = "kernel32")]
                extern "system" {
                    pub fn MoveFileExW(from: *const u16, to: *const u16, flags: u32) -> i32;
                    pub fn SetFileAttributesW(name: *const u16, attributes: u32) -> i32;
                    pub fn ReOpenFile(file: HANDLE, access: u32, share: u32, flags: u32) -> HANDLE;
                }
            }
        }
    }
}
RUST
}

rust() {
    local source
    rust_std_prepare "$target" "$root" x86_64-pc-windows-gnu || give_up "$rust_std_gap."
    for source in "$rust_std_crates"/tempfile-3*/src/file/imp/windows.rs; do
        if [[ -f $source ]] && ! grep -q '^mod windows_sys' "$source"; then stand_in_for_windows_sys >>"$source"; fi
    done
}

# The library, compiled once for all checkouts: a toolchain as `rustup target add` would have it.
std() {
    local lib=$rust_std_toolchain/lib/rustlib/x86_64-pc-windows-gnu/lib made=$scratch/std/target/lib
    if [[ -z $rust_std_toolchain || -e $lib/.complete ]]; then return 0; fi
    say "compiling Rust's library for Windows"
    mkdir -p "$scratch/std/src"
    : >"$scratch/std/src/lib.rs"
    printf '%s\n' '[package]' 'name = "nothing"' 'edition = "2024"' '[workspace]' >"$scratch/std/Cargo.toml"
    (cd "$scratch/std" && PATH=$rust_std_toolchain/bin:$mingw_bin:$PATH RUSTC=$rust_std_toolchain/bin/rustc \
        CARGO_TARGET_DIR=$scratch/std/target "$rust_std_toolchain/bin/cargo" build --release \
        --target x86_64-pc-windows-gnu -Zbuild-std=std,panic_unwind,test \
        --config "source.crates-io.replace-with='std'" --config "source.std.directory='$rust_std_crates'" \
        >"$scratch/log" 2>&1) ||
        give_up "Rust's library could not be compiled for Windows:" "$(tail -n 3 "$scratch/log")"
    mkdir -p "$made"
    mv "$scratch/std/target/x86_64-pc-windows-gnu/release/deps"/*.rlib "$made/"
    rm -f "$made"/libnothing-*
    touch "$made/.complete"
    rm -rf "${lib%/lib}"
    mkdir -p "${lib%/lib}"
    mv "$made" "$lib"
}

sqlite() {
    sqlite_folder=
    grep -qs 'tools/debian-crates.sh' "$root/.cargo/config.toml" || return 0
    sqlite_folder=$target/sqlite
    if is_complete sqlite "$layout $sqlite_made"; then return; fi
    say 'fetching and compiling SQLite for Windows'
    has npm || give_up 'npm is missing; SQLite comes from its package better-sqlite3.'
    sqlite_build "$scratch/sqlite" "$mingw_bin/x86_64-w64-mingw32-" ||
        give_up 'SQLite could not be compiled for Windows (see above).'
    keep sqlite "$layout $sqlite_made"
}

mingw
rust
std
sqlite
printf '%s\n' "toolchain=$rust_std_toolchain" "crates=$rust_std_crates" "bin=$mingw_bin" "sqlite=$sqlite_folder" \
    >"$target/env.$$"
mv -f "$target/env.$$" "$target/env"
