# shellcheck shell=bash
# shellcheck disable=SC2034 # the results are the caller's
# Rust's standard library for another target, for scripts that source this file after tools/private-apt.sh.
#
# `rustup target add` where it can be had. Else Debian's rust-src is put beside a copy, in links, of the nightly
# toolchain that is here, which then builds the library itself (-Zbuild-std); that wants its crates in one folder with
# ours, so it goes with the crates of tools/debian-crates.sh alone.

# Raised when the layout of the folders changes.
readonly rust_std_layout=1

# rust_std_prepare FOLDER CHECKOUT TRIPLE...: 0, and rust_std_toolchain and rust_std_crates tell where (both empty: the
# usual toolchain has it); 1, and rust_std_gap tells what is missing.
rust_std_prepare() {
    local folder=$1 checkout=$2 triple
    rust_std_toolchain='' rust_std_crates='' rust_std_gap=''
    shift 2
    if ! command -v rustup >/dev/null; then
        rust_std_gap="there is no rustup here, so neither Rust's libraries for $* nor a nightly to build them with"
        return 1
    fi
    for triple in "$@"; do
        if rustup target list --installed 2>/dev/null | grep -qxF "$triple"; then continue; fi
        rustup target add "$triple" >/dev/null 2>&1 || {
            rust_std_source "$folder" && rust_std_merge "$folder" "$checkout"
            return
        }
    done
}

# A toolchain with the library's source in it, in FOLDER/rust.
rust_std_source() {
    local folder=$1 nightly source version work=$1/.rust.$$
    if ! nightly=$(rustc +nightly --print sysroot 2>/dev/null); then
        rust_std_gap="Rust's libraries cannot be had (rustup target add), and there is no nightly to build them with"
        return 1
    fi
    version=$(rustc +nightly --version)
    rust_std_toolchain=$folder/rust
    if [[ $(cat "$folder/rust/.complete" 2>/dev/null) == "$rust_std_layout $version" ]]; then return 0; fi
    rm -rf "$work"
    mkdir -p "$work"
    if ! { private_apt_prepare "$work/apt" "${UMPIN_DEBIAN_SUITE:-forky}" &&
        private_apt "$work/apt" apt-get -q update &&
        private_apt_download "$work/apt" "$work/debs" rust-src &&
        private_apt_unpack "$work/debs" "$work/src"; } >"$folder/rust-src.log" 2>&1; then
        rust_std_gap="Debian's rust-src could not be had: $(tail -n 1 "$folder/rust-src.log")"
        rm -rf "$work"
        return 1
    fi
    source=$(compgen -G "$work/src/usr/src/rustc-*/library" | head -n 1)
    if [[ -z $source ]]; then
        rust_std_gap='the package rust-src holds no library'
        rm -rf "$work"
        return 1
    fi
    # Files of its own, in links where the file system allows it: the toolchain itself is left as it is.
    cp -al "$nightly" "$work/rust" 2>/dev/null || { rm -rf "$work/rust" && cp -a "$nightly" "$work/rust"; }
    mkdir -p "$work/rust/lib/rustlib/src"
    mv "${source%/library}" "$work/rust/lib/rustlib/src/rust"
    # Debian's crates have no checksums that would fit.
    sed -i '/^checksum = /d' "$work/rust/lib/rustlib/src/rust/library/Cargo.lock"
    printf '%s\n' "$rust_std_layout $version" >"$work/rust/.complete"
    rm -rf "${folder:?}/rust"
    mv "$work/rust" "$folder/rust"
    rm -rf "$work"
}

# Our crates and the library's own in one folder, FOLDER/crates.
rust_std_merge() {
    local folder=$1 checkout=$2 ours stamp crate manifest work=$1/.crates.$$
    local vendor=$1/rust/lib/rustlib/src/rust/library/vendor
    ours=$(sed -n "s/^directory = '\(.*\)'\$/\1/p" "$checkout/.cargo/config.toml" 2>/dev/null | head -n 1)
    if [[ -z $ours ]]; then
        rust_std_gap="building Rust's library goes with Debian's crates alone (UMPIN_CRATES=debian)"
        return 1
    fi
    rust_std_crates=$folder/crates
    stamp="$rust_std_layout $ours $(cat "$folder/rust/.complete")"
    if [[ $(cat "$folder/crates/.complete" 2>/dev/null) == "$stamp" ]]; then return 0; fi
    rm -rf "$work"
    mkdir -p "$work"
    cp -a "$ours/." "$work/"
    # The library's own win.
    for crate in "$vendor"/*/; do
        crate=${crate%/}
        rm -rf "${work:?}/${crate##*/}"
        cp -a "$crate" "$work/"
    done
    for manifest in "$work"/*/Cargo.toml; do printf '{"files":{}}\n' >"${manifest%/*}/.cargo-checksum.json"; done
    printf '%s\n' "$stamp" >"$work/.complete"
    rm -rf "${folder:?}/crates"
    mv "$work" "$folder/crates"
}
