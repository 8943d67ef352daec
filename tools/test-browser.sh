#!/usr/bin/env bash
# A browser and what drives it, for the walk through the page: Debian's chromium-headless-shell, and from npm
# playwright-core, oidc-provider and axe-core, unpacked into a cache outside the checkout. Nothing is installed, root is
# not needed.
#
#   tools/test-browser.sh        # into ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/browser
#
# For Debian: the packages come from the machine's own suite, so that they fit its C library. Elsewhere the walk is
# skipped by name; the exit status is 3.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/private-apt.sh
. "$here/private-apt.sh"

tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)
target=$tools/browser
# Changes when other packages are wanted, so that an old folder is not taken for a new one.
readonly layout=2
npm_packages=(playwright-core@1 oidc-provider@9 axe-core@4)

say() { printf '  %s\n' "$*"; }
give_up() {
    printf 'test-browser: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    printf '  The walk through the page is skipped by name.\n' >&2
    exit 3
}

if [[ $(cat "$target/.complete" 2>/dev/null) == "$layout" ]]; then exit 0; fi
suite=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || true
[[ -n $suite ]] || give_up 'this is not Debian, so nothing is fetched.'
for program in apt-get dpkg-deb flock node npm; do
    command -v "$program" >/dev/null 2>&1 || give_up "the program '$program' is missing."
done

exec 9>"$tools/browser.lock"
flock -w 600 9 || give_up 'another run has been filling the folder for 10 minutes.' \
    "If none is running, delete $tools/browser.lock."
if [[ $(cat "$target/.complete" 2>/dev/null) == "$layout" ]]; then exit 0; fi
scratch=$(mktemp -d "$tools/.browser.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

say "fetching a browser from Debian $suite (about 75 MB) and ${npm_packages[*]}"
# What the machine has installed counts, so that only what it lacks is fetched.
private_apt_prepare "$scratch/apt" "$suite" /var/lib/dpkg/status ||
    give_up 'no Debian mirror was found in the apt configuration of this machine.'
private_apt "$scratch/apt" apt-get -q update >"$scratch/log" 2>&1 ||
    give_up "the package lists of Debian $suite could not be read:" "$(tail -n 3 "$scratch/log")"
mkdir -p "$scratch/empty/partial" "$scratch/debs" "$scratch/root"
# The font has Greek and Cyrillic letters, which a name may hold.
private_apt "$scratch/apt" apt-get -q -y -o Dir::Cache::Archives="$scratch/empty" --print-uris install \
    chromium-headless-shell fonts-dejavu-core fontconfig-config >"$scratch/uris" 2>"$scratch/log" ||
    give_up 'the packages cannot be resolved:' "$(tail -n 5 "$scratch/log")"
mapfile -t packages < <(awk '/^\047/ { split($2, p, "_"); v = p[2]; gsub(/%3a/, ":", v); print p[1] "=" v }' \
    "$scratch/uris" | sort -u)
if ((${#packages[@]})); then
    (cd "$scratch/debs" && private_apt "$scratch/apt" apt-get -q download "${packages[@]}" >"$scratch/log" 2>&1) ||
        give_up 'the packages could not be fetched:' "$(tail -n 3 "$scratch/log")"
fi
for deb in "$scratch"/debs/*.deb; do
    [[ -f $deb ]] || continue
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$scratch/root" --no-same-owner --exclude './usr/share/doc/*' \
        --exclude './usr/share/man/*' --exclude './usr/share/locale/*' --exclude './dev/*'
done
(cd "$scratch/root" && npm install --silent --no-audit --no-fund --ignore-scripts --cache "$scratch/npm-cache" \
    "${npm_packages[@]}" >"$scratch/log" 2>&1) ||
    give_up 'npm could not fetch its packages:' "$(tail -n 3 "$scratch/log")"
program=$(command -v chromium-headless-shell || true)
for found in "$scratch"/root/usr/lib/chromium/headless_shell "$scratch"/root/usr/lib/chromium/chromium-headless-shell \
    "$scratch"/root/usr/bin/chromium-headless-shell; do
    if [[ -x $found ]]; then
        program=$target${found#"$scratch/root"}
        break
    fi
done
[[ -n $program ]] || give_up 'the package holds no headless browser.'
mkdir -p "$scratch/root/bin"
{
    printf '#!/bin/sh\nroot=%q\n' "$target"
    # shellcheck disable=SC2016 # for the program's start, not now
    printf 'for d in "$root"/usr/lib/*-linux-* "$root"/usr/lib/*-linux-*/* "$root"/lib/*-linux-*; do\n'
    # shellcheck disable=SC2016
    printf '    [ -d "$d" ] && p=$p${p:+:}$d\ndone\n'
    # shellcheck disable=SC2016
    printf 'export FONTCONFIG_FILE="$root/fonts.conf"\n'
    # shellcheck disable=SC2016
    printf 'LD_LIBRARY_PATH=$p${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec %q "$@"\n' "$program"
} >"$scratch/root/bin/chromium-headless-shell"
chmod 755 "$scratch/root/bin/chromium-headless-shell"
{
    printf '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
    printf '<dir>%s/usr/share/fonts</dir>\n<dir>/usr/share/fonts</dir>\n' "$target"
    printf '<cachedir>%s/fonts-cache</cachedir>\n' "$target"
    # For every family that is not there, and for none at all: the first font of the folder would be one of formulas.
    printf '<match target="pattern"><edit name="family" mode="append_last">'
    printf '<string>DejaVu Sans</string></edit></match>\n'
    printf '</fontconfig>\n'
} >"$scratch/root/fonts.conf"
printf '%s\n' "$layout" >"$scratch/root/.complete"
rm -rf "$target"
mv "$scratch/root" "$target"
"$target/bin/chromium-headless-shell" --version >"$scratch/log" 2>&1 || {
    rm -f "$target/.complete"
    give_up 'the browser does not start:' "$(tail -n 3 "$scratch/log")"
}
say "in $target: $(cat "$scratch/log")"
