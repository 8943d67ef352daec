#!/usr/bin/env bash
# Unpacks the archive for C and builds examples/quickstart.c from it, by pkg-config and by CMake, against the shared and
# the static library, and runs it.
#
#   tools/c-archive-test.sh ARCHIVE RECIPIENTS.CSV
#
# Prints "ok N - name" lines; a tool that is missing is a skip.
set -euo pipefail

archive=$1 recipients=$(realpath "$2")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/umpin-c-archive.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tar -xzf "$archive" -C "$scratch"
root=$(echo "$scratch"/umpin-*)

count=0
# check NAME TOOL COMMAND...
check() {
    local name=$1 tool=$2
    shift 2
    count=$((count + 1))
    if ! command -v "$tool" >/dev/null 2>&1; then
        printf 'ok %s - %s # SKIP no %s\n' "$count" "$name" "$tool"
    elif "$@" >"$scratch/out" 2>&1; then
        printf 'ok %s - %s\n' "$count" "$name"
    else
        printf 'not ok %s - %s\n' "$count" "$name"
        sed 's/^/# /' "$scratch/out"
    fi
}
# In a condition bash goes on after a command that failed, so each of these ends by itself.
# run PROGRAM: in an empty folder, where it makes a store.
run() {
    local folder
    folder=$(mktemp -d "$scratch/run.XXXXXX") && cp "$recipients" "$folder/recipients.csv" &&
        (cd "$folder" && LD_LIBRARY_PATH=$root/lib "$1" recipients.csv)
}
by_pkg_config() {
    local -a flags
    read -r -a flags < <(PKG_CONFIG_PATH=$root/lib/pkgconfig pkg-config --cflags --libs umpin)
    cc "$root/examples/quickstart.c" -o "$scratch/shared" "${flags[@]}" || return 1
    run "$scratch/shared"
}
by_cmake() {
    mkdir -p "$scratch/project"
    cat >"$scratch/project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(example C)
find_package(umpin 0.1 REQUIRED)
add_executable(shared "${umpin_DIR}/../../../examples/quickstart.c")
target_link_libraries(shared umpin::umpin)
add_executable(static "${umpin_DIR}/../../../examples/quickstart.c")
target_link_libraries(static umpin::static)
CMAKE
    cmake -S "$scratch/project" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$root" && cmake --build "$scratch/build" &&
        run "$scratch/build/shared" && run "$scratch/build/static" || return 1
    # It needs no library of ours.
    ! ldd "$scratch/build/static" | grep umpin
}
check 'builds by pkg-config' pkg-config by_pkg_config
check 'builds by CMake, against the shared and the static library' cmake by_cmake
printf '1..%s\n' "$count"
