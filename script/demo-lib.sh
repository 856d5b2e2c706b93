# What script/demo is made of: narration, expectations, the table at the end. Sourced, never run.
# shellcheck shell=bash
question='What is the capital of France? Answer in one sentence.'
folder=$root/build/demo folder_shown=build/demo
steps=() results=() seconds=()
serve_pid=
passport_keys=(--key contour/keys/site.pub --key station/keys/site.pub)
for who in erik paula sofia; do passport_keys+=(--key "people/$who/key.pem.pub"); done

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi

step() {
  step_name="$1. $2" step_begun=$(date +%s%N)
  printf '\n%s── %s ──%s\n\n' "$bold" "$step_name" "$plain"
}
done_step() {
  local spent=$((($(date +%s%N) - step_begun) / 100000000))
  steps+=("$step_name") results+=("$1") seconds+=("$((spent / 10)).$((spent % 10))")
}
note() { printf '%s# %s%s\n' "$dim" "$*" "$plain"; }
say_line() { printf '  %s\n' "$*"; }
fail() {
  printf '\n%sThe demo stopped in step %s: %s%s\n' "$bold" "$step_name" "$*" "$plain" >&2
  exit 1
}
shown() {
  local word line='$'
  for word; do
    case $word in *[!a-zA-Z0-9._/:=,@+-]*) line+=" '$word'" ;; *) line+=" $word" ;; esac
  done
  printf '%s%s%s\n' "$bold" "$line" "$plain"
}

# run COMMAND...: shows it, runs it; it must succeed
run() {
  shown "$@"
  "$@" || fail "\`$*\` ended with status $?, wanted 0"
  echo
}
# run_to FILE COMMAND...: the same, with its output in a file
run_to() {
  local file=$1
  shift
  printf '%s$ %s > %s%s\n' "$bold" "$*" "$file" "$plain"
  (umask 077 && "$@" >"$file") || fail "\`$*\` ended with status $?, wanted 0"
}
show() { run "$@"; }
quiet() { "$@" >/dev/null || fail "\`$*\` ended with status $?, wanted 0"; }
# refuse STATUS WHAT COMMAND...: it must end with exactly this status
refuse() {
  local wanted=$1 what=$2 status=0
  shift 2
  note "$what: must be refused."
  shown "$@"
  "$@" 2>&1 | tee last.txt || status=${PIPESTATUS[0]}
  [ $status = "$wanted" ] || fail "\`$*\` ended with status $status, wanted $wanted"
  printf '%s# refused with status %s, as it must be%s\n\n' "$dim" "$status" "$plain"
}

# named TEXT...: what was refused last said all of these
named() {
  local text
  for text; do grep -qF -- "$text" last.txt || fail "the refusal does not name $text"; done
}

make_folder() {
  rm -rf "$folder"
  mkdir -p "$folder" && cd "$folder"
  cp -r "$root/demo" release
  ln -s "$AIRLOCK_DEMO_ENGINE" release/llama-server
  ln -s "$AIRLOCK_DEMO_MODEL" release/model.gguf
  mkdir people
  cc -O2 -static -o release/chatty "$root/demo/chatty.c" || fail 'demo/chatty.c did not compile'
}

# A model of the user's own (AIRLOCK_DEMO_MODEL) may bring a chat template that does more than chat templates may, and a scan would block
# it. It is put on the list of the policy before the contour signs it, as an officer would do after reading it. The demo's own model needs nothing.
list_own_template() {
  local unread
  unread=$(airlock --json scan release/model.gguf | jq -r '.files[0].facts.templates[]? | select(.allowed | not) | "  - sha256:" + .sha256')
  [ -n "$unread" ] || return 0
  note 'The chat template of this model does more than most; the policy of this contour lists it:'
  printf '%s\n' "$unread"
  airlock --home scratch init --name scratch >/dev/null
  mkdir -m 700 contour
  { cat scratch/policy.yaml && printf 'templates:\n%s\n' "$unread"; } >contour/policy.yaml
  rm -rf scratch
}

# new_person NAME: a key of their own, sealed with a passphrase of their own
new_person() {
  mkdir -m 700 "people/$1"
  (umask 077 && openssl rand -hex 16 >"people/$1/passphrase")
  run airlock person new "$1" --out "people/$1/key.pem" --passphrase-file "people/$1/passphrase"
}
# sign PERSON VERB ARGUMENTS...: a statement that this person signs
sign() {
  local who=$1 verb=$2
  shift 2
  run airlock --home contour "$verb" "$@" --key "people/$who/key.pem" --passphrase-file "people/$who/passphrase"
}

