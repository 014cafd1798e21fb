# shellcheck shell=bash
# Helper functions of packaging/bootstrap.sh, and of its hooks in packaging/bootstrap.d/*.sh.
#
# A hook is a bash file that is run after the libraries of slopn are in place, with
# `set -euo pipefail`, with this file already sourced, and with these variables:
#
#   SLOPN_DEPS      absolute path of build/deps: everything private lives below it
#   SLOPN_ROOT      absolute path of the repository
#   SLOPN_CODENAME  the Debian release we run on: bookworm, trixie, ...
#   SLOPN_JOBS      how many compilers to run at the same time
#
# Functions for hooks:
#
#   say TEXT                          one progress line
#   die TEXT [WHAT_TO_DO]             stops with an error and a hint
#   private_version SUITE PACKAGE     prints the version that SUITE has now; fails when it has none
#   private_fetch SUITE PACKAGE DIR   unpacks the newest PACKAGE of SUITE below DIR without installing
#                                     it, and writes its lock entry; fails when SUITE has none
#   private_source SUITE SOURCE [UPSTREAM_VERSION]
#                                     unpacks the upstream tarball of a source package to
#                                     $SLOPN_DEPS/src/SOURCE and writes its lock entry
#   private_source_tree SUITE SOURCE  the same, with Debian's patches applied where it has any
#   built NAME KEY                    true when NAME was built from exactly KEY before
#   mark_built NAME KEY               remembers that
#   run_logged NAME COMMAND...        runs a command silently; shows the end of its log if it fails
#   lock_entry NAME VERSION SHA256 SUITE
#                                     one line of build/deps/deps.lock
#
# All of them may be called again after an interrupted run: what is complete is kept, what is not
# is done again. SUITE is a Debian suite such as sid, trixie or bookworm-backports. Its package
# index is fetched once per run into $SLOPN_DEPS/apt; the machine's own apt configuration is only
# read (for the mirror and the proxy), never changed.

say() { printf '  %s\n' "$*" >&2; }

die() {
  printf 'bootstrap: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'bootstrap: %s\n' "$2" >&2
  exit 1
}

run_logged() { # NAME COMMAND...
  local log="$SLOPN_DEPS/log/$1.log"
  mkdir -p "$SLOPN_DEPS/log"
  shift
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    die "'$1' failed; its whole output is in $log" "Correct what it says and run packaging/bootstrap.sh again."
  fi
}

built() { [ "$(cat "$SLOPN_DEPS/stamps/$1" 2>/dev/null)" = "$2" ]; }

mark_built() {
  mkdir -p "$SLOPN_DEPS/stamps"
  printf '%s\n' "$2" >"$SLOPN_DEPS/stamps/$1"
}

lock_entry() { printf '%s %s %s %s\n' "$1" "$2" "$3" "$4" >>"$SLOPN_DEPS/deps.lock.new"; }

# ---- the machine's own apt -----------------------------------------------------------------

# Prints the mirror this machine gets Debian's main suite from.
find_mirror() {
  if [ -n "${SLOPN_MIRROR:-}" ]; then
    printf '%s\n' "$SLOPN_MIRROR"
    return
  fi
  local mirror
  # shellcheck disable=SC2016  # apt expands these
  mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v codename="$SLOPN_CODENAME" \
      '$1 == "Debian" && $2 == "Debian" && $3 == codename { print $4; exit }')
  case $mirror in
    mirror+file:*) mirror=$(awk '$1 ~ /^https?:/ { print $1; exit }' "${mirror#mirror+file:}") ;;
  esac
  [ -n "$mirror" ] || return 1
  printf '%s\n' "${mirror%/}"
}

# ---- the private apt -----------------------------------------------------------------------

