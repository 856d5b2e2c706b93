# What the scripts of this folder share; sourced, never run. Progress goes to stderr: stdout belongs to the answer of a script.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/airlock
me=script/${0##*/}

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$*"; exit 1; }

# as_root COMMAND... : directly, or through sudo
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi
}

# jobs [MIB]: how many at once, one a core, and each with MIB (default 1000) of free memory
jobs() {
  local cores free
  cores=$(nproc)
  free=$(awk -v each="${1:-1000}" '/^MemAvailable:/ { print int($2 / 1024 / each) }' /proc/meminfo)
  [ "$free" -ge 1 ] || free=1
  echo $((cores < free ? cores : free))
}

# sha256_is FILE HEX
sha256_is() {
  [ -f "$1" ] && [ "$(sha256_of "$1")" = "$2" ]
}
sha256_of() { openssl dgst -sha256 -r "$1" | cut -d' ' -f1; }

# minutes SECONDS: 125 -> 2m05s
minutes() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }
