#!/usr/bin/env bash
# Builds, shows, tests and measures UMMailboxPin on Linux and macOS (on Windows: build.ps1).
#
#   ./build.sh demo | test [--all] | module | bench [--strict]
#
# docs/development.md tells what each verb does, what it needs and which environment variables it heeds.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"

usage() {
    cat <<'USAGE'
Usage: ./build.sh VERB [--strict] [--all]

  demo     builds the module and shows it at work, in a throwaway folder
  test     all rings of tests; the last line reads "N passed, N failed, N skipped"
  module   target/module/UMMailboxPin, ready for Import-Module
  bench    the benchmarks, of the library and of the cmdlets

  --all      with test: what takes long in full, and what needs large downloads (a real Asterisk); nothing is left out
  --strict   a part that cannot run here (no PowerShell, no .NET SDK ...) is a failure, not a skip

Variables (docs/development.md): UMPIN_CRATES=auto|registry|debian, UMPIN_PWSH=PATH|none, UMPIN_CACHE=FOLDER, UMPIN_REFRESH=1
USAGE
}

say() { printf '%s\n' "$*"; }
step() { printf -- '-- %s\n' "$*"; }
heading() { printf '\n== %s ==\n' "$*"; }
warn() {
    printf 'build.sh: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
}
die() {
    warn "$@"
    exit 1
}

verb=
strict=0
all=0
for argument in "$@"; do
    case $argument in
    --strict) strict=1 ;;
    --all) all=1 ;;
    -h | --help | help)
        usage
        exit 0
        ;;
    -*) die "unknown option: $argument" "$(usage)" ;;
    *)
        [[ -z $verb ]] || die "one verb at a time: $verb, $argument"
        verb=$argument
        ;;
    esac
done
case $verb in
demo | test | module | bench) ;;
'')
    usage >&2
    exit 2
    ;;
*) die "unknown verb: $verb" "$(usage)" ;;
esac
if ((all)) && [[ $verb != test ]]; then die "--all goes with test, not with $verb." "$(usage)"; fi

# ---- the machine ---------------------------------------------------------------------------------------------------

