#!/usr/bin/env bash
# A real Asterisk and sipp, a SIP caller, for the tests of the telephone, unpacked into a cache outside the checkout.
# Nothing is installed, root is not needed.
#
#   tools/test-asterisk.sh            # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/asterisk
#
# An apt of our own (tools/private-apt.sh) finds Asterisk and all it depends on in Debian's testing suite, since
# Debian 12 itself has none; the packages are unpacked, never configured, so no maintainer script runs and no service
# starts. The test starts the program through the folder's own loader and libraries, with modules, configuration and
# dialplan of its own. About a minute, 300 MB. A second run does nothing.
set -euo pipefail

# shellcheck source=tools/private-apt.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/private-apt.sh"

suite=${UMPIN_DEBIAN_SUITE:-forky}
tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
target=$tools/asterisk

say() { printf '  %s\n' "$*"; }
die() {
    printf 'test-asterisk: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 1
}

# A folder that was filled before sipp was wanted is filled again.
is_complete() { grep -q '^sipp=' "$target/.complete" 2>/dev/null; }
if is_complete; then
    say "Asterisk is there: $(sed -n "s/^version=//p" "$target/.complete")"
    exit 0
fi
for program in apt-get dpkg dpkg-deb flock; do
    command -v "$program" >/dev/null 2>&1 || die "the program '$program' is missing; this needs Debian or Ubuntu." \
        'Without an Asterisk here the tests that need one are skipped by name.'
done

exec 9>"$tools/asterisk.lock"
flock -w 900 9 || die 'another run has been filling the folder for 15 minutes.' \
    "If none is running, delete $tools/asterisk.lock."
if is_complete; then exit 0; fi
scratch=$(mktemp -d "$tools/.asterisk.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

apt=$scratch/apt
private_apt_prepare "$apt" "$suite" || die 'no Debian mirror was found in the apt configuration of this machine.' \
    'Set UMPIN_DEBIAN_MIRROR to the address of one.'
say "reading the package lists of Debian $suite"
private_apt "$apt" apt-get -q update >"$scratch/log" 2>&1 || {
    tail -n 15 "$scratch/log" >&2
    die "the package lists of Debian $suite could not be read." \
        'Check the network and the mirror (UMPIN_DEBIAN_MIRROR, UMPIN_DEBIAN_SUITE).'
}
private_apt_resolve "$apt" asterisk asterisk-core-sounds-en-gsm sip-tester >"$scratch/closure" 2>"$scratch/log" || {
    tail -n 20 "$apt/uris" "$scratch/log" >&2
    die "Debian $suite has no Asterisk or no sipp that can be had now (see above)."
}
mapfile -t wanted < <(cut -d' ' -f1 "$scratch/closure")
((${#wanted[@]})) || die 'apt named no package.' "Its answer was: $(tail -n 5 "$apt/uris")"

say "fetching ${#wanted[@]} packages"
private_apt_download "$apt" "$scratch/debs" "${wanted[@]}" >"$scratch/log" 2>&1 || {
    tail -n 15 "$scratch/log" >&2
    die 'the packages could not be fetched.'
}

say 'unpacking'
root=$scratch/root
private_apt_unpack "$scratch/debs" "$root" || die 'the packages could not be unpacked.'
[[ -x $root/usr/sbin/asterisk ]] || die 'the packages hold no usr/sbin/asterisk.'
mods=$(cd "$root" && compgen -G 'usr/lib/*/asterisk/modules/res_agi.so') ||
    die 'the packages hold no module res_agi.so.'
[[ -e $root/${mods%/*}/res_pjsip_session.so ]] || die 'the packages hold no module res_pjsip_session.so.'
sipp=$(cd "$root" && find usr/bin -name sipp | head -n 1)
[[ -n $sipp ]] || die 'the packages hold no usr/bin/sipp.'
sounds=$(find "$root/usr/share/asterisk/sounds" -name vm-password.gsm | head -n 1)
[[ -n $sounds ]] || die 'the packages hold no English sounds.'
version=$(dpkg-deb -f "$(compgen -G "$scratch/debs/asterisk_*.deb")" Version)
rm -rf "${target:?}"
mv "$root" "$target"
# Written last: a folder without it is not used.
printf 'version=%s\nmodules=%s\nsounds=%s\nsipp=%s\n' "$version" "${mods%/*}" "${sounds#"$root/"}" \
    "$sipp" >"$target/.complete"
say "Asterisk $version in $target"