# poison FILE: weights that run a program when they are loaded. Nobody loads them here.
poison() {
  note "weights as torch would save them, but for a call of posix.system in the pickle:"
  printf '%s$ printf … > %s%s\n' "$bold" "$1" "$plain"
  printf 'cposix\nsystem\n(S"id > /tmp/airlock-demo-was-here"\ntR.' >"$1"
}

# wait_until TIME (RFC 3339)
wait_until() {
  while [ "$(date -u +%FT%TZ)" \< "$1" ] || [ "$(date -u +%FT%TZ)" = "$1" ]; do sleep 0.5; done
}

start_serve() {
  note 'The contour'"'"'s server runs from here on (port chosen by the system).'
  sed -i 's/^  port: 8470$/  port: 0/' contour/airlock.yaml
  printf '%s$ airlock --home contour serve &%s\n' "$bold" "$plain"
  airlock --home contour serve >serve.log 2>&1 &
  serve_pid=$!
  trap stop_serve EXIT
  for _ in $(seq 100); do
    [ -s contour/run/serve.json ] && port=$(jq -r .port contour/run/serve.json) && url=http://127.0.0.1:$port &&
      curl -fsS -o /dev/null "$url/healthz" 2>/dev/null && { say_line "listening on $url"; echo; return; }
    kill -0 $serve_pid 2>/dev/null || break
    sleep 0.1
  done
  cat serve.log >&2
  fail 'airlock serve did not start (its log is above)'
}
stop_serve() {
  [ -n "$serve_pid" ] || return 0
  kill "$serve_pid" 2>/dev/null || true
  wait "$serve_pid" 2>/dev/null || true
  serve_pid=
}

model_digest() {
  airlock --home contour --json show assistant:v1.0.0 | jq -r '.blobs[] | select(.name == "model.gguf") | .digest'
}
# fetch_status WANTED DIGEST: what the registry answers to clara
fetch_status() {
  local status
  printf '%s$ curl -H "Authorization: Bearer $(cat people/clara/token)" %s/v2/prod/assistant/blobs/%s%s\n' "$bold" "$url" "$2" "$plain"
  status=$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(cat people/clara/token)" "$url/v2/prod/assistant/blobs/$2")
  say_line "HTTP $status"
  echo
  [ "$status" = "$1" ] || fail "the registry answered $status, wanted $1"
}
# wait_engine DIGEST: until prod answers with this release
wait_engine() {
  for _ in $(seq 600); do
    [ "$(airlock --home contour --json status 2>/dev/null |
      jq -r '[.engines[]? | select(.environment == "prod" and .state == "running")][0].release // empty')" = "$1" ] && return
    kill -0 $serve_pid 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 serve.log >&2
  fail 'the engine of prod did not become ready (the log is above)'
}

# Where PyPI and Debian are, by the configuration of this machine's own clients: collect.yaml is the one place that names hosts.
pypi_index() {
  local set_up
  set_up=$(/usr/bin/python3 -m pip config get global.index-url 2>/dev/null || true)
  [ -n "$set_up" ] && { echo "${set_up%/}/"; return; }
  /usr/bin/python3 -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url + "/")'
}
# Where the pages of an index send a client for the files.
pypi_files() {
  /usr/bin/python3 - "$1" <<'PY'
import json, sys, urllib.parse, urllib.request
hosts = set()
for name in ("tabulate", "wcwidth"):
    page = f"{sys.argv[1]}{name}/"
    ask = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    for file in json.load(urllib.request.urlopen(ask, timeout=30))["files"]:
        hosts.add("{0.scheme}://{0.netloc}".format(urllib.parse.urlparse(urllib.parse.urljoin(page, file["url"]))))
print(", ".join(sorted(hosts)))
PY
}
debian_archive() {
  apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 == "bookworm" && $3 == "main" { sub("/$", "", $1); print $1; exit }'
}
# write_collect FILE REQUIREMENTS
write_collect() {
  local archive index files
  archive=$(debian_archive) index=$(pypi_index)
  files=$(pypi_files "$index") || fail "PyPI ($index) does not answer: there is nothing to collect from"
  [ -n "$archive" ] || fail 'apt on this machine knows no Debian 12 (bookworm): there is nothing to collect its packages from'
  cat >"$1" <<YAML
name: app
upstreams:
  pypi: {index: "$index", files: [$files]}
  debian: {archive: "$archive", suite: bookworm, components: [main], architecture: $(dpkg --print-architecture), keyring: /usr/share/keyrings/debian-archive-keyring.gpg}
sets:
  - {group: prod, pip: $2, python: "3.11", platforms: [manylinux2014_x86_64]}
  - {group: prod, apt: packages.txt}
YAML
}

