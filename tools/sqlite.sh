# shellcheck shell=bash
# SQLite as a static library, for scripts that source this file. The source is the amalgamation that npm's
# better-sqlite3 carries.

# Raised when what is made differs, so that an older one in a cache is not taken for it.
# shellcheck disable=SC2034
readonly sqlite_made=3

# sqlite_build FOLDER [PREFIX [VERSION]]: into FOLDER/lib and FOLDER/include; FOLDER/.complete names the package. PREFIX
# is the compiler's ("/usr/bin/aarch64-linux-gnu-"; without it: cc and ar). 1, with the reason on the error stream.
sqlite_build() {
    local folder=$1 compiler=${2:+$2gcc} archiver=${2:-}ar version=${3:-} pack source
    local work=$1.work
    mkdir -p "$folder/lib" "$folder/include" "$work"
    (cd "$work" && HOME=${HOME:-$work} npm pack --silent --cache "$work/npm-cache" \
        "better-sqlite3${version:+@$version}" >"$work/out" 2>"$work/log") || {
        tail -n 15 "$work/log" >&2
        echo "npm could not fetch the package better-sqlite3, which carries SQLite's source." >&2
        return 1
    }
    pack=$(compgen -G "$work/better-sqlite3-*.tgz") || {
        echo "npm left no package. It said: $(cat "$work/out")" >&2
        return 1
    }
    tar -xzf "$pack" -C "$work"
    source=$work/package/deps/sqlite3
    [[ -f $source/sqlite3.c ]] || {
        echo "this better-sqlite3 has no deps/sqlite3/sqlite3.c: ${pack##*/}" >&2
        return 1
    }
    # As the crate's own bundled build has it, less the extensions that this product does not use, and less
    # SQLITE_ENABLE_MEMORY_MANAGEMENT, with which all connections of a process share one page cache and its lock: one
    # that reads much takes the pages of the others. Nor does SQLite count its memory, which nobody asks for and which
    # takes a lock of all threads at every piece. Compiled under its plain name, so that no path of this machine gets
    # into it.
    (cd "$source" && "${compiler:-cc}" -O2 -g0 -fPIC -fvisibility=hidden -w -c sqlite3.c -o sqlite3.o \
        -DSQLITE_CORE -DSQLITE_THREADSAFE=1 -DSQLITE_DEFAULT_FOREIGN_KEYS=1 -DSQLITE_ENABLE_API_ARMOR \
        -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_STAT4 -DSQLITE_DEFAULT_MEMSTATUS=0 \
        -DSQLITE_HAVE_ISNAN -DSQLITE_USE_URI -DSQLITE_SOUNDEX \
        -DHAVE_USLEEP=1 -D_POSIX_THREAD_SAFE_FUNCTIONS -DHAVE_ISNAN -DHAVE_LOCALTIME_R \
        -DSQLITE_OMIT_LOAD_EXTENSION) || return 1
    # D: without times and owners, so that the archive is the same each time.
    "$archiver" rcsD "$folder/lib/libsqlite3.a" "$source/sqlite3.o" || return 1
    cp "$source/sqlite3.h" "$source/sqlite3ext.h" "$folder/include/"
    printf '%s\n' "${pack##*/}" >"$folder/.complete"
    rm -rf "$work"
}
