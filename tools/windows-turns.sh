#!/usr/bin/env bash
# One store used by Windows programs (under Wine) and by this machine's own in turn; a line "ok N - name" each.
#
#   tools/windows-turns.sh WINDOWS-BUILD RELEASE FOLDER [PWSH.EXE MODULES]
#
# WINDOWS-BUILD has umpin.exe and examples/seed_store.exe, RELEASE this machine's umpin; FOLDER is made. With PWSH.EXE
# the module for Windows takes its turn, too.
set -euo pipefail

windows=$1 release=$2 folder=$3 pwsh=${4:-} modules=${5:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -m 700 "$folder"
n=0 status=0

# shellcheck disable=SC2317 # `expect` calls it
wine() {
    # As Windows names the files.
    UMPIN_STORE=Z:${UMPIN_STORE//\//\\} UMPIN_KEY_FILE=Z:${UMPIN_KEY_FILE//\//\\} "$here/wine.sh" "$@"
}
say() {
    n=$((n + 1))
    if [[ $1 == 0 ]]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        status=1
    fi
}
# expect CODE NAME COMMAND...: with the lines on standard input.
expect() {
    local code=$1 name=$2 got=0
    shift 2
    "$@" >"$folder/out" 2>&1 || got=$?
    if [[ $got == "$code" ]]; then say 0 "$name"; else
        sed 's/^/# /' "$folder/out"
        say 1 "$name (exit code $got, not $code)"
    fi
}

export UMPIN_STORE=$folder/um.db UMPIN_KEY_FILE=$folder/umpin.key
who=(--extension 5000000)
expect 0 'Windows makes a store' wine "$windows/examples/seed_store.exe" "Z:${folder//\//\\}" 20 </dev/null
expect 0 'Linux accepts the PIN that Windows set' "$release/umpin" verify "${who[@]}" <<<739182
expect 1 'Linux refuses a wrong one' "$release/umpin" verify "${who[@]}" <<<000000
expect 0 'Linux changes the PIN' "$release/umpin" change "${who[@]}" <<<$'739182\n580437'
expect 0 'Windows accepts the PIN that Linux set' wine "$windows/umpin.exe" verify "${who[@]}" <<<580437
expect 1 'Windows refuses the old one' wine "$windows/umpin.exe" verify "${who[@]}" <<<739182
expect 0 'Windows changes it again' wine "$windows/umpin.exe" change "${who[@]}" <<<$'580437\n604938'
expect 0 'Linux accepts that' "$release/umpin" verify "${who[@]}" <<<604938
if [[ -n $pwsh ]]; then
    cat >"$folder/turn.ps1" <<'PS1'
$ErrorActionPreference = 'Stop'
Import-Module UMMailboxPin
Set-UMMailboxPIN -Identity user0 -Pin 918273 -PinExpired $false
$failed = @(Test-UMPinStore | Where-Object Result -EQ Failed)
$failed | ForEach-Object { "$($_.Check): $($_.Detail)" }
exit $failed.Count
PS1
    export PSModulePath="Z:${modules//\//\\}" PSExecutionPolicyPreference=Bypass TERM=dumb
    # PowerShell ends silently without a terminal.
    # shellcheck disable=SC2317 # `expect` calls it
    in_terminal() {
        UMPIN_STORE=Z:${UMPIN_STORE//\//\\} UMPIN_KEY_FILE=Z:${UMPIN_KEY_FILE//\//\\} script -qec \
            "'$here/wine.sh' '$pwsh' -NoProfile -NonInteractive -File 'Z:${folder//\//\\}\\turn.ps1'" /dev/null
    }
    expect 0 'the Windows module sets a PIN, and finds the store in order' in_terminal </dev/null
    expect 0 'Linux accepts the PIN that the Windows module set' "$release/umpin" verify "${who[@]}" <<<918273
else
    n=$((n + 1))
    echo "ok $n - the Windows module # SKIP no PowerShell for Windows (UMPIN_WINDOWS_PWSH), or no module"
fi
exit "$status"