scratch=$(mktemp -d "${TMPDIR:-/tmp}/umpin-build.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

if [[ -z ${HOME:-} || ! -d ${HOME:-} || ! -w ${HOME:-} ]]; then
    # cargo, dotnet, npm and pwsh all want one. It stays, since the cache below it is used again.
    HOME=${TMPDIR:-/tmp}/umpin-home-$(id -u)
    [[ -d $HOME ]] || mkdir -m 700 "$HOME"
    [[ -O $HOME ]] || die "HOME is not set to a writable folder, and $HOME belongs to somebody else." 'Set HOME.'
    export HOME
fi
cache=${UMPIN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ummailboxpin}

build_dir=$root/target/build
logs=$build_dir/logs
mkdir -p "$logs"

case $(uname -s) in
Linux) os=linux library=libumpin.so suffix=so ;;
Darwin) os=osx library=libumpin.dylib suffix=dylib ;;
*) die "build.sh runs on Linux and macOS, not on $(uname -s)." 'On Windows: pwsh -File build.ps1 VERB' ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=x64 ;;
aarch64 | arm64) arch=arm64 ;;
armv7* | armhf) arch=arm ;;
*) arch=$(uname -m) ;;
esac
cargo_out=${CARGO_TARGET_DIR:-$root/target}
[[ $cargo_out == /* ]] || cargo_out=$root/$cargo_out
module_dir=$root/target/module
module_manifest=$module_dir/UMMailboxPin/UMMailboxPin.psd1

has() { command -v "$1" >/dev/null 2>&1; }

# bounded SECONDS COMMAND...: where the system has no timeout program, unbounded.
bounded() {
    local seconds=$1
    shift
    if has timeout; then
        timeout --kill-after=10 "$seconds" "$@"
    elif has gtimeout; then
        gtimeout --kill-after=10 "$seconds" "$@"
    else
        "$@"
    fi
}

# logged NAME COMMAND...: shows the output and keeps it in target/build/logs/NAME.log; the status is the command's.
logged() {
    local name=$1
    shift
    "$@" 2>&1 | tee "$logs/$name.log"
    return "${PIPESTATUS[0]}"
}

digest() {
    if has sha256sum; then sha256sum | cut -c1-64; else shasum -a 256 | cut -c1-64; fi
}

# Nothing here may meet a store in earnest, whatever the caller's environment names.
isolate() {
    mkdir -p "$scratch/store"
    export UMPIN_STORE=$scratch/store/um.db UMPIN_KEY_FILE=$scratch/store/umpin.key
}

# ---- Rust ----------------------------------------------------------------------------------------------------------

setup_rust() {
    local tool home
    if ! has cargo && [[ -x $HOME/.cargo/bin/cargo ]]; then PATH=$HOME/.cargo/bin:$PATH; fi
    has cargo || die 'cargo is missing.' 'Install Rust (the version that Cargo.toml names as rust-version, or later).'
    if ! cargo --version >/dev/null 2>&1; then
        # rustup looks for its toolchains under HOME; with another HOME they are beside the program itself.
        tool=$(command -v cargo)
        home=${tool%/.cargo/bin/cargo}
        if [[ -d $home/.rustup ]]; then export RUSTUP_HOME=$home/.rustup; fi
        cargo --version >/dev/null || die 'cargo is there but does not start (its own message is above).'
    fi
}

registry_reachable() {
    local probe=$build_dir/registry-probe
    mkdir -p "$probe/src"
    : >"$probe/src/lib.rs"
    printf '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\ncfg-if = "1"\n[workspace]\n' >"$probe/Cargo.toml"
    rm -f "$probe/Cargo.lock"
    (cd "$probe" && CARGO_NET_RETRY=0 CARGO_HTTP_TIMEOUT=5 bounded 30 cargo fetch >"$logs/registry-probe.log" 2>&1)
}

use_registry() {
    if [[ -f .cargo/config.toml ]] && grep -qF 'tools/debian-crates.sh' .cargo/config.toml; then rm -f .cargo/config.toml; fi
    # A lock file made from Debian's crates carries no checksums, and versions of its own.
    if [[ -f Cargo.lock ]] && ! grep -q '^checksum = ' Cargo.lock; then rm -f Cargo.lock; fi
}

use_debian() {
    rm -f "$build_dir/crates"
    UMPIN_CACHE=$cache bash tools/debian-crates.sh || die 'the crates could not be set up (see above).' \
        'Give cargo a way to the Rust registry, or a source of its own in .cargo/config.toml, and set UMPIN_CRATES=registry.'
}

# Where the crates come from is decided once for a checkout; after that a run asks no network.
setup_crates() {
    setup_rust
    case ${UMPIN_CRATES:-auto} in
    registry)
        rm -f "$build_dir/crates"
        use_registry
        ;;
    debian) use_debian ;;
    auto)
        if [[ -f .cargo/config.toml ]] && grep -qF 'tools/debian-crates.sh' .cargo/config.toml; then
            use_debian
        elif [[ -f .cargo/config.toml ]]; then
            : # The user's own sources.
        elif [[ -f $build_dir/crates && -z ${UMPIN_REFRESH:-} ]]; then
            :
        elif [[ -f Cargo.lock ]] && grep -q '^checksum = ' Cargo.lock && cargo fetch --offline --locked >/dev/null 2>&1; then
            use_registry
            echo registry >"$build_dir/crates"
        elif registry_reachable; then
            use_registry
            echo registry >"$build_dir/crates"
        else
            step "the Rust registry cannot be reached; taking the crates from Debian's packages"
            use_debian
        fi
        ;;
    *) die "UMPIN_CRATES is '$UMPIN_CRATES'; it must be auto, registry or debian." ;;
    esac
}

crate_version() { sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1; }

build_library() {
    step 'cargo build --release (the first time takes some minutes)'
    cargo build --release || {
        warn 'the Rust library was not built (see above).'
        return 1
    }
    [[ -f $cargo_out/release/$library ]] || {
        warn "cargo left no $cargo_out/release/$library." 'Cargo.toml needs a [lib] named umpin with crate-type "cdylib".'
        return 1
    }
}

# ---- .NET and PowerShell -------------------------------------------------------------------------------------------

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export DOTNET_GENERATE_ASPNET_CERTIFICATE=false DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true
# No server of ours stays behind, and none of another clone's is used.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
export POWERSHELL_TELEMETRY_OPTOUT=1 POWERSHELL_UPDATECHECK=Off
# In a log, PowerShell's colours are noise.
[[ -t 1 ]] || export NO_COLOR=1

pwsh=
pwsh_absent=
find_pwsh() {
    [[ -z $pwsh && -z $pwsh_absent ]] || return 0
    local refused=$build_dir/pwsh-install-refused
    if [[ ${UMPIN_PWSH:-} == none ]]; then
        pwsh_absent='UMPIN_PWSH=none'
    elif [[ -n ${UMPIN_PWSH:-} ]]; then
        if has "$UMPIN_PWSH"; then pwsh=$(command -v "$UMPIN_PWSH"); else pwsh_absent="UMPIN_PWSH names $UMPIN_PWSH, which is no program"; fi
    elif has pwsh; then
        pwsh=$(command -v pwsh)
    elif [[ -x $cache/pwsh/pwsh ]]; then
        pwsh=$cache/pwsh/pwsh
    elif ! has dotnet; then
        pwsh_absent='no pwsh on PATH, and no dotnet to install it with'
    elif [[ -n $(find "$refused" -mmin -720 2>/dev/null) && -z ${UMPIN_REFRESH:-} ]]; then
        pwsh_absent="no pwsh on PATH, and 'dotnet tool install PowerShell' failed less than half a day ago"
    else
        step "no pwsh on PATH; trying 'dotnet tool install PowerShell' into the cache (at most 5 minutes)"
        mkdir -p "$cache"
        rm -rf "$cache/pwsh.$$"
        if bounded 300 dotnet tool install PowerShell --tool-path "$cache/pwsh.$$" >"$logs/pwsh-install.log" 2>&1 </dev/null; then
            # Another clone may have been quicker; either is as good.
            [[ -d $cache/pwsh ]] || mv "$cache/pwsh.$$" "$cache/pwsh" 2>/dev/null || true
            rm -rf "$cache/pwsh.$$"
            pwsh=$cache/pwsh/pwsh
        else
            rm -rf "$cache/pwsh.$$"
            date >"$refused"
            pwsh_absent="no pwsh on PATH, and 'dotnet tool install PowerShell' failed (target/build/logs/pwsh-install.log)"
        fi
    fi
    if [[ -n $pwsh ]] && ! "$pwsh" -NoProfile -NonInteractive -Command 'exit 0' >"$logs/pwsh.log" 2>&1; then
        pwsh_absent="$pwsh does not start: $(head -n 1 "$logs/pwsh.log")"
        pwsh=
    fi
}

# The built modules first, what was fetched for the tests last.
module_path() { printf '%s' "$module_dir${PSModulePath:+:$PSModulePath}:$cache/psmodules"; }

run_pwsh() {
    PSModulePath=$(module_path) "$pwsh" -NoProfile -NonInteractive "$@" </dev/null
}

pwsh_has_module() {
    run_pwsh -Command "if (Get-Module -ListAvailable -Name '$1' | Where-Object Version -ge '$2') { exit 0 } else { exit 3 }" >/dev/null 2>&1
}

# fetch_pwsh_module NAME FROM BELOW: into the cache, unless a version from FROM on is there already.
fetch_pwsh_module() {
    local name=$1 from=$2 below=$3 refused=$build_dir/$1-refused work=$cache/psmodules.$$
    [[ -n $pwsh ]] || return 0
    if pwsh_has_module "$name" "$from"; then return 0; fi
    if [[ -n $(find "$refused" -mmin -720 2>/dev/null) && -z ${UMPIN_REFRESH:-} ]]; then return 0; fi
    step "pwsh has no $name; fetching it from the PowerShell Gallery into the cache (at most 3 minutes)"
    rm -rf "$work"
    mkdir -p "$work" "$cache/psmodules"
    # Not imported from where it was put, and not installed for anybody else.
    # shellcheck disable=SC2016 # PowerShell's variables, not the shell's
    if WANT=$name FROM=$from BELOW=$below INTO=$work bounded 180 "$pwsh" -NoProfile -NonInteractive -Command '
        $ErrorActionPreference = "Stop"; $ProgressPreference = "SilentlyContinue"
        if (Get-Command Save-PSResource -ErrorAction Ignore) {
            Save-PSResource -Name $env:WANT -Version "[$env:FROM,$env:BELOW)" -Path $env:INTO -TrustRepository
        } else {
            Save-Module -Name $env:WANT -MinimumVersion $env:FROM -MaximumVersion "$env:BELOW" -Path $env:INTO -Force
        }' >"$logs/$name-fetch.log" 2>&1 </dev/null && [[ -d $work/$name ]]; then
        # Another clone may have been quicker; either is as good.
        [[ -d $cache/psmodules/$name ]] || mv "$work/$name" "$cache/psmodules/$name" 2>/dev/null || true
        rm -rf "$work"
    else
        rm -rf "$work"
        date >"$refused"
        say "  could not be had (target/build/logs/$name-fetch.log): $(grep -v '^[[:space:]]*$' "$logs/$name-fetch.log" | head -n 1 | cut -c1-160)"
    fi
}

# place SOURCE TARGET: a changed file is replaced by rename, so that a process that has the old one loaded keeps it.
place() {
    printf '%s\n' "$2" >>"$scratch/placed"
    if [[ -f $2 ]] && cmp -s "$1" "$2"; then return 0; fi
    mkdir -p "${2%/*}"
    cp "$1" "$2.$$" && mv -f "$2.$$" "$2"
}

# managed NAME: compiles powershell/NAME/NAME.csproj into target/dotnet/out/NAME unless nothing changed since.
managed() {
    local name=$1 out=target/dotnet/out/$1 stamp=target/dotnet/$1.stamp now
    now=$({
        dotnet --version
        crate_version
        find powershell -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.props' -o -name '*.targets' -o -name '*.resx' \) \
            -not -path '*/obj/*' -not -path '*/bin/*' -print | LC_ALL=C sort | while IFS= read -r file; do
            printf '%s\n' "$file"
            cat "$file"
        done
    } | digest)
    if [[ -f $out/$name.dll && -f $stamp && $(cat "$stamp") == "$now" ]]; then return 0; fi
    step "dotnet build $name"
    mkdir -p target/dotnet
    rm -rf "$stamp" "$out"
    logged "dotnet-$name" dotnet build "powershell/$name/$name.csproj" --configuration Release --output "$out" -nologo -verbosity:minimal \
        -p:Version="$(crate_version)" || {
        warn "dotnet could not build powershell/$name (see above)." \
            'If a package was not found: check the NuGet sources (dotnet nuget list source).'
        return 1
    }
    printf '%s\n' "$now" >"$stamp"
}

# assemble NAME: target/module/NAME from powershell/NAME, its compiled part and, for the first module, the library.
assemble() {
    local name=$1 source=powershell/$1 target=$module_dir/$1 file base version
    [[ -f $source/$name.psd1 ]] || {
        warn "$source/$name.psd1 is missing."
        return 1
    }
    version=$(sed -n "s/^[[:space:]@{]*ModuleVersion[[:space:]]*=[[:space:]]*['\"]\([^'\"]*\)['\"].*/\1/p" "$source/$name.psd1" | head -n 1)
    if [[ $version != "$(crate_version | sed 's/[-+].*//')" ]]; then
        warn "$source/$name.psd1 has version '$version', Cargo.toml $(crate_version)." 'One release has one version: change them together.'
        return 1
    fi
    : >"$scratch/placed"
    if [[ -f $source/$name.csproj ]]; then
        managed "$name" || return 1
        for file in "target/dotnet/out/$name"/*.dll; do
            base=${file##*/}
            case $base in
            System.Management.Automation.dll) continue ;;
            UMMailboxPin*.dll) [[ $base == "$name.dll" ]] || continue ;;
            esac
            place "$file" "$target/$base" || return 1
        done
    fi
    while IFS= read -r file; do
        place "$file" "$target/${file#"$source/"}" || return 1
    done < <(find "$source" -type f \( -name '*.psd1' -o -name '*.psm1' -o -name '*.ps1' -o -name '*.ps1xml' -o -name '*.psrc' -o -name '*.pssc' \
        -o -path '*/[a-z][a-z]-[A-Z][A-Z]/*' -o -path '*/[a-z][a-z]/*' \) \
        -not -path '*/obj/*' -not -path '*/bin/*')
    for file in LICENSE-MIT LICENSE-APACHE; do place "$file" "$target/$file" || return 1; done
    if [[ $name == UMMailboxPin ]]; then place "$cargo_out/release/$library" "$target/$os-$arch/umpin.$suffix" || return 1; fi
    # What a former build left and this one does not have. Libraries for other systems are put there by hand: they stay.
    while IFS= read -r file; do
        if ! grep -qxF -- "$file" "$scratch/placed"; then
            case ${file#"$target/"} in
            linux-*/* | osx-*/* | win-*/*) ;;
            *) rm -f "$file" ;;
            esac
        fi
    done < <(find "$target" -type f)
}

# 0: built; 1: failed; 3: cannot be built here (module_absent tells why).
module_absent=
build_module() {
    local name
    build_library || return 1
    if [[ ! -f powershell/UMMailboxPin/UMMailboxPin.csproj ]]; then
        module_absent='powershell/UMMailboxPin/UMMailboxPin.csproj is not there'
        return 3
    fi
    if ! has dotnet; then
        module_absent='the .NET SDK (dotnet) is missing; version 8 or later builds the cmdlets'
        return 3
    fi
    for name in UMMailboxPin UMMailboxPin.ExchangeCompat; do
        if [[ -d powershell/$name ]]; then assemble "$name" || return 1; fi
    done
    say "module: target/module/UMMailboxPin ($(crate_version), $os-$arch)"
}

# ---- module, demo, bench -------------------------------------------------------------------------------------------

# skipped_part WHAT WHY: outside of test.
parts_skipped=0
skipped_part() {
    parts_skipped=$((parts_skipped + 1))
    say "skipped: $1: $2"
}
end_of_parts() {
    if ((strict && parts_skipped)); then die "--strict: $parts_skipped part(s) could not run here (named above)."; fi
}

make_module() {
    local status=0
    build_module || status=$?
    case $status in
    0) ;;
    3) skipped_part 'the PowerShell module' "$module_absent" ;;
    *) die 'the module was not built.' ;;
    esac
    return "$status"
}

verb_module() {
    setup_crates
    make_module || true
    end_of_parts
}

verb_demo() {
    local have=0 file
    setup_crates
    make_module || have=$?
    find_pwsh
    isolate
    mkdir -p "$scratch/demo"
    for file in examples/*.csv; do if [[ -f $file ]]; then cp "$file" "$scratch/demo/"; fi; done
    if ((have == 0)) && [[ -n $pwsh && -f examples/demo.ps1 ]]; then
        heading 'examples/demo.ps1, in a throwaway folder'
        (cd "$scratch/demo" && UMPIN_MODULE=$module_manifest run_pwsh -File "$root/examples/demo.ps1") || die 'the demo failed (see above).'
    else
        if ((have == 0)); then skipped_part 'the demo of the cmdlets' "${pwsh_absent:-examples/demo.ps1 is not there}"; fi
        heading 'examples/quickstart.c, in a throwaway folder'
        has cc || die 'neither PowerShell nor a C compiler (cc) is here, so there is nothing to show the module with.' \
            'Install PowerShell 7.2 or later (pwsh), or a C compiler.'
        [[ -f examples/quickstart.c ]] || die 'examples/quickstart.c is missing.'
        compile_c examples/quickstart.c "$scratch/quickstart" || die 'examples/quickstart.c does not compile (see above).'
        (cd "$scratch/demo" && "$scratch/quickstart" recipients.csv) || die 'the quick start failed (see above).'
    fi
    end_of_parts
}

verb_bench() {
    local have=0 file ran=0
    setup_crates
    isolate
    if [[ -f benches/core.rs ]]; then
        heading 'library: cargo bench --bench core'
        cargo bench --bench core || die 'the benchmark of the library failed (see above).'
        ran=1
    else
        skipped_part 'the benchmark of the library' 'benches/core.rs is not there'
    fi
    make_module || have=$?
    find_pwsh
    for file in benches/powershell.ps1 tests/powershell/bench/*.ps1; do
        [[ -f $file ]] || continue
        if [[ -z $pwsh ]]; then
            skipped_part "$file" "$pwsh_absent"
        elif ((have != 0)); then
            skipped_part "$file" "$module_absent"
        else
            heading "cmdlets: $file"
            UMPIN_MODULE=$module_manifest run_pwsh -File "$root/$file" || die "$file failed (see above)."
            ran=1
        fi
    done
    ((ran)) || say 'no benchmark ran.'
    end_of_parts
}

# ---- test ----------------------------------------------------------------------------------------------------------

passed=0
failed=0
skipped=0
failures=()
skips=()

pass() { passed=$((passed + ${1:-1})); }
# fail NAME [HOW_MANY]
fail() {
    failed=$((failed + ${2:-1}))
    failures+=("$1")
    say "FAILED: $1"
}
# skip NAME REASON [HOW_MANY]: the test itself says that it does not apply here.
skip() {
    skipped=$((skipped + ${3:-1}))
    skips+=("$1: $2")
}
# absent NAME REASON [HOW_MANY]: a tool is missing, so the part cannot run; --strict counts that as failed.
absent() {
    if ((strict)); then
        fail "$1: $2 (--strict)" "${3:-1}"
    else
        skip "$@"
        say "skipped: $1: $2"
    fi
}

ring_started=0
ring() {
    heading "$1"
    ring_started=$SECONDS
}
ring_done() { say "($((SECONDS - ring_started)) s)"; }

check() {
    local name=$1
    shift
    step "$name"
    if logged "${name//[^A-Za-z0-9]/-}" "$@"; then pass; else fail "$name"; fi
}

# fetch_tools SCRIPT SECONDS: what is not there is named, the tests that need it are skipped by name, and the run goes on.
fetch_tools() {
    local script=$1 name refused
    name=${script##*/}
    name=${name%.sh}
    refused=$build_dir/$name-refused
    if [[ -n $(find "$refused" -mmin -720 2>/dev/null) && -z ${UMPIN_REFRESH:-} ]] && ((!all)); then return 0; fi
    step "$script"
    if logged "$name" bounded "$2" bash "$script" </dev/null; then
        rm -f "$refused"
    else
        date >"$refused"
        say "  $script did not get everything (see above); the tests that need it are skipped by name."
    fi
}

