#!/usr/bin/env bash
# A real Asterisk and sipp, a SIP caller, for tests/integration/agi.rs, unpacked into a cache outside the checkout. Nothing is installed, root is not needed.
#
#   tools/test-asterisk.sh            # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/asterisk
#
# A private apt (own lists, own status, own archive; the machine's mirror, proxy and keyring) finds Asterisk and all it
# depends on in Debian's testing suite, since Debian 12 itself has none; the packages are unpacked, never configured, so
# no maintainer script runs and no service starts. The test starts the program through the folder's own loader and
# libraries, with modules, configuration and dialplan of its own. About a minute, 300 MB. A second run does nothing.
set -euo pipefail

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
flock -w 900 9 || die 'another run has been filling the folder for 15 minutes.' "If none is running, delete $tools/asterisk.lock."
if is_complete; then exit 0; fi
scratch=$(mktemp -d "$tools/.asterisk.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

uri=${UMPIN_DEBIAN_MIRROR:-}
if [[ -z $uri ]]; then
    # shellcheck disable=SC2016 # the fields are apt's, not the shell's
    uri=$(apt-get indextargets --no-release-info --format '$(REPO_URI)|$(RELEASE)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$2 !~ /-security|-updates|-backports/ && $1 ~ /debian/ && $1 !~ /debian-security/ { print $1; exit }')
fi
[[ -n $uri ]] || die 'no Debian mirror was found in the apt configuration of this machine.' \
    'Set UMPIN_DEBIAN_MIRROR to the address of one.'

apt=$scratch/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/log"
: >"$apt/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
options=
if [[ -r $keyring ]]; then options="[signed-by=$keyring] "; fi
printf 'deb %s%s %s main\n' "$options" "$uri" "$suite" >"$apt/sources.list"
# Read after the machine's own settings (proxy, certificates): it moves only the places.
cat >"$apt/apt.conf" <<CONF
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::Archives "$apt/archives";
Dir::Log "$apt/log";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
CONF
apt_get() { apt-get -c "$apt/apt.conf" -q "$@"; }

say "reading the package lists of Debian $suite"
apt_get update >"$scratch/log" 2>&1 || {
    tail -n 15 "$scratch/log" >&2
    die "the package lists of Debian $suite could not be read." 'Check the network and the mirror (UMPIN_DEBIAN_MIRROR, UMPIN_DEBIAN_SUITE).'
}
apt_get -y --print-uris install asterisk asterisk-core-sounds-en-gsm sip-tester >"$scratch/uris" 2>"$scratch/log" || {
    tail -n 20 "$scratch/uris" "$scratch/log" >&2
    die "Debian $suite has no Asterisk or no sipp that can be had now (see above)."
}
# Name and version of each; the file's name has the colon of an epoch escaped.
mapfile -t wanted < <(awk '/^\047/ { split($2, p, "_"); v = p[2]; gsub(/%3a/, ":", v); print p[1] "=" v }' "$scratch/uris" | sort -u)
((${#wanted[@]})) || die 'apt named no package.' "Its answer was: $(tail -n 5 "$scratch/uris")"

say "fetching ${#wanted[@]} packages"
mkdir "$scratch/debs"
(cd "$scratch/debs" && apt_get download "${wanted[@]}" >"$scratch/log" 2>&1) || {
    tail -n 15 "$scratch/log" >&2
    die 'the packages could not be fetched.'
}

say 'unpacking'
root=$scratch/root
mkdir "$root"
for deb in "$scratch"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --no-same-owner --exclude './usr/share/doc/*' \
        --exclude './usr/share/man/*' --exclude './usr/share/locale/*' --exclude './dev/*'
done
[[ -x $root/usr/sbin/asterisk ]] || die 'the packages hold no usr/sbin/asterisk.'
mods=$(cd "$root" && compgen -G 'usr/lib/*/asterisk/modules/res_agi.so') || die 'the packages hold no module res_agi.so.'
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
