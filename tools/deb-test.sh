#!/usr/bin/env bash
# Installs umpin's Debian package into a clean Debian of its own, lets a PBX's account sign in, upgrades, removes,
# purges.
#
#   tools/deb-test.sh DEB STORE_FOLDER EXTENSION PIN
#
# STORE_FOLDER holds um.db and umpin.key of a store in which EXTENSION signs in with PIN. The clean Debian is made once,
# by debootstrap, in ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/debian. Needs root. Prints "ok N - name" lines;
# exit status 3: it cannot be done here, and why.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/private-apt.sh
. "$root/tools/private-apt.sh"
deb=$1 store=$2 extension=$3 pin=$4
tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
mkdir -p "$tools"
tools=$(cd "$tools" && pwd)

give_up() {
    printf 'deb-test: %s\n' "$1"
    shift
    if (($#)); then printf '  %s\n' "$@"; fi
    exit 3
}
[[ $(id -u) == 0 ]] || give_up 'installing a package needs root (in a folder of its own).'
for program in apt-get dpkg-deb flock chroot; do
    command -v "$program" >/dev/null 2>&1 || give_up "the program '$program' is missing."
done
suite=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] && printf '%s' "${VERSION_CODENAME:-}") || true
[[ -n $suite ]] || give_up 'this is not Debian.'

exec 9>"$tools/debian.lock"
flock -w 900 9 || give_up 'another run has been making the folder for 15 minutes.'
scratch=$(mktemp -d "$tools/.deb-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
if [[ ! -f $tools/debian/.complete ]]; then
    private_apt_prepare "$scratch/apt" "$suite" || give_up 'no Debian mirror was found in the apt configuration.'
    debootstrap=debootstrap
    if ! command -v debootstrap >/dev/null; then
        if ! { private_apt "$scratch/apt" apt-get -q update &&
            private_apt_download "$scratch/apt" "$scratch/debs" debootstrap &&
            private_apt_unpack "$scratch/debs" "$scratch/debootstrap"; } >"$scratch/log" 2>&1; then
            give_up 'debootstrap cannot be had:' "$(tail -n 3 "$scratch/log")"
        fi
        export DEBOOTSTRAP_DIR=$scratch/debootstrap/usr/share/debootstrap
        debootstrap=$scratch/debootstrap/usr/sbin/debootstrap
    fi
    bash "$debootstrap" --variant=minbase "$suite" "$scratch/debian" "$(private_apt_mirror)" >"$scratch/log" 2>&1 ||
        give_up "debootstrap could not make a Debian $suite:" "$(tail -n 3 "$scratch/log")"
    touch "$scratch/debian/.complete"
    mv "$scratch/debian" "$tools/debian"
fi
debian=$scratch/root
mkdir "$debian"
# With the dot: where the folder is a link, its contents are copied and not the link.
cp -a "$tools/debian/." "$debian/"
flock -u 9

count=0
# check NAME COMMAND...
check() {
    local name=$1
    shift
    count=$((count + 1))
    if "$@" >"$scratch/out" 2>&1; then
        printf 'ok %s - %s\n' "$count" "$name"
    else
        printf 'not ok %s - %s\n' "$count" "$name"
        sed 's/^/# /' "$scratch/out"
    fi
}
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$debian" "$@"; }
install_package() {
    cp "$1" "$debian/package.deb"
    inside dpkg -i /package.deb
}
# As names inside, since the group's number is the clean Debian's.
group_folder() { [[ $(inside stat -c '%a %U:%G' "$1") == '2770 root:ummailboxpin' ]]; }
signs_in() { printf '%s\n' "$1" | inside runuser -u asterisk -- umpin verify --extension "$extension"; }
refused() {
    local status=0
    signs_in "$1" || status=$?
    [[ $status == 1 ]]
}
gone() { [[ ! -e $debian$1 ]]; }

# The same package under an earlier version, to upgrade from.
dpkg-deb -R "$deb" "$scratch/earlier"
sed -i 's/^Version: .*/Version: 0.0.1/' "$scratch/earlier/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -b "$scratch/earlier" "$scratch/earlier.deb" >/dev/null

# The commands that docs/pbx.md tells, on a machine with a PBX's account.
page=$(awk '/typed by: tools\/deb-test.sh/ { on = 1 } on && /^```$/ { exit } on && take; on && /^```sh$/ { take = 1 }' \
    "$root/docs/pbx.md")
inside useradd --system --shell /usr/sbin/nologin asterisk
cp "$scratch/earlier.deb" "$debian/package.deb"
check 'the commands of docs/pbx.md install an earlier version' \
    inside sh -e -x -c "${page/umpin_*.deb//package.deb}"
check 'which names the package and the account' grep -q 'dpkg -i.*asterisk' <<<"${page//$'\n'/ }"
for folder in /var/lib/ummailboxpin /etc/ummailboxpin; do
    check "$folder belongs to the group, and so does what is made in it" group_folder "$folder"
done
check 'the AGI program is where Asterisk looks' inside test /usr/bin/umpin -ef /usr/share/asterisk/agi-bin/umpin
inside useradd --system --shell /usr/sbin/nologin other
cp "$store"/um.db* "$debian/var/lib/ummailboxpin/"
cp "$store/umpin.key" "$debian/etc/ummailboxpin/"
inside chgrp -R ummailboxpin /var/lib/ummailboxpin /etc/ummailboxpin
inside sh -c 'chmod 660 /var/lib/ummailboxpin/um.db* && chmod 640 /etc/ummailboxpin/umpin.key'
check "a PBX's account signs a caller in" signs_in "$pin"
check 'and a wrong PIN is refused' refused 111111
check 'another account reaches neither' inside runuser -u other -- \
    sh -c '! cat /etc/ummailboxpin/umpin.key && ! cat /var/lib/ummailboxpin/um.db'
check 'the new version upgrades it' install_package "$deb"
check 'and the store is as it was' signs_in "$pin"
check 'it is removed' inside dpkg -r umpin
check 'and the program is gone' gone /usr/bin/umpin
check 'and the store is there' inside test -s /var/lib/ummailboxpin/um.db
check 'and its key' inside test -s /etc/ummailboxpin/umpin.key
check 'it installs again' install_package "$deb"
check 'and the store is as it was before it was removed' signs_in "$pin"
check 'it is purged' inside dpkg -P umpin
for folder in /var/lib/ummailboxpin /etc/ummailboxpin; do check "and $folder is gone" gone "$folder"; done
nothing_left() { [[ -z $(find "$debian/usr" "$debian/etc" "$debian/var/lib" -name '*umpin*' -print -quit) ]]; }
check 'no file of it is left' nothing_left
printf '1..%s\n' "$count"