# Runs an apt command on the private root of one index: private_apt INDEX apt-get ...
private_apt() {
  local root="$SLOPN_DEPS/apt/$1" command=$2
  shift 2
  "$command" -q -o "Dir::Etc::sourcelist=$root/sources.list" -o Dir::Etc::sourceparts=- \
    -o "Dir::State::Lists=$root/lists" -o "Dir::Cache=$root/cache" \
    -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root \
    -o 'DPkg::Post-Invoke::=' -o APT::Update::Post-Invoke-Success::= "$@"
}

# Fetches an index once per run: private_index NAME deb|deb-src SUITE
private_index() {
  local name=$1 kind=$2 suite=$3
  local root="$SLOPN_DEPS/apt/$name" keyring option=''
  [ "$(cat "$root/run" 2>/dev/null)" != "$SLOPN_RUN" ] || return 0
  for keyring in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    [ ! -e "$keyring" ] || option="[signed-by=$keyring] "
  done
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
  printf '%s %s%s %s main\n' "$kind" "$option" "$SLOPN_MIRROR" "$suite" >"$root/sources.list"
  if ! private_apt "$name" apt-get update >"$root/update.log" 2>&1 ||
    grep -qE '^(E|Err|W: Failed)' "$root/update.log"; then
    cat "$root/update.log" >&2
    die "the package index of Debian $suite cannot be fetched" \
      "Check the network and /etc/apt; SLOPN_MIRROR=URL names another Debian mirror."
  fi
  printf '%s\n' "$SLOPN_RUN" >"$root/run"
}

private_version() { # SUITE PACKAGE
  private_index "$1" deb "$1"
  local version
  version=$(private_apt "$1" apt-cache madison "$2" | awk -F' *[|] *' '{ print $2; exit }')
  [ -n "$version" ] || return 1
  printf '%s\n' "$version"
}

