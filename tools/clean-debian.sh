# shellcheck shell=bash
# A clean Debian in a folder, and checks in it, for scripts that source this file after tools/private-apt.sh. It is made
# once, by debootstrap, in ${UMPIN_TEST_TOOLS:-~/.cache/ummailboxpin/tools}/debian; each run has a copy. Needs root.

# clean_debian NAME: the folder $debian, in $scratch, which goes when the script ends. Where it cannot be had: a line
# "NAME: why", and exit status 3.
clean_debian() {
    local name=$1 program suite debootstrap=debootstrap
    tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
    mkdir -p "$tools"
    tools=$(cd "$tools" && pwd)
    give_up() {
        printf '%s: %s\n' "$name" "$1"
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
    scratch=$(mktemp -d "$tools/.$name.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    if [[ ! -f $tools/debian/.complete ]]; then
        private_apt_prepare "$scratch/apt" "$suite" || give_up 'no Debian mirror was found in the apt configuration.'
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
}

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
# As names inside, since the group's number is the clean Debian's.
group_folder() { [[ $(inside stat -c '%a %U:%G' "$1") == '2770 root:ummailboxpin' ]]; }
gone() { [[ ! -e $debian$1 ]]; }