# What the tests use and the machine may lack, in the cache: the small things always, the large ones with --all.
fetch_what_tests_need() {
    export UMPIN_TEST_TOOLS=${UMPIN_TEST_TOOLS:-$cache/tools}
    heading 'What the tests need'
    if [[ $os == linux ]]; then
        fetch_tools tools/test-tools.sh 300
        if ((all)); then fetch_tools tools/test-asterisk.sh 900; fi
    fi
    fetch_pwsh_module PSScriptAnalyzer 1.20 2.0
    fetch_pwsh_module Pester 5.0 6.0
    if ((all)); then export UMPIN_TEST_SCALE=full; fi
}

ring_lint() {
    ring '1. Rust: format and lints'
    if cargo fmt --version >/dev/null 2>&1; then
        check 'cargo fmt --check' cargo fmt --check
    else
        absent 'cargo fmt --check' 'this Rust has no rustfmt (rustup component add rustfmt)'
    fi
    if cargo clippy --version >/dev/null 2>&1; then
        check 'cargo clippy' cargo clippy --all-targets -- -D warnings
    else
        absent 'cargo clippy' 'this Rust has no clippy (rustup component add clippy)'
    fi
    ring_done
}

ring_rust() {
    local status=0 log=$logs/cargo-test.log p f i binaries results name
    ring '2. Rust: cargo test (the first time takes some minutes)'
    # A test that finds at run time that it does not apply here (no such tool, not root) adds "name: reason" to this file.
    : >"$scratch/rust-skips"
    export UMPIN_SKIP_FILE=$scratch/rust-skips
    logged cargo-test env CARGO_TERM_COLOR=never cargo test --no-fail-fast || status=$?
    unset UMPIN_SKIP_FILE
    read -r p f i results < <(awk '/^test result: / {
        n++
        for (k = 1; k < NF; k++) {
            if ($(k + 1) == "passed;") p += $k
            if ($(k + 1) == "failed;") f += $k
            if ($(k + 1) == "ignored;") i += $k
        }
    } END { print p + 0, f + 0, i + 0, n + 0 }' "$log")
    binaries=$(grep -cE '^ +(Running (unittests|tests/)|Doc-tests )' "$log" || true)
    pass "$p"
    while IFS= read -r name; do fail "$name" 0; done < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort -u)
    failed=$((failed + f))
    while IFS= read -r name; do skip "${name%%$'\t'*}" "${name#*$'\t'}" 0; done < <(
        sed -n 's/^test \(.*\) \.\.\. ignored\(, \)\{0,1\}\(.*\)$/\1'$'\t''ignored \3/p' "$log" | sort -u)
    skipped=$((skipped + i))
    while IFS= read -r name; do
        [[ -n $name ]] || continue
        skip "${name%%: *}" "${name#*: }"
        passed=$((passed - 1))
    done <"$scratch/rust-skips"
    if ((binaries > results)); then
        fail "cargo test: $((binaries - results)) test program(s) ended without a result" $((binaries - results))
    elif ((status != 0 && f == 0)); then
        fail "cargo test (exit status $status, see target/build/logs/cargo-test.log)"
    fi
    ring_done
}

