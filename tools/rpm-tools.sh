#!/usr/bin/env bash
# rpmbuild and rpm, unpacked from Debian's packages into a cache outside the checkout. Nothing is installed, and root is
# not needed.
#
#   tools/rpm-tools.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/rpm
#
# The programs to call are rpm/bin/rpmbuild and rpm/bin/rpm. Exit status 3: it cannot be had here, and why.
set -euo pipefail

# shellcheck source=tools/private-apt.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/private-apt.sh"
tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
if [[ -x $tools/rpm/bin/rpm ]]; then exit 0; fi

give_up() {
    printf 'rpm-tools: %s\n' "$1" >&2
    exit 3
}
for program in apt-get dpkg-deb flock; do
    command -v "$program" >/dev/null 2>&1 || give_up "the program '$program' is missing; rpmbuild comes from Debian."
done
suite=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || true
[[ -n $suite ]] || give_up 'there is no rpmbuild, and this is not Debian, so none is fetched.'
exec 9>"$tools/rpm.lock"
flock -w 300 9 || give_up 'another run has been filling the folder for 5 minutes.'
if [[ -x $tools/rpm/bin/rpm ]]; then exit 0; fi
scratch=$(mktemp -d "$tools/.rpm.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

private_apt_prepare "$scratch/apt" "$suite" /var/lib/dpkg/status || give_up 'no Debian mirror was found.'
private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
    give_up "the package lists of Debian $suite could not be read."
private_apt_resolve "$scratch/apt" rpm >"$scratch/closure" 2>"$scratch/log" || give_up "Debian $suite has no rpm now."
mapfile -t wanted < <(cut -d' ' -f1 "$scratch/closure")
private_apt_download "$scratch/apt" "$scratch/debs" "${wanted[@]}" >"$scratch/log" 2>&1 ||
    give_up 'rpm could not be fetched.'
private_apt_unpack "$scratch/debs" "$scratch/root" || give_up 'rpm could not be unpacked.'
mkdir -p "$scratch/root/bin"
# Through the libraries and the settings that came with them.
for program in rpm rpmbuild; do
    # shellcheck disable=SC2016 # for the program's start, not now
    printf '%s\n' '#!/bin/sh' 'here=$(dirname "$0")/..' \
        'for d in "$here"/usr/lib/*-linux-*; do LD_LIBRARY_PATH=$d${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; done' \
        'RPM_CONFIGDIR=$here/usr/lib/rpm' 'export LD_LIBRARY_PATH RPM_CONFIGDIR' \
        "exec \"\$here/usr/bin/$program\" \"\$@\"" >"$scratch/root/bin/$program"
    chmod 755 "$scratch/root/bin/$program"
    "$scratch/root/bin/$program" --version >/dev/null || give_up "$program does not start."
done
rm -rf "$tools/rpm"
mv "$scratch/root" "$tools/rpm"
