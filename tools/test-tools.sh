#!/usr/bin/env bash
# Small programs that the tests use, unpacked into a cache outside the checkout: msmtp, a mail server that keeps what it
# gets (Python's aiosmtpd), Lua. Nothing is installed, root is not needed, and what the machine has is not fetched.
#
#   tools/test-tools.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/small
#
# For Debian: the packages come from the machine's own suite, so that they fit its C library and its Python. Elsewhere,
# install them; what is missing is named, the tests that need it are skipped by name, and the exit status is 3.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/private-apt.sh
. "$here/private-apt.sh"

tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
target=$tools/small

say() { printf '  %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }

# The packages whose programs neither PATH nor the cache has.
missing() {
    if ! has msmtp && [[ ! -x $target/bin/msmtp ]]; then echo msmtp; fi
    if ! has lua && ! has lua5.4 && ! has lua5.3 && [[ ! -x $target/bin/lua5.4 ]]; then echo lua5.4; fi
    if ! PYTHONPATH=$target/usr/lib/python3/dist-packages /usr/bin/python3 -c 'import aiosmtpd.controller' \
        >/dev/null 2>&1; then
        echo python3-aiosmtpd
    fi
}

give_up() {
    printf 'test-tools: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    printf '  Not there: %s. Install them, or the tests that need them are skipped by name.\n' \
        "$(missing | tr '\n' ' ')" >&2
    exit 3
}

[[ -n $(missing) ]] || exit 0
suite=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || true
[[ -n $suite ]] || give_up 'this is not Debian, so nothing is fetched.'
for program in apt-get dpkg-deb flock; do
    has "$program" || give_up "the program '$program' is missing."
done

exec 9>"$tools/small.lock"
flock -w 300 9 || give_up 'another run has been filling the folder for 5 minutes.' \
    "If none is running, delete $tools/small.lock."
mapfile -t wanted < <(missing)
((${#wanted[@]})) || exit 0
scratch=$(mktemp -d "$tools/.small.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

say "fetching ${wanted[*]} from Debian $suite"
# What the machine has installed counts, so that only what it lacks is fetched.
private_apt_prepare "$scratch/apt" "$suite" /var/lib/dpkg/status ||
    give_up 'no Debian mirror was found in the apt configuration of this machine.'
private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
    give_up "the package lists of Debian $suite could not be read:" "$(tail -n 3 "$scratch/log")"
private_apt_resolve "$scratch/apt" "${wanted[@]}" >"$scratch/closure" 2>"$scratch/log" ||
    give_up 'the packages cannot be resolved:' "$(tail -n 5 "$scratch/log")"
mapfile -t packages < <(cut -d' ' -f1 "$scratch/closure")
private_apt_download "$scratch/apt" "$scratch/debs" ${packages[@]+"${packages[@]}"} >"$scratch/log" 2>&1 ||
    give_up 'the packages could not be fetched:' "$(tail -n 3 "$scratch/log")"
private_apt_unpack "$scratch/debs" "$scratch/root" || give_up 'the packages could not be unpacked.'
mkdir -p "$target/bin"
cp -a "$scratch/root/." "$target/"
# Each through the libraries that came with it.
for program in msmtp lua5.4; do
    [[ -x $target/usr/bin/$program ]] || continue
    {
        printf '#!/bin/sh\nroot=%q\n' "$target"
        # shellcheck disable=SC2016 # for the program's start, not now
        printf '%s\n' 'for d in "$root"/usr/lib/*-linux-* "$root"/lib/*-linux-* "$root"/usr/lib; do' \
            '[ -d "$d" ] && p=$p${p:+:}$d; done'
        # shellcheck disable=SC2016
        printf 'LD_LIBRARY_PATH=$p${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$root"/usr/bin/%s "$@"\n' "$program"
    } >"$scratch/$program"
    chmod 755 "$scratch/$program"
    mv -f "$scratch/$program" "$target/bin/$program"
done
[[ -z $(missing) ]] || give_up 'not everything that was wanted came with the packages.'
say "in $target: ${wanted[*]}"
