#!/usr/bin/env bash
# Wine, which runs what was built for Windows (tools/wine.sh), into a cache outside the checkout. Nothing is installed,
# and root is not needed.
#
#   tools/wine-tools.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/wine
#
#   root       Wine 10 with all its libraries (Debian's packages)
#   prefix     the Windows that it shows
#
# 300 MB of downloads, 1.4 GB unpacked, two minutes. Exit status 3: it cannot be had or does not start here (named);
# what needs it is then skipped by that name.
set -euo pipefail

# Raised when the layout of the cache changes.
readonly layout=1
# Wine before 10 lacks what Rust's random numbers need.
readonly wine_suite=${UMPIN_WINE_SUITE:-trixie}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/private-apt.sh
. "$here/private-apt.sh"
tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools/wine"
tools=$(cd "$tools" && pwd)
target=$tools/wine

say() { printf '  %s\n' "$*"; }
give_up() {
    printf 'wine-tools: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 3
}

for program in apt-get dpkg-deb flock unshare; do
    command -v "$program" >/dev/null 2>&1 || give_up "the program '$program' is missing; Wine comes from Debian."
done
exec 9>"$target/lock"
flock -w 1800 9 || give_up 'another run has been filling the folder for 30 minutes.' \
    "If none is running, delete $target/lock."
if [[ $(cat "$target/.complete" 2>/dev/null) == "$layout $wine_suite" ]]; then exit 0; fi
scratch=$(mktemp -d "$target/.scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

say "fetching Wine from Debian $wine_suite"
private_apt_prepare "$scratch/apt" "$wine_suite" ||
    give_up 'no Debian mirror was found in the apt configuration of this machine.' \
        'Set UMPIN_DEBIAN_MIRROR to the address of one.'
private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
    give_up "the package lists of Debian $wine_suite could not be read:" "$(tail -n 3 "$scratch/log")"
private_apt_resolve "$scratch/apt" wine64 libwine libicu76 coreutils bash >"$scratch/closure" 2>"$scratch/log" ||
    give_up "Debian $wine_suite has no Wine that can be had now:" "$(tail -n 3 "$scratch/log")"
mapfile -t wanted < <(cut -d' ' -f1 "$scratch/closure")
private_apt_download "$scratch/apt" "$scratch/debs" "${wanted[@]}" >"$scratch/log" 2>&1 ||
    give_up 'the packages could not be fetched:' "$(tail -n 3 "$scratch/log")"
say 'unpacking'
mkdir -p "$scratch/root/usr/bin" "$scratch/root/usr/lib" "$scratch/root/usr/lib64" "$scratch/root/usr/sbin"
for link in bin lib lib64 sbin; do ln -s "usr/$link" "$scratch/root/$link"; done
private_apt_unpack "$scratch/debs" "$scratch/root" || give_up 'the packages could not be unpacked.'
[[ -x $scratch/root/usr/lib/wine/wine64 ]] || give_up 'the packages hold no usr/lib/wine/wine64.'
# What packages' own scripts would have laid.
if [[ ! -e $scratch/root/usr/bin/sh ]]; then ln -s bash "$scratch/root/usr/bin/sh"; fi
mkdir -p "$scratch/root/etc" "$scratch/root/var/tmp"
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$scratch/root/etc/passwd"
rm -rf "${target:?}/root" "${target:?}/prefix"
mv "$scratch/root" "$target/root"

say 'making a Windows for it'
# zlib1.dll first: Wine's own libraries want it, and only a package's script would have laid it.
mkdir -p "$target/prefix/drive_c/windows/system32"
cp "$target/root/usr/x86_64-w64-mingw32/lib/zlib1.dll" "$target/prefix/drive_c/windows/system32/"
UMPIN_TEST_TOOLS=$tools WINEDLLOVERRIDES='mscoree=;mshtml=' timeout 300 "$here/wine.sh" wineboot -i \
    >"$scratch/log" 2>&1 || true
told=$(UMPIN_TEST_TOOLS=$tools timeout 120 "$here/wine.sh" cmd /c 'echo well' 2>>"$scratch/log" | tr -d '\r') || true
[[ $told == well ]] || give_up "it does not start here: $(tail -n 1 "$scratch/log")"
printf '%s\n' "$layout $wine_suite" >"$target/.complete"
