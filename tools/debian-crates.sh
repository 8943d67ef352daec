#!/usr/bin/env bash
# Crates from Debian's librust-*-dev packages, for a machine that cannot reach the Rust registry.
#
#   tools/debian-crates.sh          # for the library
#   tools/debian-crates.sh web      # for the page, which is a workspace of its own in web/
#
# Reads Cargo.toml (and web/Cargo.toml, for the page alone), asks a private apt (own lists, own status, own cache; the
# system's apt is left as it is) for the packages and all they depend on, unpacks them into a cache outside the checkout
# and points the checkout's git-ignored .cargo/config.toml at it. SQLite is compiled from the amalgamation that npm's
# better-sqlite3 carries. What is already there is not fetched again. The build calls this; see docs/development.md.
set -euo pipefail

readonly marker='# Written by tools/debian-crates.sh; build.sh replaces or removes it as needed.'
# Raised when the layout of the cache changes, so that an old one is not taken for a new one.
readonly layout=1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/private-apt.sh
. "$root/tools/private-apt.sh"
# shellcheck source=tools/sqlite.sh
. "$root/tools/sqlite.sh"
# Where the configuration and the lock file go, and whose manifests are read.
member=$root
manifests=("$root/Cargo.toml")
case ${1:-} in
'') ;;
web)
    member=$root/web
    manifests+=("$root/web/Cargo.toml")
    ;;
*)
    printf 'debian-crates: %s is neither nothing nor web\n' "$1" >&2
    exit 1
    ;;
esac
suite=${UMPIN_DEBIAN_SUITE:-forky}
cache=${UMPIN_CACHE:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
apt_dir=$cache/debian-crates/apt-$suite

say() { printf '  %s\n' "$*"; }
die() {
    printf 'debian-crates: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || die "the program '$1' is missing." \
        "The Rust registry cannot be reached, and the replacement, Debian's packages of crates, needs $1 ($2)." \
        "Either install it, or give cargo a way to the registry (a proxy, a mirror or a vendored source in" \
        "cargo's own configuration)."
}

# name, compatible version (0.x or the major number) and features of each dependency in the manifests, one a line.
dependencies() {
    awk '
        function emit(line,    name, version, features, n, i, parts) {
            name = line; sub(/[ \t]*=.*/, "", name); gsub(/["\047 ]/, "", name)
            version = line
            if (line ~ /=[ \t]*\{/) {
                if (line ~ /[{,][ \t]*path[ \t]*=/) return
                if (match(line, /package[ \t]*=[ \t]*"[^"]*"/)) {
                    name = substr(line, RSTART, RLENGTH)
                    gsub(/.*= *"|"/, "", name)
                }
                if (!match(line, /version[ \t]*=[ \t]*"[^"]*"/)) return
                version = substr(line, RSTART, RLENGTH)
            }
            sub(/^[^=]*=[ \t]*"/, "", version); sub(/".*/, "", version)
            gsub(/^[ =^~<>]+/, "", version); sub(/[, ].*/, "", version)
            split(version, parts, ".")
            version = parts[1] == "0" ? parts[1] "." parts[2] : parts[1]
            features = ""
            if (match(line, /(^|[^-])features[ \t]*=[ \t]*\[[^]]*\]/)) {
                features = substr(line, RSTART, RLENGTH)
                sub(/^[^[]*\[/, "", features); gsub(/[]", \t]+/, " ", features)
            }
            if (line !~ /default-features[ \t]*=[ \t]*false/) features = "default " features
            print name, version, features
        }
        /^[ \t]*#/ { next }
        /^\[/ {
            on = ($0 ~ /^\[((build-|dev-)?dependencies|target\..*\.((build-|dev-)?dependencies))\]/)
            held = ""
            next
        }
        !on { next }
        {
            line = $0
            sub(/[ \t]#.*$/, "", line)
            held = held line
            open = held; close_ = held
            if (gsub(/[[{]/, "", open) > gsub(/[]}]/, "", close_)) next
            if (held ~ /=/) emit(held)
            held = ""
        }' "${manifests[@]}"
}

dependencies_text=$(dependencies)
key=$(printf '%s\n' "$layout $suite" "$dependencies_text" | sha256sum | cut -c1-16)
vendor=$cache/debian-crates/$key
sqlite=$cache/sqlite-$sqlite_made
config=$member/.cargo/config.toml

write_config() {
    local text
    text=$(
        printf '%s\n' "$marker" "# crates: debian $key"
        printf '%s\n' '[source.crates-io]' 'replace-with = "debian-crates"' '' '[source.debian-crates]' \
            "directory = '$vendor/crates'" ''
        printf '%s\n' '[env]' 'SQLITE3_STATIC = "1"' 'SQLITE3_NO_PKG_CONFIG = "1"' \
            "SQLITE3_LIB_DIR = '$sqlite/lib'" "SQLITE3_INCLUDE_DIR = '$sqlite/include'"
    )
    if [[ -f $config ]]; then
        if ! grep -qF 'tools/debian-crates.sh' "$config"; then
            die "$config was not written by this script, so it stays as it is." \
                "Move it away, or set UMPIN_CRATES=registry to build with your own source settings."
        fi
        if [[ $(cat "$config") == "$text" ]]; then return 0; fi
        # Other packages than before: what was locked may be gone.
        rm -f "$member/Cargo.lock"
    fi
    mkdir -p "$member/.cargo"
    printf '%s\n' "$text" >"$config.$$"
    mv -f "$config.$$" "$config"
}

# A lock file from the registry carries checksums that a directory source has not.
if [[ -f $member/Cargo.lock ]] && grep -q '^checksum = ' "$member/Cargo.lock"; then rm -f "$member/Cargo.lock"; fi

if [[ -f $vendor/.complete && -f $sqlite/.complete && -z ${UMPIN_REFRESH:-} ]]; then
    write_config
    exit 0
fi

need apt-get "Debian's package tool; a container or machine of Debian 12 or later has it"
need dpkg-deb 'from Debian'
need flock 'from util-linux'
need cc 'a C compiler, for SQLite'
need ar 'from binutils'
need npm 'Node.js with npm, for the SQLite amalgamation'

exec 9>"$cache/debian-crates.lock"
if ! flock -n 9; then
    say 'another build is filling the cache; waiting for it'
    flock -w 900 9 || die 'the other build did not finish within 15 minutes.' \
        "If none is running, delete $cache/debian-crates.lock."
fi
if [[ -f $vendor/.complete && -f $sqlite/.complete && -z ${UMPIN_REFRESH:-} ]]; then
    write_config
    exit 0
fi

scratch=$(mktemp -d "$cache/.scratch.XXXXXX")
trap 'if [[ -n ${compiling:-} ]]; then wait "$compiling" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT

prepare_apt() {
    private_apt_prepare "$apt_dir" "$suite" || die \
        'no Debian mirror was found in the apt configuration of this machine.' \
        'Set UMPIN_DEBIAN_MIRROR to the address of one.'
}

apt_run() { private_apt "$apt_dir" "$@"; }

update_lists() {
    say "reading the package lists of Debian $suite"
    apt_run apt-get -q update >"$scratch/update.log" 2>&1 || {
        tail -n 15 "$scratch/update.log" >&2
        die "the package lists of Debian $suite could not be read." \
            'Check the network and the mirror (UMPIN_DEBIAN_MIRROR, UMPIN_DEBIAN_SUITE).'
    }
    rm -f "$apt_dir"/names
}

# Names of the packages that Cargo.toml asks for; a crate that the suite lacks is reported with what it has instead.
roots() {
    local name version features package feature missing=0
    if [[ ! -s $apt_dir/names ]]; then
        apt_run apt-cache dumpavail | awk '
            /^Package: / { own = $2; rust = (own ~ /^librust-/); if (rust) print own }
            rust && /^Provides: / {
                sub(/^Provides: /, ""); n = split($0, all, /, */)
                for (i = 1; i <= n; i++) { sub(/ .*/, "", all[i]); print all[i] }
            }' | sort -u >"$apt_dir/names.$$"
        mv -f "$apt_dir/names.$$" "$apt_dir/names"
    fi
    while read -r name version features; do
        [[ -n $name ]] || continue
        package=librust-${name//_/-}-$version
        if ! grep -qxF -- "$package-dev" "$apt_dir/names"; then
            printf "debian-crates: Debian %s has no crate %s %s; it has: %s\n" "$suite" "$name" "$version" \
                "$(grep -E "^librust-${name//_/-}-[0-9.]+-dev\$" "$apt_dir/names" | tr '\n' ' ')" >&2
            missing=1
            continue
        fi
        printf '%s\n' "$package-dev"
        for feature in $features; do
            # A feature that needs nothing more has no package of its own; one that does not exist, cargo names.
            feature=$package+${feature//_/-}-dev
            if grep -qxF -- "$feature" "$apt_dir/names"; then printf '%s\n' "$feature"; fi
        done
    done <<<"$dependencies_text"
    return "$missing"
}

# Name, version and file of each package in the closure: apt's own solver, on a machine with nothing installed.
solve() {
    local wanted
    mapfile -t wanted <"$scratch/roots"
    private_apt_resolve "$apt_dir" "${wanted[@]}" >"$scratch/all" 2>"$scratch/solve.log" || {
        tail -n 20 "$apt_dir/uris" "$scratch/solve.log" >&2
        die 'the dependencies of the crates cannot be resolved from these package lists (see above).' \
            'Run with UMPIN_REFRESH=1 to read the lists anew.'
    }
    grep '^librust-' "$scratch/all" >"$scratch/closure" || true
    [[ -s $scratch/closure ]] || die 'apt named no package of a crate. It answered:' "$(tail -n 15 "$apt_dir/uris")"
}

download() {
    local spec file
    local -a wanted=()
    while read -r spec file; do
        [[ -s $apt_dir/archives/$file ]] || wanted+=("$spec")
    done <"$scratch/closure"
    ((${#wanted[@]})) || return 0
    say "fetching ${#wanted[@]} of $(wc -l <"$scratch/closure") packages of crates (about half a minute for all)"
    private_apt_download "$apt_dir" "$scratch/get" "${wanted[@]}" >"$scratch/download.log" 2>&1 || return 1
    mv -f "$scratch"/get/*.deb "$apt_dir/archives/"
}

fetch_crates() {
    local spec file manifest work
    prepare_apt
    if [[ -n ${UMPIN_REFRESH:-} ]] || ! compgen -G "$apt_dir/lists/*Packages*" >/dev/null; then update_lists; fi
    if ! roots >"$scratch/roots" 2>"$scratch/missing"; then
        update_lists
        roots >"$scratch/roots" || die 'Cargo.toml asks for crates that this Debian suite lacks (named above).' \
            'Build where the Rust registry can be reached, or change the requirement.'
    fi
    solve
    if ! download; then
        say 'some packages were not there any more; the suite has moved on'
        update_lists
        solve
        download || {
            tail -n 15 "$scratch/download.log" >&2
            die 'packages of crates could not be fetched.'
        }
    fi
    say 'unpacking the crates'
    work=$scratch/vendor
    mkdir -p "$work/unpacked"
    while read -r spec file; do
        dpkg-deb --fsys-tarfile "$apt_dir/archives/$file" |
            tar -x -C "$work/unpacked" --wildcards --no-wildcards-match-slash --no-same-owner \
                './usr/share/cargo/registry' 2>/dev/null || {
            # A package that only points to others (a feature's) carries no crate.
            if dpkg-deb -c "$apt_dir/archives/$file" | grep -q 'usr/share/cargo/registry/.*Cargo.toml'; then
                die "$file could not be unpacked." "Delete $apt_dir/archives/$file and run again."
            fi
        }
    done <"$scratch/closure"
    mv "$work/unpacked/usr/share/cargo/registry" "$work/crates"
    rm -rf "$work/unpacked"
    # Debian's checksum files hold placeholders, or sums from before its patches.
    for manifest in "$work"/crates/*/Cargo.toml; do
        printf '{"files":{}}\n' >"${manifest%/*}/.cargo-checksum.json"
    done
    for manifest in "$work"/crates/rusqlite-[0-9]*/Cargo.toml; do
        # Debian links the system's SQLite and drops the feature that our manifest asks for.
        if [[ -f $manifest ]] && ! grep -q '^bundled = ' "$manifest"; then
            sed -i 's/^\[features\]$/[features]\nbundled = []/' "$manifest"
        fi
    done
    cut -d' ' -f1 "$scratch/closure" >"$work/packages"
    date -u +%Y-%m-%dT%H:%M:%SZ >"$work/.complete"
    mkdir -p "${vendor%/*}"
    if [[ -d $vendor ]]; then mv "$vendor" "$scratch/old"; fi
    mv "$work" "$vendor"
}

build_sqlite() {
    say "fetching and compiling SQLite (from npm's better-sqlite3)"
    sqlite_build "$scratch/sqlite" || die 'SQLite could not be made (see above).'
    if [[ -d $sqlite ]]; then mv "$sqlite" "$scratch/old-sqlite"; fi
    mv "$scratch/sqlite" "$sqlite"
}

# SQLite takes a core for half a minute; the crates take the network.
compiling=
if [[ ! -f $sqlite/.complete || -n ${UMPIN_REFRESH:-} ]]; then
    build_sqlite &
    compiling=$!
fi
if [[ ! -f $vendor/.complete || -n ${UMPIN_REFRESH:-} ]]; then fetch_crates; fi
if [[ -n $compiling ]]; then wait "$compiling" || exit 1; fi
write_config
version=$(grep -o -m1 'SQLITE_VERSION  *"[^"]*"' "$sqlite/include/sqlite3.h" | cut -d'"' -f2)
say "crates: $(wc -l <"$vendor/packages") packages of Debian $suite; SQLite: $version, static"
