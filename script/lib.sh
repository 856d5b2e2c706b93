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

# progress LABEL: reads what ninja prints ("[12/208] ..."), and says how far it is at each twentieth
progress() {
  local line count total next=0 begun=$SECONDS elapsed
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    count=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]} elapsed=$((SECONDS - begun))
    [ $elapsed -ge 3 ] && [ $((count * 20 / total)) -ge $next ] || continue
    next=$((count * 20 / total + 1))
    say "$1: $count of $total files, $((count * 100 / total)) %, $(minutes $elapsed) gone," \
      "about $(minutes $((elapsed * (total - count) / count))) to go"
  done
}

# programs_of_tests DIR CONDITION: what ninja must make for the tests that jq's condition takes
programs_of_tests() {
  meson introspect --targets --tests "$1" | jq -r --arg dir "$1/" \
    "([.tests[] | select($2) | .depends[]] | unique) as \$wanted | .targets[] | select(.id | IN(\$wanted[])) | .filename[] | ltrimstr(\$dir)"
}

# build_in DIR [MESON OPTION...]: configures build folder DIR of this repository (again, when a folder got its meson.build, or cmocka is there now) and builds all
# of it, or what $build_target names: a target, or "tests" and a jq condition on meson's tests, for the programs of those tests and no others. What the
# compiler complains of is shown
build_in() {
  local dir=$root/$1 layers log targets
  shift
  layers=$(cd "$root" && ls -d src/*/meson.build tests/unit/*/meson.build tests/fuzz/fuzz_*.c 2>/dev/null || true; pkg-config --modversion cmocka 2>/dev/null || true)
  log=$dir/airlock-build.log
  if [ ! -f "$dir/build.ninja" ]; then
    rm -rf "$dir"
    meson setup "$dir" "$root" "$@" >"$dir.log" 2>&1 || { tail -n 20 "$dir.log" >&2; die "meson could not configure ${dir#"$root"/}"; }
    mv "$dir.log" "$dir/airlock-setup.log"
  elif [ "$(cat "$dir/airlock-layers" 2>/dev/null)" != "$layers" ]; then
    meson setup --reconfigure "$dir" "$root" "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "meson could not configure ${dir#"$root"/}"; }
  fi
  printf '%s\n' "$layers" >"$dir/airlock-layers"
  case ${build_target:-} in
    "tests "*) mapfile -t targets < <(programs_of_tests "$dir" "${build_target#tests }") ;;
    *) targets=(${build_target:+"$build_target"}) ;;
  esac
  NINJA_STATUS='[%f/%t] ' ninja -C "$dir" -j "$(jobs 400)" "${targets[@]}" 2>&1 | tee "$log" | progress "${dir#"$root"/}" || {
    grep -v '^\[[0-9]*/[0-9]*\]' "$log" | head -n 200 >&2
    die "the build in ${dir#"$root"/} failed (see above)"
  }
}