private_fetch() { # SUITE PACKAGE DIR
  local suite=$1 package=$2 dir=$3 version sum stamp work
  version=$(private_version "$suite" "$package") || return 1
  sum=$(private_apt "$suite" apt-cache show "$package=$version" | sed -n 's/^SHA256: //p' | head -n 1)
  stamp="fetch-$package-$(printf '%s' "$dir" | sha256sum | cut -c1-8)"
  lock_entry "$package" "$version" "$sum" "$suite"
  if built "$stamp" "$sum" && all_there "$dir" "$SLOPN_DEPS/stamps/$stamp.files"; then return 0; fi

  say "$package $version ($suite)"
  work="$SLOPN_DEPS/apt/download/$package"
  rm -rf "$work"
  mkdir -p "$work" "$dir"
  (cd "$work" && private_apt "$suite" apt-get download "$package=$version") >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; die "$package $version cannot be downloaded" "Run packaging/bootstrap.sh again."; }
  printf '%s  %s\n' "$sum" "$(echo "$work"/*.deb)" | sha256sum --check --status ||
    die "$package $version has not the SHA-256 that the index of $suite says" "Run packaging/bootstrap.sh again."
  dpkg -x "$work"/*.deb "$dir" || die "$package $version cannot be unpacked to $dir" "Is the disk full?"
  mark_built "$stamp" "$sum"
  dpkg-deb --fsys-tarfile "$work"/*.deb | tar -t >"$SLOPN_DEPS/stamps/$stamp.files"
  rm -rf "$work"
}

# True when every file named in LIST is still below DIR.
all_there() { # DIR LIST
  [ -s "$2" ] && (cd "$1" && xargs -d '\n' ls -d) <"$2" >/dev/null 2>&1
}

# Prints "version file sha256 URI" for each file of a source package whose name matches REGEX. All
# of it comes from the signed index; no .dsc is needed.
private_source_list() { # SUITE SOURCE REGEX
  local suite=$1 source=$2 regex=$3 version uri file sum
  private_index "$suite-src" deb-src "$suite"
  version=$(private_apt "$suite-src" apt-cache madison "$source" | awk -F' *[|] *' '{ print $2; exit }')
  [ -n "$version" ] || return 1
  private_apt "$suite-src" apt-get source --print-uris --download-only --only-source \
    "$source=$version" 2>/dev/null | grep "^'" | grep -E "$regex" |
    while read -r uri file _ sum; do
      uri=${uri#\'}
      printf '%s %s %s %s\n' "$version" "$file" "${sum#SHA256:}" "${uri%\'}"
    done
}

private_download() { # SUITE FILE SHA256 URI DIR
  local suite=$1 file=$2 sum=$3 uri=$4 dir=$5
  if printf '%s  %s\n' "$sum" "$dir/$file" | sha256sum --check --status 2>/dev/null; then return 0; fi
  say "$file ($suite)"
  mkdir -p "$dir"
  rm -f "$dir/$file"
  private_apt "$suite-src" /usr/lib/apt/apt-helper download-file "$uri" "$dir/$file" "SHA256:$sum" \
    >"$dir/log" 2>&1 || { cat "$dir/log" >&2; return 1; }
}

# The upstream part of a Debian version: 1:1.24.0+dfsg-1 gives 1.24.0+dfsg.
upstream_version() {
  local version=${1#*:}
  printf '%s\n' "${version%-*}"
}

private_source() { # SUITE SOURCE [UPSTREAM_VERSION]
  local suite=$1 source=$2 wanted=${3:-} version='' file sum uri
  local download="$SLOPN_DEPS/apt/download/$2-src" dir="$SLOPN_DEPS/src/$2"
  read -r version file sum uri < <(private_source_list "$suite" "$source" '\.orig\.tar\.[a-z0-9]+ ') || return 1
  [ -z "$wanted" ] || [ "$(upstream_version "$version")" = "$wanted" ] || return 1
  lock_entry "$source-source" "$version" "$sum" "$suite"
  if built "source-$source" "$sum" && all_there "$dir" "$dir.files"; then return 0; fi
  private_download "$suite" "$file" "$sum" "$uri" "$download" || return 1
  unpack_source "$download/$file" "$dir"
  rm -rf "$download"
  mark_built "source-$source" "$sum"
}

private_source_tree() { # SUITE SOURCE
  local suite=$1 source=$2 list version file sum uri orig='' debian='' patch
  local download="$SLOPN_DEPS/apt/download/$2-src" dir="$SLOPN_DEPS/src/$2"
  list=$(private_source_list "$suite" "$source" '\.(orig|debian)\.tar\.[a-z0-9]+ ') || return 1
  while read -r version file sum uri; do
    lock_entry "$source-source" "$version" "$sum" "$suite"
  done <<<"$list"
  if built "source-$source" "$list" && all_there "$dir" "$dir.files"; then return 0; fi
  while read -r version file sum uri; do
    private_download "$suite" "$file" "$sum" "$uri" "$download" || return 1
    case $file in
      *.orig.tar.*) orig=$file ;;
      *.debian.tar.*) debian=$file ;;
    esac
  done <<<"$list"
  [ -n "$orig" ] && [ -n "$debian" ] || return 1
  unpack_source "$download/$orig" "$dir"
  tar -xf "$download/$debian" -C "$dir" || die "$debian cannot be unpacked to $dir" "Is the disk full?"
  if [ -e "$dir/debian/patches/series" ]; then
    while read -r patch; do
      case $patch in '' | '#'*) continue ;; esac
      patch --quiet --strip 1 --directory "$dir" <"$dir/debian/patches/${patch%% *}" ||
        die "Debian's patch $patch does not apply to $source" "Run packaging/bootstrap.sh again."
    done <"$dir/debian/patches/series"
  fi
  rm -rf "$download"
  mark_built "source-$source" "$list"
}

unpack_source() { # TARBALL DIR
  rm -rf "$2" "$2.tmp"
  mkdir -p "$2.tmp"
  tar -xf "$1" -C "$2.tmp" --strip-components=1 || die "${1##*/} cannot be unpacked to $2" "Is the disk full?"
  mv "$2.tmp" "$2"
  (cd "$2" && find . -type f) >"$2.files"
}