compile_c() {
    cc -std=c11 -Wall -Wextra -Werror -pedantic -Iinclude "$1" -o "$2" -L"$cargo_out/release" -lumpin "-Wl,-rpath,$cargo_out/release" -lpthread
}

ring_c() {
    local file name status log ok not skips_here line work
    local -a programs=()
    ring '3. C: the header and the library'
    for file in tests/c/*.c; do if [[ -f $file ]]; then programs+=("$file"); fi; done
    if ((library_status != 0)); then
        skip 'tests/c' 'the library was not built' "${#programs[@]}"
        ring_done
        return 0
    fi
    if [[ ! -f include/umpin.h ]]; then
        fail 'include/umpin.h is missing (it is committed; tests/header.rs tells how to renew it)'
        ring_done
        return 0
    fi
    if has c++; then
        printf '#include "umpin.h"\nint main() { return 0; }\n' >"$scratch/header.cpp"
        check 'the header as C++' c++ -std=c++17 -Wall -Wextra -Werror -pedantic -Iinclude -fsyntax-only "$scratch/header.cpp"
    else
        absent 'the header as C++' 'no C++ compiler (c++)'
    fi
    if ! has cc; then
        absent 'tests/c' "no C compiler (cc); ${#programs[@]} program(s) did not run" "${#programs[@]}"
        ring_done
        return 0
    fi
    for file in examples/*.c; do
        [[ -f $file ]] || continue
        check "$file compiles" compile_c "$file" "$scratch/example"
    done
    if has c++ && [[ -f examples/quickstart.c ]]; then
        # Its words must do for a reader who builds with C++.
        check 'examples/quickstart.c as C++17' c++ -std=c++17 -x c++ -Wall -Wextra -Werror -pedantic -Iinclude -fsyntax-only examples/quickstart.c
    fi
    for file in ${programs[@]+"${programs[@]}"}; do
        name=${file##*/}
        name=${name%.c}
        step "$file"
        if ! logged "c-$name-compile" compile_c "$file" "$scratch/c-$name"; then
            fail "$file does not compile"
            continue
        fi
        work=$scratch/run-$name
        mkdir -p "$work"
        log=$logs/c-$name.log
        status=0
        (cd "$work" && UMPIN_STORE=$work/um.db UMPIN_KEY_FILE=$work/umpin.key bounded 600 "$scratch/c-$name" </dev/null) 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
        ok=$(grep -E '^ok [0-9]+' "$log" | grep -ciE '# skip' || true)
        skips_here=$ok
        ok=$(($(grep -cE '^ok [0-9]+' "$log" || true) - skips_here))
        not=$(grep -cE '^not ok [0-9]+' "$log" || true)
        pass "$ok"
        while IFS= read -r line; do skip "$file" "$line"; done < <(grep -E '^ok [0-9]+' "$log" | grep -iE '# skip' || true)
        while IFS= read -r line; do fail "$file: $line"; done < <(grep -E '^not ok [0-9]+' "$log" || true)
        if ((status != 0 && not == 0)); then
            fail "$file ended with exit status $status"
        elif ((ok + not + skips_here == 0)); then
            fail "$file printed no result (lines 'ok N - name')"
        fi
    done
    ring_done
}

