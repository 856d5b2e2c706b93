#!/usr/bin/env python3
"""Runs the fuzzers of a build, those with the least processor time first, and keeps the account of what each has had.

    campaign.py run FUZZERS MINUTES [NAME...]   fuzz for MINUTES (wall clock), add to the account, write the table
    campaign.py table                           write the table anew from the account
    campaign.py keep FUZZERS                    take a few small inputs that made new ground into the seeds

FUZZERS is the build folder of script/fuzz. The account is docs/fuzzing.tsv, the table docs/fuzzing.md. Time is processor
time, as the kernel counted it: a machine that is busy otherwise makes no fuzzing of nothing.
"""

import csv
import datetime
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, TABLE = ROOT / "docs/fuzzing.tsv", ROOT / "docs/fuzzing.md"
SEEDS = ROOT / "tests/fuzz/corpus"

# No slice is shorter, for the seeds are read first, nor longer than what every target shall have had in all.
SLICE_MIN, SLICE_MAX = 30, 900

# One input may take as long (processor time). libFuzzer itself looks at the clock on the wall; what it complains of is timed again.
INPUT_SECONDS = 10

# What `keep` takes: inputs of a target at a time, bytes of one, bytes of all.
KEEP_EACH, KEEP_BYTES, KEEP_ALL = 3, 512, 160_000


@dataclass
class Entry:
    """What one target has had. Seconds are processor time; `since` those since src/parse/NAME.[ch] had this digest."""

    target: str
    sources: str = ""
    seconds: float = 0
    since: float = 0
    runs: int = 0
    edges: int = 0
    reads: str = ""  # files of src/parse that its seeds reach
    functions: str = ""  # of its own file: reached/all
    commit: str = ""
    date: str = ""


def account_read(path=ACCOUNT):
    if not path.is_file():
        return {}
    kinds = {f.name: f.type for f in fields(Entry)}
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return {row["target"]: Entry(**{name: kinds[name](value) for name, value in row.items()}) for row in rows}


def account_write(account, path=ACCOUNT):
    scratch = path.with_suffix(".new")
    with scratch.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, [f.name for f in fields(Entry)], delimiter="\t", lineterminator="\n")
        rows.writeheader()
        for name in sorted(account):
            entry = asdict(account[name])
            rows.writerow(entry | {"seconds": f"{entry['seconds']:.1f}", "since": f"{entry['since']:.1f}"})
    scratch.replace(path)


def sources_digest(name, root=ROOT):
    digest = hashlib.sha256()
    for suffix in (".c", ".h"):
        path = root / "src/parse" / (name + suffix)
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def targets_of(root=ROOT):
    return sorted(p.stem for p in (root / "src/parse").glob("*.c") if (root / f"tests/fuzz/fuzz_{p.stem}.c").is_file())


def account_renew(account, root=ROOT):
    """The account with a line for each target there is, and none for others; sources that changed begin again at 0."""
    renewed = {}
    for name in targets_of(root):
        entry = account.get(name, Entry(name))
        digest = sources_digest(name, root)
        if entry.sources != digest:
            entry.sources, entry.since = digest, 0
        if runs_in_children(name, root):
            entry.reads, entry.functions = name, "?"
        renewed[name] = entry
    return renewed


def account_order(account, names):
    """Those with the least time first; among equals the one that had less before its sources changed."""
    return sorted(names, key=lambda name: (account[name].since, account[name].seconds, name))


def runs_in_children(name, root=ROOT):
    """A target whose parser runs in a process of its own for each input: the fuzzer sees nothing of what it reaches."""
    return "fork()" in (root / f"tests/fuzz/fuzz_{name}.c").read_text(encoding="utf-8")


def mended(name, seeds=SEEDS):
    """What was found and mended stays as a seed of that name."""
    return sorted(p.name for p in (seeds / name).glob("mended-*"))


