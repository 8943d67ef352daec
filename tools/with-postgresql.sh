#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, which is gone afterwards with all that it holds.
#
#   tools/with-postgresql.sh COMMAND ARGUMENT...
#
# The server is on a Unix socket and on loopback, in a throwaway folder, as an account without rights where this one is
# root. The command finds the folder in UMPIN_TEST_POSTGRESQL (the socket; the port stands in its file "port"; the role
# is "owner"), and the server's programs on PATH. Exit status 3: there is no server to be had; else the command's own.
set -euo pipefail

bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1) || true
if [[ ! -x $bin/initdb ]]; then bin=$(dirname "$(command -v initdb || true)"); fi
[[ -x $bin/initdb && -x $bin/postgres ]] || {
    printf 'with-postgresql: initdb and postgres are neither in /usr/lib/postgresql nor on PATH\n' >&2
    exit 3
}

# Neither program starts where its account may not be.
here=$PWD
cd /
folder=$(mktemp -d /tmp/umpin-pg.XXXXXX)
server=
trap 'if [[ -n $server ]]; then kill -QUIT "$server" 2>/dev/null; wait "$server" || true; fi; rm -rf "$folder"' EXIT
chmod 755 "$folder"
as_nobody=(env LC_ALL=C)
if [[ $(id -u) == 0 ]]; then
    chown 65534:65534 "$folder"
    as_nobody+=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
"${as_nobody[@]}" "$bin/initdb" -A trust -E UTF8 --locale=C --no-sync -U owner -D "$folder/data" >/dev/null
# A port that nobody has at this moment; where somebody took it meanwhile, another.
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    "${as_nobody[@]}" "$bin/postgres" -D "$folder/data" -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 \
        -c fsync=off -c max_connections=200 >>"$folder/data/log" 2>&1 &
    server=$!
    for ((tries = 0; tries < 600; tries++)); do
        if "$bin/psql" -h "$folder" -p "$port" -U owner -d postgres -c 'SELECT 1' >/dev/null 2>&1; then break 2; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" || true
    server=
done
if [[ -z $server ]]; then
    tail -n 5 "$folder/data/log" >&2
    exit 1
fi
printf '%s' "$port" >"$folder/port"
cd "$here"
status=0
UMPIN_TEST_POSTGRESQL=$folder UMPIN_TEST_STORE=postgresql PATH=$bin:$PATH \
    "$@" || status=$?
exit "$status"