# tally FILE: what tools/analyze.ps1 and tools/pester.ps1 leave behind.
tally() {
    local kind rest p=0 f=0 s=0
    while IFS=' ' read -r kind rest; do
        case $kind in
        counts) read -r p f s <<<"$rest" ;;
        failed) fail "$rest" 0 ;;
        skipped) skips+=("$rest") ;;
        esac
    done <"$1"
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
}

powershell_files() {
    local place
    for place in build.ps1 tools powershell tests/powershell examples benches; do
        [[ -e $place ]] || continue
        find "$place" -type f \( -name '*.ps1' -o -name '*.psm1' -o -name '*.psd1' \) -not -path '*/obj/*' -not -path '*/bin/*'
    done | LC_ALL=C sort
}

ring_analyzer() {
    local count status=0 result=$scratch/analyzer.txt
    ring '4. PowerShell: PSScriptAnalyzer'
    count=$(powershell_files | wc -l | tr -d ' ')
    if [[ -z $pwsh ]]; then
        absent 'PSScriptAnalyzer' "$pwsh_absent; $count file(s) were not analysed" "$count"
    elif ! pwsh_has_module PSScriptAnalyzer 1.20; then
        absent 'PSScriptAnalyzer' "the module PSScriptAnalyzer 1.20 or later is missing and could not be fetched (Install-Module PSScriptAnalyzer -Scope CurrentUser); $count file(s) were not analysed" "$count"
    else
        powershell_files >"$scratch/analyze"
        logged analyzer bounded "$((all ? 900 : 300))" env PSModulePath="$(module_path)" "$pwsh" -NoProfile -NonInteractive -File tools/analyze.ps1 \
            -ListFile "$scratch/analyze" -Settings PSScriptAnalyzerSettings.psd1 -ResultFile "$result" </dev/null || status=$?
        if [[ -s $result ]]; then tally "$result"; else fail "PSScriptAnalyzer ended without a result (exit status $status)"; fi
    fi
    ring_done
}

