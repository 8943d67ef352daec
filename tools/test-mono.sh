#!/usr/bin/env bash
# Mono's runtime, unpacked into a cache outside the checkout: its class library is .NET Framework's, on which Windows
# PowerShell 5.1 runs. Nothing is installed and root is not needed.
#
#   tools/test-mono.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/mono; its program is bin/mono
#
# From Debian 13, with the C library that it wants, whatever the machine's own is (20 MB). Where it cannot be had, the
# exit status is 3 and the test that needs it is skipped by name.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/private-apt.sh
. "$here/private-apt.sh"

tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
target=$tools/mono

give_up() {
    printf 'test-mono: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 3
}

[[ ! -x $target/bin/mono ]] || exit 0
[[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]] || give_up 'this is not Debian on x64, so nothing is fetched.'
for program in apt-get dpkg-deb flock; do
    command -v "$program" >/dev/null 2>&1 || give_up "the program '$program' is missing."
done

exec 9>"$tools/mono.lock"
flock -w 300 9 || give_up 'another run has been filling the folder for 5 minutes.' \
    "If none is running, delete $tools/mono.lock."
[[ ! -x $target/bin/mono ]] || exit 0
scratch=$(mktemp -d "$tools/.mono.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

echo '  fetching Mono from Debian trixie'
private_apt_prepare "$scratch/apt" trixie ||
    give_up 'no Debian mirror was found in the apt configuration of this machine.'
private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
    give_up 'the package lists of Debian trixie could not be read:' "$(tail -n 3 "$scratch/log")"
private_apt_resolve "$scratch/apt" mono-runtime libmono-system-runtime-serialization4.0-cil \
    >"$scratch/closure" 2>"$scratch/log" ||
    give_up 'the packages cannot be resolved:' "$(tail -n 5 "$scratch/log")"
mapfile -t packages < <(cut -d' ' -f1 "$scratch/closure")
private_apt_download "$scratch/apt" "$scratch/debs" ${packages[@]+"${packages[@]}"} >"$scratch/log" 2>&1 ||
    give_up 'the packages could not be fetched:' "$(tail -n 3 "$scratch/log")"
# Of the development package only netstandard.dll and its like, without what it depends on.
private_apt_download "$scratch/apt" "$scratch/facades" mono-devel >"$scratch/log" 2>&1 ||
    give_up 'the package mono-devel could not be fetched:' "$(tail -n 3 "$scratch/log")"
private_apt_unpack "$scratch/debs" "$scratch/root" || give_up 'the packages could not be unpacked.'
for deb in "$scratch/facades"/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" |
        tar -x -C "$scratch/root" --no-same-owner --wildcards './usr/lib/mono/4.5/Facades/*'
done

mkdir -p "$scratch/root/bin.new"
printf '<configuration>\n  <dllmap dll="System.Native" target="%s" />\n</configuration>\n' \
    "$target/usr/lib/libmono-native.so" >"$scratch/root/mono.config"
{
    # Through the C library that came with it; UMPIN_MONO_LIBRARIES is where a program's own native libraries lie.
    printf '#!/bin/sh\nroot=%q\n' "$target"
    # shellcheck disable=SC2016 # for the program's start, not now
    printf '%s\n' 'native=$root/usr/lib/x86_64-linux-gnu' \
        'export MONO_CFG_DIR="$root/etc" MONO_PATH="$root/usr/lib/mono/4.5:$root/usr/lib/mono/4.5/Facades"' \
        'libraries=$native:$root/usr/lib${UMPIN_MONO_LIBRARIES:+:$UMPIN_MONO_LIBRARIES}' \
        'exec "$native/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/mono" \' \
        '    --config "$root/mono.config" "$@"'
} >"$scratch/root/bin.new/mono"
chmod 755 "$scratch/root/bin.new/mono"
rm -rf "$scratch/root/bin"
mv "$scratch/root/bin.new" "$scratch/root/bin"
rm -rf "$target"
mv "$scratch/root" "$target"
"$target/bin/mono" --version >/dev/null || give_up "$target/bin/mono does not start."
echo "  in $target"
