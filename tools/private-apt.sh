# shellcheck shell=bash
# An apt of our own, for scripts that source this file: own lists, own archive, own settings, no root. The machine's
# mirror, proxy, certificates and keyring are used; its apt is left as it is.

# The mirror this machine is set up with, whatever it is called.
private_apt_mirror() {
    if [[ -n ${UMPIN_DEBIAN_MIRROR:-} ]]; then
        printf '%s\n' "$UMPIN_DEBIAN_MIRROR"
        return
    fi
    # shellcheck disable=SC2016 # the fields are apt's, not the shell's
    apt-get indextargets --no-release-info --format '$(REPO_URI)|$(RELEASE)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$2 !~ /-security|-updates|-backports/ && $1 ~ /debian/ && $1 !~ /debian-security/ { print $1; exit }'
}

# private_apt_prepare FOLDER SUITE [STATUS]: STATUS is the list of what counts as installed; without it, nothing does.
# 1 where no mirror is known.
private_apt_prepare() {
    local folder=$1 suite=$2 status=${3:-} uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg options=
    uri=$(private_apt_mirror)
    [[ -n $uri ]] || return 1
    mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/log"
    if [[ -z $status ]]; then
        status=$folder/status
        : >"$status"
    fi
    if [[ -r $keyring ]]; then options="[signed-by=$keyring] "; fi
    printf 'deb %s%s %s main\n' "$options" "$uri" "$suite" >"$folder/sources.list"
    # The machine's settings (proxy, certificates) still count: this file is read after them and moves only the places.
    cat >"$folder/apt.conf" <<CONF
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$folder";
Dir::State::Lists "$folder/lists";
Dir::State::status "$status";
Dir::Cache "$folder";
Dir::Cache::Archives "$folder/archives";
Dir::Log "$folder/log";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Keep-Downloaded-Packages "true";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
CONF
}

# private_apt FOLDER TOOL ARGUMENT...
private_apt() {
    local folder=$1 tool=$2
    shift 2
    "$tool" -c "$folder/apt.conf" "$@"
}

# private_apt_resolve FOLDER PACKAGE...: the packages and all they depend on that is not installed, each a line
# "NAME=VERSION FILE". apt's whole answer is in FOLDER/uris.
private_apt_resolve() {
    local folder=$1
    shift
    # apt leaves out what its archive already has, so it is shown an empty one.
    mkdir -p "$folder/no-archives/partial"
    private_apt "$folder" apt-get -q -y -o Dir::Cache::Archives="$folder/no-archives" --print-uris install "$@" \
        >"$folder/uris" || return 1
    # The file's name has the colon of an epoch escaped.
    awk '/^\047/ { split($2, p, "_"); v = p[2]; gsub(/%3a/, ":", v); print p[1] "=" v, $2 }' "$folder/uris" | sort -u
}

# private_apt_download FOLDER INTO PACKAGE...: exactly these, into the folder INTO.
private_apt_download() {
    local folder=$1 into=$2
    shift 2
    mkdir -p "$into"
    (($# == 0)) || (cd "$into" && private_apt "$folder" apt-get -q download "$@")
}

# private_apt_unpack DEBS ROOT: every package in the folder DEBS, without what no program needs.
private_apt_unpack() {
    local deb
    mkdir -p "$2"
    for deb in "$1"/*.deb; do
        [[ -f $deb ]] || continue
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$2" --no-same-owner --keep-directory-symlink \
            --exclude './usr/share/doc/*' --exclude './usr/share/man/*' --exclude './usr/share/locale/*' \
            --exclude './dev/*' || return 1
    done
}