ring_pester() {
    local count=0 file status=0 result=$scratch/pester.txt
    ring '5. PowerShell: Pester on the built module'
    for file in tests/powershell/*.Tests.ps1; do if [[ -f $file ]]; then count=$((count + 1)); fi; done
    if ((count == 0)); then
        say 'there are no tests/powershell/*.Tests.ps1'
    elif ((module_status == 3)); then
        absent 'Pester' "$module_absent; $count file(s) did not run" "$count"
    elif ((module_status != 0)); then
        skip 'Pester' "the module was not built; $count file(s) did not run" "$count"
        say "skipped: Pester: the module was not built; $count file(s) did not run"
    elif [[ -z $pwsh ]]; then
        absent 'Pester' "$pwsh_absent; $count file(s) did not run" "$count"
    elif ! pwsh_has_module Pester 5.0; then
        absent 'Pester' "the module Pester 5 or later is missing and could not be fetched (Install-Module Pester -MinimumVersion 5.0 -Scope CurrentUser); $count file(s) did not run" "$count"
    else
        mkdir -p target/test-results
        logged pester bounded "$((all ? 1800 : 720))" env PSModulePath="$(module_path)" UMPIN_MODULE="$module_manifest" UMPIN_BIN="$cargo_out/release/umpin" \
            "$pwsh" -NoProfile -NonInteractive -File tools/pester.ps1 \
            -Path tests/powershell -ReportFile target/test-results/pester.xml -ResultFile "$result" </dev/null || status=$?
        if [[ -s $result ]]; then tally "$result"; else fail "Pester ended without a result (exit status $status); $count file(s)" "$count"; fi
    fi
    ring_done
}

verb_test() {
    local line
    setup_crates
    isolate
    find_pwsh
    fetch_what_tests_need

    ring_lint
    ring_rust

    ring 'The release library and the module, for the rings that follow'
    module_status=0
    build_module || module_status=$?
    library_status=0
    if ((module_status == 1)); then fail 'building the module (see above)'; fi
    if ((module_status == 3)); then say "the module cannot be built here: $module_absent"; fi
    [[ -f $cargo_out/release/$library ]] && cargo build --release >/dev/null 2>&1 || library_status=1
    ring_done

    ring_c
    ring_analyzer
    ring_pester

    heading "Result ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
    for line in ${skips[@]+"${skips[@]}"}; do say "skipped: $line"; done
    for line in ${failures[@]+"${failures[@]}"}; do say "failed: $line"; done
    say "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0))
}

case $verb in
demo) verb_demo ;;
test) verb_test ;;
module) verb_module ;;
bench) verb_bench ;;
esac