# In a contour there is the contour: pip and apt are told of it and of nothing else.
install_from_mirrors() {
  local token deb
  token=$(cat people/clara/token)
  run /usr/bin/python3 -m venv app
  note 'The token stands in netrc and in auth.conf, which is where these clients look for one.'
  (umask 077 && printf 'machine 127.0.0.1 login clara password %s\n' "$token" >netrc)
  run env NETRC=netrc app/bin/pip install -q --disable-pip-version-check --index-url "$url/pypi/prod/simple/" --require-hashes -r release/app/requirements.txt
  run app/bin/python release/app/report.py "$url" people/clara/token 'What is the capital of France?' 'What is the capital of Italy?'
  refuse 1 'A package that no release brings' env NETRC=netrc app/bin/pip install -q --disable-pip-version-check --index-url "$url/pypi/prod/simple/" requests
  apt_folder "$token"
  run apt-get -q -c apt/apt.conf update
  (cd apt/debs && run apt-get -q -c ../apt.conf download netbase media-types)
  note 'Into a folder, so that this machine stays as it is; a machine of the contour says apt-get install.'
  for deb in apt/debs/*.deb; do run dpkg-deb --extract "$deb" app-root; done
  show grep -m 3 https app-root/etc/services
}
# An apt with folders of its own: this machine's is left alone.
apt_folder() {
  mkdir -p apt/{debs,etc/auth.conf.d,etc/preferences.d,etc/trusted.gpg.d,state/lists/partial,cache/archives/partial}
  : >apt/status
  printf 'machine http://127.0.0.1:%s login clara password %s\n' "$port" "$1" >apt/etc/auth.conf.d/contour.conf
  curl -fsS -H "Authorization: Bearer $1" "$url/apt/prod/key.asc" -o apt/key.asc || fail 'the key of the contour'"'"'s apt mirror did not come'
  echo "deb [signed-by=$PWD/apt/key.asc] $url/apt/prod airlock main" >apt/etc/sources.list
  cat >apt/apt.conf <<CONF
Dir::Etc "$PWD/apt/etc";
Dir::State "$PWD/apt/state";
Dir::State::status "$PWD/apt/status";
Dir::Cache "$PWD/apt/cache";
APT::Sandbox::User "";
CONF
}

body() { jq -cn --arg q "$question" --argjson stream "$1" '{model: "assistant", stream: $stream, messages: [{role: "user", content: $q}]}'; }
ask_with_curl() {
  printf '%s$ curl -N %s/v1/chat/completions -H "Authorization: Bearer $(cat people/clara/token)" -d %s%s\n' "$bold" "$url" "'$(body true)'" "$plain"
  curl -fsS -N "$url/v1/chat/completions" -H "Authorization: Bearer $(cat people/clara/token)" -H 'Content-Type: application/json' \
    -d "$(body true)" >answer.sse || fail 'the gateway refused'
  head -n 5 answer.sse
  say_line "… $(grep -c '^data:' answer.sse) events"
  grep -q '^data: \[DONE\]' answer.sse || fail 'the stream did not end with [DONE]'
  echo
}
header_of_answer() {
  curl -fsS -D - -o answer.json "$url/v1/chat/completions" -H "Authorization: Bearer $(cat people/clara/token)" \
    -H 'Content-Type: application/json' -d "$(body false)" | tr -d '\r' | awk 'tolower($1) == "airlock-release:" { print $2 }'
}

# Requests run all the time; meanwhile prod goes back. None may fail.
rollback_under_load() {
  local failed=0 total=0 from to answered=''
  (
    token=$(cat people/clara/token)
    for _ in $(seq 400); do
      curl -s -o /dev/null -D - -w '%{http_code}\n' -m 60 "$url/v1/chat/completions" -H "Authorization: Bearer $token" \
        -H 'Content-Type: application/json' -d '{"model":"assistant","max_tokens":4,"messages":[{"role":"user","content":"Hi"}]}' |
        tr -d '\r' | awk -v ms="$(date +%s%N)" 'tolower($1) == "airlock-release:" { r = $2 } { last = $0 } END { print ms, last, r }'
      [ ! -e load.stop ] || break
    done
  ) >load.txt &
  local load=$!
  sleep 1.5
  from=$(date +%s%N)
  run airlock --home contour rollback prod/assistant
  for _ in $(seq 200); do
    answered=$(airlock --home contour --json status | jq -r '[.engines[]? | select(.environment == "prod" and .state == "running")][0].release // empty')
    [ "$answered" = "$digest" ] && break
    sleep 0.05
  done
  sleep 1.5
  touch load.stop
  wait $load
  total=$(wc -l <load.txt)
  failed=$(awk '$2 != 200' load.txt | wc -l)
  to=$(awk -v from="$from" -v d="$digest" '$1 >= from && $3 == d { print $1; exit }' load.txt)
  [ -n "$to" ] || fail 'no request was answered by v1.0.0 after the rollback'
  [ "$failed" = 0 ] || fail "$failed of $total requests failed during the rollback"
  [ "$(airlock --home contour --json show prod/assistant | jq -r .version)" = v1.0.0 ] || fail 'prod does not point at v1.0.0'
  grep -q "$digest11" load.txt || fail 'no request was answered by v1.1.0 before the rollback'
  rollback_result="v1.1.0 answered; rolled back, first request sent to v1.0.0 after $(((to - from) / 1000000)) ms; $total requests, 0 failed"
  say_line "$rollback_result"
}

# tampered WHAT NAMED COMMAND...: on a copy named copy/, where a byte was flipped, the command says no and names it
tampered() {
  local what=$1 named=$2 status=0 out
  shift 2
  out=$("$@" 2>&1) || status=$?
  { [ $status = 1 ] || [ $status = 3 ]; } || fail "a flipped byte in $what was not found by \`$*\` (status $status)"
  grep -qF -- "$named" <<<"$out" || fail "a flipped byte in $what was found by \`$*\`, but not named ($named): $out"
  printf '  %-28s found: %s\n' "$what" "$(grep -F -m1 -- "$named" <<<"$out" | cut -c1-150)"
}
# flip FILE [OFFSET]: one bit of one byte, in the middle unless said
flip() {
  chmod u+w "$1"
  /usr/bin/python3 - "$@" <<'PY'
import os, sys
path = sys.argv[1]
at = int(sys.argv[2]) if len(sys.argv) > 2 else os.path.getsize(path) // 2
with open(path, "r+b") as f:
    f.seek(at)
    byte = f.read(1)[0]
    f.seek(at)
    f.write(bytes([byte ^ 1]))
PY
}
tamper_all() {
  local hex=${blob#sha256:} tile segment volume
  copy_contour() { rm -rf copy && cp -a contour copy; }
  copy_contour && flip "copy/store/blobs/sha256/$hex"
  tampered 'a blob' "$hex" airlock --home copy fsck
  rm -rf copy && cp -a media3 copy && volume=$(ls copy/*.airlock | head -n 1) && flip "$volume"
  tampered 'a volume' "$(basename "$volume")" receive_before
  cp passport.intoto.jsonl copy.intoto.jsonl && flip copy.intoto.jsonl 400
  tampered 'a passport line' 'line' airlock passport verify copy.intoto.jsonl "${passport_keys[@]}"
  rm copy.intoto.jsonl
  copy_contour && tile=$(find copy/ledger/tile/0 -type f | head -n 1) && flip "$tile"
  tampered 'a ledger tile' 'tile/0' airlock ledger verify copy/ledger --key "$vkey"
  copy_contour && flip_ledger_row
  tampered 'a ledger row of state.db' 'state.db, ledger row' airlock --home copy fsck
  copy_contour && segment=$(find copy/access -type f -size +0 -name '*.jsonl' | head -n 1) && flip "$segment"
  tampered 'an access segment' "$(basename "$segment")" airlock --home copy fsck
  rm -rf copy
}
flip_ledger_row() {
  sqlite3 copy/state.db "UPDATE ledger SET entry = CAST(replace(CAST(entry AS TEXT), 'promote', 'promotf') AS BLOB) WHERE seq = (SELECT min(seq) FROM ledger WHERE CAST(entry AS TEXT) LIKE '%promote%')"
}
# The contour has this shipment already and would refuse it as a replay; the contour as it was before step 3 has not.
receive_before() { airlock --home before receive copy; }

summary() {
  local i
  printf '\n%s── Summary ──%s\n\n' "$bold" "$plain"
  for i in "${!steps[@]}"; do printf '  ok  %-52s %6s s  %s\n' "${steps[$i]}" "${seconds[$i]}" "${results[$i]}"; done
  printf '\n  All of it lies in %s. A second run starts afresh.\n' "$folder_shown"
}
