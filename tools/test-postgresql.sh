#!/usr/bin/env bash
# PostgreSQL's server and its programs for the tests, unpacked into a cache outside the checkout. Nothing is installed,
# root is not needed, and no service starts.
#
#   tools/test-postgresql.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/postgresql
#
# For Debian: the packages come from the machine's own suite, so that they fit its C library. Elsewhere, install them.
# Exit status 3: they cannot be had here (named); the tests that need a server are then skipped by name.
set -euo pipefail

# shellcheck source=tools/private-apt.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/private-apt.sh"

tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
target=$tools/postgresql

say() { printf '  %s\n' "$*"; }
give_up() {
    printf 'test-postgresql: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 3
}

if [[ -f $target/.complete ]]; then exit 0; fi
suite=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || true
[[ -n $suite ]] || give_up 'this is not Debian, so nothing is fetched.'
for program in apt-get apt-cache dpkg-deb flock; do
    command -v "$program" >/dev/null 2>&1 || give_up "the program '$program' is missing."
done

exec 9>"$tools/postgresql.lock"
flock -w 600 9 || give_up 'another run has been filling the folder for 10 minutes.' \
    "If none is running, delete $tools/postgresql.lock."
if [[ -f $target/.complete ]]; then exit 0; fi
scratch=$(mktemp -d "$tools/.postgresql.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

private_apt_prepare "$scratch/apt" "$suite" || give_up 'no Debian mirror was found in the apt configuration.'
private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
    give_up "the package lists of Debian $suite could not be read:" "$(tail -n 3 "$scratch/log")"
# What the suite calls postgresql depends on the package of its version.
server=$(private_apt "$scratch/apt" apt-cache depends postgresql | sed -n 's/^ *Depends: \(postgresql-[0-9]*\)$/\1/p')
[[ -n $server ]] || give_up "Debian $suite names no PostgreSQL."
# Counted from nothing: the machine may lack any of it, and what was fetched goes with its own libraries.
private_apt_resolve "$scratch/apt" "$server" >"$scratch/closure" 2>"$scratch/log" ||
    give_up 'the packages cannot be resolved:' "$(tail -n 5 "$scratch/log")"
# Of these only the server, its programs and libraries are unpacked; the C library is the machine's own.
mapfile -t wanted < <(cut -d' ' -f1 "$scratch/closure" | grep -E '^(postgresql|lib)' |
    grep -vE '^(libc6|libc-bin|libc-l10n|libcrypt1|libgcc-s1|libstdc\+\+6|.*-perl|libperl.*)=')
say "fetching ${#wanted[@]} packages of $server from Debian $suite"
private_apt_download "$scratch/apt" "$scratch/debs" "${wanted[@]}" >"$scratch/log" 2>&1 ||
    give_up 'the packages could not be fetched:' "$(tail -n 3 "$scratch/log")"
private_apt_unpack "$scratch/debs" "$scratch/root" || give_up 'the packages could not be unpacked.'
programs=$(cd "$scratch/root" && compgen -G 'usr/lib/postgresql/*/bin') || give_up 'the packages hold no programs.'
mkdir "$scratch/root/bin"
# Each through the libraries that came with it, wherever the folder is.
for program in initdb postgres pg_ctl pg_basebackup psql createdb; do
    [[ -x $scratch/root/$programs/$program ]] || give_up "the packages hold no $program."
    {
        # shellcheck disable=SC2016 # for the program's start, not now
        printf '%s\n' '#!/bin/sh' 'root=$(cd "$(dirname "$0")/.." && pwd)' \
            'for d in "$root"/usr/lib/*-linux-* "$root"/lib/*-linux-*; do [ -d "$d" ] && p=$p${p:+:}$d; done'
        printf 'LD_LIBRARY_PATH=$p${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$root"/%s/%s "$@"\n' \
            "$programs" "$program"
    } >"$scratch/root/bin/$program"
    chmod 755 "$scratch/root/bin/$program"
done
"$scratch/root/bin/postgres" --version >"$scratch/log" 2>&1 ||
    give_up 'what was fetched does not start:' "$(tail -n 3 "$scratch/log")"
cp "$scratch/log" "$scratch/root/.complete"
rm -rf "${target:?}"
mv "$scratch/root" "$target"
say "$(cat "$target/.complete") in $target"
