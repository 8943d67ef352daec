#!/usr/bin/env bash
# Builds, shows, tests and measures UMMailboxPin on Linux and macOS (on Windows: build.ps1). This only finds cargo and
# hands over to tools/xtask, where every verb stands once. `./build.sh --help` lists them; see docs/development.md.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
die() {
    printf 'build.sh: %s\n' "$@" >&2
    exit 1
}

if [[ -z ${HOME:-} || ! -d $HOME || ! -w $HOME ]]; then
    # cargo, dotnet, npm and pwsh all want one. It stays, since the cache below it is used again.
    HOME=${TMPDIR:-/tmp}/umpin-home-$(id -u)
    [[ -d $HOME ]] || mkdir -m 700 "$HOME"
    # A link to a folder of ours would be ours, too, and whoever made it could turn it elsewhere.
    [[ -O $HOME && ! -L $HOME ]] ||
        die "HOME is not set to a writable folder, and $HOME is somebody else's or a link. Set HOME."
    export HOME
fi
PATH=$PATH:$HOME/.cargo/bin
cargo=$(command -v cargo) || die 'cargo is missing. Install Rust (the rust-version in Cargo.toml, or later).'
if ! cargo --version >/dev/null 2>&1; then
    # rustup looks for its toolchains under HOME; with another HOME they are beside the program itself.
    if [[ -d ${cargo%/.cargo/bin/cargo}/.rustup ]]; then export RUSTUP_HOME=${cargo%/.cargo/bin/cargo}/.rustup; fi
    cargo --version >/dev/null || die 'cargo is there but does not start (its own message is above).'
fi
exec cargo run --quiet --manifest-path "$root/tools/xtask/Cargo.toml" --target-dir "$root/target/xtask" -- "$@"
