#!/usr/bin/env bash
# Runs a Windows program under the Wine that tools/wine-tools.sh unpacked; also cargo's runner for the Windows tests.
#
#   tools/wine.sh PROGRAM ARGUMENT...
#
# Wine's own libraries are newer than this machine's, so it sees its own folder as the root, with every folder of the
# machine but the system's at its usual place, and the one where it starts. That needs a mount namespace: of a user's
# own where the system allows it, else root's. Paths are the machine's, as Z:\.
set -euo pipefail

tools=${UMPIN_TEST_TOOLS:-${XDG_CACHE_HOME:-${HOME:-${TMPDIR:-/tmp}}/.cache}/ummailboxpin/tools}
wine=$tools/wine/root
export WINEPREFIX=${WINEPREFIX:-$tools/wine/prefix}
export WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES=${WINEDLLOVERRIDES-mshtml=;winemenubuilder.exe=}
# Nothing is drawn.
unset DISPLAY WAYLAND_DISPLAY

if unshare --user --map-root-user --mount true 2>/dev/null; then
    apart=(unshare --user --map-root-user --mount)
else
    apart=(unshare --mount)
fi
# shellcheck disable=SC2016 # for the shell inside
exec "${apart[@]}" bash -c '
    wine=$1 folder=$2
    shift 2
    for place in /*; do
        case ${place#/} in bin | etc | lib* | sbin | usr) continue ;; esac
        if [[ ! -d $place || -L $place ]]; then continue; fi
        mkdir -p "$wine$place"
        mount --rbind "$place" "$wine$place"
    done
    # A checkout below one of the system'"'"'s own folders.
    if [[ ! -d $wine$folder ]]; then
        mkdir -p "$wine$folder"
        mount --rbind "$folder" "$wine$folder"
    fi
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin
    exec chroot "$wine" /usr/bin/env -C "$folder" /usr/lib/wine/wine64 "$@"
' wine "$wine" "$PWD" "$@"
