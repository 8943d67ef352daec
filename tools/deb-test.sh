#!/usr/bin/env bash
# Installs the Debian packages into a clean Debian of its own, lets a PBX's account sign in, asks the page as the proxy
# in front would, upgrades, removes, purges.
#
#   tools/deb-test.sh DEB STORE_FOLDER EXTENSION PIN [PAGE_DEB]
#
# STORE_FOLDER holds um.db and umpin.key of a store in which EXTENSION signs in with PIN. Needs root. Prints
# "ok N - name" lines; exit status 3: it cannot be done here, and why.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/private-apt.sh
. "$root/tools/private-apt.sh"
# shellcheck source=tools/clean-debian.sh
. "$root/tools/clean-debian.sh"
deb=$1 store=$2 extension=$3 pin=$4 page_deb=${5:-}
clean_debian deb-test
install_package() {
    cp "$1" "$debian/package.deb"
    inside dpkg -i /package.deb
}
signs_in() { printf '%s\n' "$1" | inside runuser -u asterisk -- umpin verify --extension "$extension"; }
refused() {
    local status=0
    signs_in "$1" || status=$?
    [[ $status == 1 ]]
}

# The same package under an earlier version, to upgrade from.
dpkg-deb -R "$deb" "$scratch/earlier"
sed -i 's/^Version: .*/Version: 0.0.1/' "$scratch/earlier/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -b "$scratch/earlier" "$scratch/earlier.deb" >/dev/null

# printed PAGE: the commands that a page says this script types.
printed() {
    awk '/typed by: tools\/deb-test.sh/ { on = 1 } on && /^```$/ { exit } on && take; on && /^```sh$/ { take = 1 }' \
        "$root/$1"
}
# The commands that docs/pbx.md tells, on a machine with a PBX's account.
page=$(printed docs/pbx.md)
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

# The page, whose package wants this one.
web_config() {
    printf '%s\n' "url = 'https://voicemail.contoso.com'" "$@" >"$debian/etc/umpin-web/web.toml"
    chmod 644 "$debian/etc/umpin-web/web.toml"
}
# As its unit starts it.
web() {
    # shellcheck disable=SC2016 # that shell's number, which becomes the program's
    inside timeout -s KILL 60 runuser -u ummailboxpin -g umpin-web -G ummailboxpin -- sh -c \
        'umask 007; echo $$ >/run/umpin-web/pid; exec umpin-web --listen unix:/run/umpin-web/socket'
}
web_refuses() {
    local status=0
    web >"$scratch/refusal" 2>&1 || status=$?
    cat "$scratch/refusal"
    [[ $status == 1 ]] && grep -qF "$1" "$scratch/refusal"
}
# The proxy's account asks for the page's health, by the perl that every Debian has.
web_answers() {
    local status=0 try
    web >"$scratch/web.log" 2>&1 &
    for ((try = 0; try < 100; try++)); do
        if [[ -S $debian/run/umpin-web/socket ]] || ! kill -0 $! 2>/dev/null; then break; fi
        sleep 0.1
    done
    # shellcheck disable=SC2016 # perl's variables
    inside timeout 30 runuser -u "$1" -- perl -MIO::Socket::UNIX -e '
        my $page = IO::Socket::UNIX->new("/run/umpin-web/socket") or die "the socket: $!\n";
        print $page "GET /healthz HTTP/1.1\r\nHost: voicemail.contoso.com\r\nConnection: close\r\n\r\n";
        print while <$page>;' >"$scratch/answer" || status=$?
    kill "$(cat "$debian/run/umpin-web/pid")" || true
    wait $! || true
    cat "$scratch/answer" "$scratch/web.log"
    [[ $status == 0 ]] && grep -q '"store":"ok"' "$scratch/answer"
}
# No warning either: a misspelled setting is one.
unit_is_right() {
    systemd-analyze verify --man=no --root="$debian" "$1" && [[ ! -s $scratch/out ]]
}
units() {
    local unit
    for unit in "$@"; do
        if command -v systemd-analyze >/dev/null && [[ -d /usr/lib/systemd/system ]]; then
            # The clean Debian has no systemd, so none of the units that these name.
            cp -an /usr/lib/systemd/system/. "$debian/usr/lib/systemd/system/"
            check "$unit is right to systemd" unit_is_right "$unit"
        else
            count=$((count + 1))
            printf 'ok %s - %s is right to systemd # SKIP no systemd-analyze\n' "$count" "$unit"
        fi
    done
}
units umpin-deliver.service umpin-deliver.timer
if [[ -n $page_deb ]]; then
    version=$(dpkg-deb -f "$page_deb" Version)
    cp "$deb" "$debian/package.deb"
    cp "$page_deb" "$debian/page.deb"
    page=$(printed docs/page.md)
    check 'the commands of docs/page.md install the page beside it' \
        inside sh -e -x -c "$(sed 's|umpin_[^ ]*.deb|/package.deb|; s|umpin-web_[^ ]*.deb|/page.deb|' <<<"$page")"
    check 'which name the package, the configuration and the proxy' \
        grep -q 'dpkg -i.*umpin-web_.*web.toml.*www-data' <<<"${page//$'\n'/ }"
    units umpin-web.service
    says_its_version() { [[ $(inside umpin-web --version) == "umpin-web $version" ]]; }
    check 'the page says its version' says_its_version
    inside install -d -o ummailboxpin -g umpin-web -m 750 /run/umpin-web
    check 'its configuration is one to begin with' inside grep -q '^\[openid\]' /etc/umpin-web/web.toml
    rm "$debian/etc/umpin-web/web.toml"
    check 'the page does not start without a configuration' web_refuses /etc/umpin-web/web.toml
    web_config
    check 'nor without a way to sign in' web_refuses 'neither [openid] nor [proxy] is there'
    web_config '[proxy]' "user_header = 'Remote-User'"
    check 'the page answers the proxy in front, and reaches the store' web_answers www-data
    check 'but no other account' eval '! web_answers other'
    check 'what the page needs is not taken away' eval '! inside dpkg -r umpin'
    check 'the page is removed' inside dpkg -r umpin-web
    check 'and its configuration is there' inside test -s /etc/umpin-web/web.toml
    check 'the page is purged' inside dpkg -P umpin-web
    check 'and its configuration is gone' gone /etc/umpin-web/web.toml
    check 'and the store is as it was' signs_in "$pin"
fi
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