def table_text(account):
    enough = sum(entry.since >= SLICE_MAX for entry in account.values())
    lines = [
        "# Fuzzing",
        "",
        "One target for each file of `src/parse` (`tests/fuzz`). `script/fuzz MINUTES` runs those with the least time first, adds what it did to",
        "`fuzzing.tsv`, and writes this table of it. Seeds that stand for a finding that was mended are named `mended-…`; all seeds are replayed by",
        "`script/test`, under sanitizers.",
        "",
        "- *minutes*: processor time in all; *since*: since the file itself or its header last changed.",
        "- *own*: functions of the file that its seeds reach, of all in it (\"?\": the parser runs in a process of its own for each input, of which the",
        "  fuzzer sees nothing). *edges*: edges of the whole program that the last run reached.",
        "- *reads*: other files of `src/parse` that its seeds reach.",
        "",
        f"{len(account)} targets, {sum(e.seconds for e in account.values()) / 3600:.1f} hours of a processor,"
        f" {sum(e.runs for e in account.values()):,} runs. 15 minutes or more since its sources changed: {enough} of {len(account)}.",
        "",
        "| target | minutes | since | runs | edges | own | mended | commit | date | reads |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in sorted(account):
        e = account[name]
        others = " ".join(r for r in e.reads.split() if r != name)
        lines.append(
            f"| {name} | {e.seconds / 60:.1f} | {e.since / 60:.1f} | {e.runs:,} | {e.edges:,} | {e.functions} | {len(mended(name)) or ''} |"
            f" {e.commit} | {e.date} | {others} |"
        )
    return "\n".join(lines) + "\n"


def save(account):
    account_write(account)
    TABLE.write_text(table_text(account), encoding="utf-8")


# ── running ──


def processor_seconds(pid):
    """Of a child that may have ended but was not waited for."""
    try:
        after = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0.0
    return (int(after[11]) + int(after[12])) / os.sysconf("SC_CLK_TCK")


def run_for(command, log, seconds, deadline):
    """Runs `command` until it has had `seconds` of a processor, or the deadline, then asks it to end. (status, seconds)"""
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    asked = 0.0
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, usage.ru_utime + usage.ru_stime
        now = time.monotonic()
        if not asked and (processor_seconds(child.pid) >= seconds or now >= deadline):
            asked = now
            child.send_signal(signal.SIGUSR1)  # libFuzzer ends, and tells its figures
        elif asked and now > asked + 120:
            child.kill()
        time.sleep(0.5)


def is_slow_indeed(fuzzer, artifact, log):
    """Does this input take that much of a processor, when it is timed by that and not by the clock on the wall?"""
    status, seconds = run_for([fuzzer, "-timeout=600", "-rss_limit_mb=2048", artifact], log, 4 * INPUT_SECONDS, time.monotonic() + 600)
    return status != 0 or seconds >= INPUT_SECONDS


class Campaign:
    def __init__(self, build, account):
        self.build, self.account = Path(build), account
        self.lock, self.running, self.found = threading.Lock(), set(), []
        self.had = {name: 0 for name in account}
        self.commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=9", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()

    def fuzzer(self, name):
        return str(self.build / "tests/fuzz" / f"fuzz_{name}")

    def learn(self, name):
        """Which files of src/parse the inputs so far reach, and how many functions of its own file."""
        if self.account[name].functions == "?":
            return name, "?"
        command = [self.fuzzer(name), "-runs=0", "-print_coverage=1", str(SEEDS / name), str(self.build / "corpus" / name)]
        text = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stderr
        reads, own = set(), {"COVERED": 0, "UNCOVERED": 0}
        for which, stem in re.findall(r"^(COVERED|UNCOVERED)_FUNC: .*/src/parse/(\w+)\.c(?::\d+)?$", text, re.M):
            if which == "COVERED":
                reads.add(stem)
            if stem == name:
                own[which] += 1
        return " ".join(sorted(reads)), f"{own['COVERED']}/{sum(own.values())}"

    def one(self, name, seconds, deadline):
        found, corpus = self.build / "found" / name, self.build / "corpus" / name
        log = self.build / f"{name}.log"
        for folder in (found, corpus):
            folder.mkdir(parents=True, exist_ok=True)
        before = set(found.iterdir())
        command = [self.fuzzer(name), f"-timeout={6 * INPUT_SECONDS}", "-rss_limit_mb=2048", "-report_slow_units=600", "-print_final_stats=1",
                   f"-artifact_prefix={found}/", str(corpus), str(SEEDS / name)]
        status, used = run_for(command, log, seconds, deadline)
        text = log.read_text(errors="replace")
        runs = re.findall(r"^stat::number_of_executed_units:\s*(\d+)|^#(\d+)\s", text, re.M)
        edges = re.findall(r" cov: (\d+) ", text)
        new = sorted(set(found.iterdir()) - before)
        for artifact in [p for p in new if p.name.startswith("timeout-")]:
            if not is_slow_indeed(self.fuzzer(name), str(artifact), self.build / f"{name}.slow.log"):
                artifact.unlink()
                new.remove(artifact)
                status = 0
        return status, used, max((int(a or b) for a, b in runs), default=0), int(edges[-1]) if edges else 0, new

    def take(self, names):
        with self.lock:
            free = [name for name in account_order(self.account, names) if name not in self.running]
            # each has its turn before one has a second
            name = min(free, key=lambda name: self.had[name], default=None)
            if name:
                self.running.add(name)
                self.had[name] += 1
            return name

    def work(self, names, seconds, deadline):
        while time.monotonic() + 5 < deadline and (name := self.take(names)):
            status, used, runs, edges, new = self.one(name, seconds, deadline)
            reads, functions = self.learn(name)
            with self.lock:
                entry = self.account[name]
                entry.seconds, entry.since, entry.runs = entry.seconds + used, entry.since + used, entry.runs + runs
                entry.edges, entry.reads, entry.functions = edges or entry.edges, reads, functions
                entry.commit, entry.date = self.commit, datetime.date.today().isoformat()
                self.running.discard(name)
                if name not in reads.split():
                    self.found.append(f"{name}: no seed of tests/fuzz/corpus/{name}/ reaches a function of src/parse/{name}.c")
                if status != 0 or new:
                    where = " ".join(str(p.relative_to(self.build.parent)) for p in new) or f"status {status}, see {name}.log"
                    self.found.append(f"{name}: FOUND: {where}")
                say(f"{name}: {used:.0f} s of a processor, {runs:,} runs, {edges:,} edges" + (", FOUND something" if status or new else ""))
                save(self.account)

    def run(self, names, minutes):
        jobs = min(os.cpu_count() or 1, len(names))
        begun = time.monotonic()
        seconds = min(max(minutes * 60 * jobs / len(names), SLICE_MIN), SLICE_MAX)
        say(f"{len(names)} targets, {seconds:.0f} s of a processor each, {jobs} at once, those with the least time first")
        threads = [threading.Thread(target=self.work, args=(names, seconds, begun + minutes * 60)) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def say(text):
    print(f"script/fuzz: {text}", file=sys.stderr, flush=True)


def run(build, minutes, *names):
    account = account_renew(account_read())
    unknown = sorted(set(names) - set(account))
    if unknown:
        raise SystemExit(f"script/fuzz: no fuzz target {' '.join(unknown)}; there are: {' '.join(account)}")
    campaign = Campaign(build, account)
    campaign.run([name for name in account if not names or name in names], float(minutes))
    save(account)
    for line in campaign.found:
        say(line)
    return 1 if campaign.found else 0


# ── keeping ──


def keep(build):
    """A few small inputs of each target that reach what no seed reaches become seeds: found-HASH."""
    spent = 0
    for name in targets_of():
        grown, merged = Path(build) / "corpus" / name, Path(build) / "merged"
        if not grown.is_dir() or not any(grown.iterdir()):
            continue
        shutil.rmtree(merged, ignore_errors=True)
        shutil.copytree(SEEDS / name, merged)
        fuzzer = Path(build) / "tests/fuzz" / f"fuzz_{name}"
        before = {p.name for p in merged.iterdir()}
        subprocess.run([fuzzer, "-merge=1", f"-max_len={KEEP_BYTES}", merged, grown], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        new = sorted((p for p in merged.iterdir() if p.name not in before), key=lambda p: p.stat().st_size, reverse=True)
        had = len(list((SEEDS / name).glob("found-*")))
        for path in new[: max(KEEP_EACH - had, 0)]:
            if spent + path.stat().st_size > KEEP_ALL:
                break
            spent += path.stat().st_size
            shutil.copyfile(path, SEEDS / name / f"found-{path.name[:10]}")
        shutil.rmtree(merged)
    say(f"{spent:,} bytes of new seeds")
    return 0


def table():
    save(account_renew(account_read()))
    return 0


def main(words):
    commands = {"run": run, "table": table, "keep": keep}
    if not words or words[0] not in commands:
        raise SystemExit(__doc__)
    return commands[words[0]](*words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
