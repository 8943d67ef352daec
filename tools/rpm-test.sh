#!/usr/bin/env bash
# Installs the rpm packages, by rpm, into a clean Debian of its own (its shell runs their scripts; what they ask for has
# other names there, so that is not looked at), and removes them.
#
#   tools/rpm-test.sh RPM [PAGE_RPM]
#
# Needs root, and rpm, which tools/rpm-tools.sh fetches. Prints "ok N - name" lines; exit status 3: it cannot be done
# here, and why.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/private-apt.sh
. "$root/tools/private-apt.sh"
# shellcheck source=tools/clean-debian.sh
. "$root/tools/clean-debian.sh"
packages=("$@")
clean_debian rpm-test
if command -v rpm >/dev/null; then
    rpm=rpm
else
    bash "$root/tools/rpm-tools.sh" >"$scratch/log" 2>&1 || give_up 'rpm cannot be had:' "$(tail -n 3 "$scratch/log")"
    rpm=$tools/rpm/bin/rpm
fi

in_debian() { "$rpm" --root "$debian" --dbpath /var/lib/rpm "$@"; }
holds() {
    local file
    in_debian -ql "$1" >"$scratch/files"
    cat "$scratch/files"
    for file in "${@:2}"; do grep -qxF "$file" "$scratch/files" || return 1; done
    # Nothing that is listed is missing, or is another's.
    in_debian -V --nodeps "$1"
}
says() { [[ $(inside "${@:2}") == "$1" ]]; }

version=$(in_debian -qp --qf '%{VERSION}' "${packages[0]}")
check 'it installs' in_debian -i --nodeps "${packages[0]}"
check 'and has its files' holds umpin /usr/bin/umpin /usr/share/asterisk/agi-bin/umpin /usr/share/man/man1/umpin.1.gz \
    /usr/lib/systemd/system/umpin-deliver.service /usr/share/bash-completion/completions/umpin
check 'and says its version' says "umpin $version" umpin --version
for folder in /var/lib/ummailboxpin /etc/ummailboxpin; do
    check "$folder belongs to the group, and so does what is made in it" group_folder "$folder"
done
if ((${#packages[@]} > 1)); then
    check 'the page installs beside it' in_debian -i --nodeps "${packages[1]}"
    check 'and has its files' holds umpin-web /usr/bin/umpin-web /usr/lib/systemd/system/umpin-web.service
    check 'and says its version' says "umpin-web $version" umpin-web --version
    check 'what it needs is not taken away' eval '! in_debian -e umpin'
    check 'the page is removed' in_debian -e umpin-web
fi
touch "$debian/var/lib/ummailboxpin/um.db"
check 'it is removed' in_debian -e umpin
check 'and the program is gone' gone /usr/bin/umpin
check 'and the store is there' test -e "$debian/var/lib/ummailboxpin/um.db"
printf '1..%s\n' "$count"
