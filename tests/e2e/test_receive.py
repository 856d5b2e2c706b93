"""Media that must be refused, and media that must be accepted: each case is one test. After a refusal the contour is as it was: nothing in
quarantine, the ledger where it stood, `fsck` clean, and the untouched shipment is still accepted."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import environment
from world import World, copy_media, flip, mock_engine, volumes, write_large_gguf

BLOCK = 4 << 20
FILES = ("1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "1.models.json", "1.software.json", "1.policy.json", "1.advisories.json")


@pytest.fixture(scope="module")
def packed(airlock_path, tmp_path_factory):
    """A contour and a station that know each other, and one shipment in several volumes. Tests copy it before they touch it."""
    world = World(airlock_path, tmp_path_factory.mktemp("packed"))
    world.found()
    world.pack("assistant", "v1.0.0")
    world.media = world.ship("assistant:v1.0.0", volume_size="300K")
    assert len(volumes(world.media)) >= 3
    return world


@pytest.fixture
def fresh(packed, airlock_path, tmp_path):
    """The contour and the media of `packed`, copied: the same keys, nothing received."""
    world = World(airlock_path, tmp_path)
    shutil.copytree(packed.contour, world.contour)
    world.station = packed.station
    world.media = copy_media(packed.media, tmp_path / "media")
    return world


def refused(world, media, status, *words):
    """The shipment is refused with this status and a message that holds these words; nothing has changed, and nothing is lost."""
    before = world.state()
    result = world.receive(media, status=status)
    for word in words:
        assert word in result.err, f"wanted {word!r} in:\n{result}"
    answer = result.json
    assert answer["schema"] == "airlock/error/1" and answer["status"] == status
    assert world.state() == before, "the refusal changed the contour"
    world.fsck()
    return result


def accepted(world, media):
    answer = world.receive(media).json
    assert [f"{r['name']}:{r['version']}" for r in answer["releases"]] == ["assistant:v1.0.0"]
    world.fsck()
    return answer


# ── accepted ──


def test_a_shipment_is_received_whole_and_lies_in_quarantine(fresh):
    answer = accepted(fresh, fresh.media)

    assert answer["shipment"] == 1 and answer["sequence"] == 1
    (folder,) = fresh.quarantine()
    blobs = fresh.contour / "quarantine" / folder / "blobs" / "sha256"
    assert len(list(blobs.iterdir())) == answer["blobs"]
    assert sum(p.stat().st_size for p in blobs.iterdir()) == answer["blob_bytes"]
    assert not list((fresh.contour / "store" / "blobs" / "sha256").iterdir()), "nothing is admitted by receiving it"


def test_renamed_volumes_are_accepted(fresh):
    for i, volume in enumerate(reversed(volumes(fresh.media))):
        volume.rename(fresh.media / f"{'zyxwvutsrqponm'[i]} some other name.bin")

    accepted(fresh, fresh.media)


def test_what_a_file_system_leaves_on_a_medium_does_no_harm(fresh):
    (fresh.media / "lost+found").mkdir(mode=0o700)
    (fresh.media / "System Volume Information").mkdir()

    accepted(fresh, fresh.media)


def test_the_same_release_in_a_second_shipment_is_known(packed, fresh):
    accepted(fresh, fresh.media)
    again = packed.ship("assistant:v1.0.0")

    answer = fresh.receive(again).json

    assert answer["shipment"] == 2 and answer["releases"][0]["known"] is True
    fresh.fsck()


def test_what_to_scan_next_is_named_so_that_it_works(packed, fresh):
    packed.pack("assistant", "v3.0.0", prompts="system: Three.\nwarmup:\n  - Hello\n")
    packed.pack("assistant", "v3.1.0", prompts="system: More.\nwarmup:\n  - Hello\n")
    two = packed.ship("assistant:v3.0.0", "assistant:v3.1.0", out=fresh.folder / "two")

    said = fresh.run("receive", two).out

    advised = re.findall(r"`airlock (scan [^`]+)`", said)
    assert advised == ["scan assistant:v3.0.0", "scan assistant:v3.1.0"]
    for command in advised:
        fresh.run(*command.split())
    several = fresh.run("scan", "shipment:1", status=2).err
    assert "no such file" not in several and "assistant:v3.0.0, assistant:v3.1.0" in several
    assert "no such file" not in fresh.run("scan", "assistant:v9.9.9", status=4).err


def test_one_new_release_is_scanned_by_its_shipment(fresh):
    said = fresh.run("receive", fresh.media).out

    assert "`airlock scan shipment:1`" in said
    fresh.run("scan", "shipment:1")


# ── replay, age, audience, time ──


def test_a_shipment_that_was_received_before_is_refused(fresh):
    accepted(fresh, fresh.media)

    refused(fresh, fresh.media, 5, "received before", "shipment:1")


def test_a_shipment_that_is_older_than_the_last_is_refused(packed, fresh):
    newer = packed.ship("assistant:v1.0.0")
    fresh.receive(newer)

    refused(fresh, fresh.media, 5, "version", "accepted before")


def test_a_shipment_for_another_contour_is_refused(packed, fresh, tmp_path):
    other = World(fresh.path, tmp_path / "other")
    other.folder.mkdir()
    other.make_contour("branch")
    identity = other.folder / "branch.json"
    other.run("identity", "--out", identity)
    packed.run("station", "contour", "add", identity, home=packed.station)
    foreign = packed.ship("assistant:v1.0.0", to="branch", out=tmp_path / "foreign")

    refused(fresh, foreign, 5, "another contour", json.loads(identity.read_text())["id"])

    accepted(fresh, fresh.media)
    # It stays foreign when its number is one that this contour has seen.
    refused(fresh, foreign, 5, "another contour")


def test_a_shipment_that_has_expired_is_refused(packed, fresh, tmp_path):
    short = packed.ship("assistant:v1.0.0", valid="1s", out=tmp_path / "short")
    time.sleep(2)

    refused(fresh, short, 5, "expired")


def test_a_shipment_of_a_station_that_is_not_trusted_is_refused(fresh, tmp_path):
    stranger = World(fresh.path, tmp_path / "stranger")
    stranger.folder.mkdir()
    fingerprint = stranger.make_station("south")
    identity = tmp_path / "demo.json"
    fresh.run("identity", "--out", identity)
    stranger.run("station", "contour", "add", identity, home=stranger.station)
    stranger.pack()
    media = stranger.ship("assistant:v1.0.0")

    refused(fresh, media, 5, "not trusted", fingerprint)


def test_a_version_that_is_known_with_other_content_is_refused(fresh, tmp_path):
    accepted(fresh, fresh.media)
    second = World(fresh.path, tmp_path / "second")
    second.folder.mkdir()
    second.contour = fresh.contour
    second.introduce(fingerprint=second.make_station("south"))
    second.pack("assistant", "v1.0.0", prompts="system: Other.\nwarmup:\n  - Hello\n")

    refused(fresh, second.ship("assistant:v1.0.0"), 5, "assistant:v1.0.0", "immutable")


def test_a_clock_that_was_set_back_refuses_to_receive(fresh):
    faketime = shutil.which("faketime")
    if not faketime:
        pytest.skip("faketime is not installed")
    before = fresh.state()

    done = subprocess.run(
        [faketime, "-f", "-1y", str(fresh.path), "--home", str(fresh.contour), "receive", str(fresh.media)],
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )

    assert done.returncode == 5 and "clock" in done.stderr, done
    assert fresh.state() == before
    accepted(fresh, fresh.media)


# ── volumes: missing, surplus, cut, damaged ──


def test_a_missing_volume_is_named_by_its_number(fresh):
    lost = volumes(fresh.media)[1]
    aside = fresh.folder / "aside"
    lost.rename(aside)

    refused(fresh, fresh.media, 3, "missing", "number 2")

    aside.rename(lost)
    accepted(fresh, fresh.media)


def test_a_surplus_copy_of_a_volume_is_refused(fresh):
    first = volumes(fresh.media)[0]
    surplus = fresh.media / "copy.airlock"
    shutil.copy(first, surplus)

    refused(fresh, fresh.media, 3, "surplus", first.name, "copy.airlock")

    surplus.unlink()
    accepted(fresh, fresh.media)


def test_a_surplus_file_that_is_no_volume_is_refused(fresh):
    (fresh.media / "notes.txt").write_text("Dear colleague,\n")

    result = refused(fresh, fresh.media, 3, "notes.txt", "no Airlock volume")

    assert "it begins with 44 65 61 72" in result.err
    assert 0 < result.err.index("Take the file off the medium") < result.err.index("copy it again")


def test_a_truncated_volume_says_how_much_is_missing(fresh):
    victim = volumes(fresh.media)[1]
    size = victim.stat().st_size
    os.truncate(victim, size - 1000)

    refused(fresh, fresh.media, 3, victim.name, "truncated", "1000")


def test_a_volume_that_is_cut_in_its_header_is_truncated(fresh):
    victim = volumes(fresh.media)[0]
    os.truncate(victim, 100)

    refused(fresh, fresh.media, 3, victim.name, "truncated")


def test_an_empty_volume_is_refused(fresh):
    victim = volumes(fresh.media)[0]
    os.truncate(victim, 0)

    refused(fresh, fresh.media, 3, victim.name, "is empty (0 bytes)", "cut off", "again")


def test_a_volume_with_bytes_behind_its_end_is_refused(fresh):
    victim = volumes(fresh.media)[2]
    with open(victim, "ab") as file:
        file.write(b"\0" * 7)

    refused(fresh, fresh.media, 3, victim.name, "7 bytes too many")


def test_a_volume_of_another_shipment_says_what_it_claims_to_be(packed, fresh, tmp_path):
    other = packed.ship("assistant:v1.0.0", volume_size="300K", out=tmp_path / "other")
    stranger = volumes(other)[0]
    sequence = json.loads(next((other / "targets").iterdir()).read_text())["sequence"]
    shutil.copy(stranger, fresh.media / "stranger.airlock")

    refused(fresh, fresh.media, 3, "stranger.airlock", "another shipment", f"number {sequence}")


def test_two_gigabytes_of_zeros_as_a_volume_are_refused_at_once(fresh):
    zeros = fresh.media / "zeros.airlock"
    with open(zeros, "wb") as file:
        file.truncate(2 << 30)

    result = refused(fresh, fresh.media, 3, "zeros.airlock", "zeros")

    assert result.seconds < 5


def model_place(world):
    """Which volume file, and at which byte of it, a byte in the middle of the model's weights lies."""
    for volume in volumes(world.media):
        raw = volume.read_bytes()
        length = int.from_bytes(raw[12:16], "big")
        header, at = json.loads(raw[16 : 16 + length]), 16 + length
        for extent in header["extents"]:
            if extent["length"] > 100_000:
                return volume, at + extent["length"] // 2, extent["digest"]
            at += extent["length"]
    raise AssertionError("no large extent")


def test_a_flipped_byte_names_file_block_and_blob(fresh):
    victim, at, digest = model_place(fresh)
    flip(victim, at)

    result = refused(fresh, fresh.media, 3, victim.name, "damaged", "block 1 of 1", digest.split(":")[1])

    first, last = map(int, re.search(r"bytes (\d+) to (\d+) of the file", result.err).groups())
    assert first <= at <= last


def test_a_flipped_byte_is_found_in_a_volume_that_was_renamed(fresh):
    victim, at, _ = model_place(fresh)
    flip(victim, at)
    victim.rename(fresh.media / "renamed")

    refused(fresh, fresh.media, 3, "renamed", "damaged")


def test_small_blobs_beside_a_damaged_one_are_not_blamed(fresh):
    """Several blobs share a block: the whole ones among them are hashed again, so that only the damaged one is named."""
    for volume in volumes(fresh.media):
        raw = volume.read_bytes()
        length = int.from_bytes(raw[12:16], "big")
        extents = json.loads(raw[16 : 16 + length])["extents"]
        if len(extents) > 3:
            break
    at = 16 + length + sum(extent["length"] for extent in extents[:2])
    flip(volume, at)

    result = refused(fresh, fresh.media, 3, extents[2]["digest"].split(":")[1])

    assert extents[1]["digest"].split(":")[1] not in result.err
    assert extents[3]["digest"].split(":")[1] not in result.err


@pytest.mark.parametrize("at", [0, 9, 14, 20, 1000])
def test_a_flipped_byte_in_a_volume_header_is_found(fresh, at):
    victim = volumes(fresh.media)[0]
    flip(victim, at)

    refused(fresh, fresh.media, 3, victim.name)


# ── metadata ──


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("where", ["signature", "middle"])
def test_a_flipped_byte_in_metadata_is_found(fresh, name, where):
    path = fresh.media / "metadata" / name
    text = path.read_text()
    at = text.index('"sig":"') + 20 if where == "signature" else len(text) // 2
    flip(path, at)

    refused(fresh, fresh.media, 3, name)


def test_a_flipped_byte_in_the_shipment_document_is_found(fresh):
    (document,) = (fresh.media / "targets").iterdir()
    flip(document, 30)

    refused(fresh, fresh.media, 3, document.name, "damaged")


@pytest.mark.parametrize("name", FILES)
def test_missing_metadata_is_named(fresh, name):
    (fresh.media / "metadata" / name).unlink()

    refused(fresh, fresh.media, 3, name)


def test_a_missing_shipment_document_is_named(fresh):
    (document,) = (fresh.media / "targets").iterdir()
    document.unlink()

    refused(fresh, fresh.media, 3, document.name, "missing")


def test_damaged_metadata_say_what_to_do(fresh):
    path = fresh.media / "metadata" / "timestamp.json"
    document = json.loads(path.read_text())
    document["signed"]["expires"] = "2099-01-01T00:00:00Z"
    path.write_text(json.dumps(document))
    refused(fresh, fresh.media, 3, "timestamp", "copy the media again", "`airlock trust show`")

    path.unlink()
    refused(fresh, fresh.media, 3, f"{fresh.media} is no shipment, or not the whole of one", "metadata/timestamp.json", "`airlock ship`")


def test_a_damaged_shipment_document_names_what_was_wanted(fresh):
    (path,) = (fresh.media / "targets").iterdir()
    wanted = path.name.split(".")[0]
    flip(path, 40)

    refused(fresh, fresh.media, 3, path.name, "damaged", f"wanted sha256:{wanted}", "again")


@pytest.mark.parametrize("name", FILES)
def test_metadata_with_duplicate_keys_is_refused(fresh, name):
    """The signature covers one reading of the document; a second one must not exist."""
    path = fresh.media / "metadata" / name
    text = path.read_text()
    assert '"version":1' in text
    path.write_text(text.replace('"version":1', '"version":1,"version":1', 1))

    refused(fresh, fresh.media, 3, name)


@pytest.mark.parametrize("name", ["timestamp.json", "1.targets.json"])
def test_metadata_that_never_ends_is_refused(fresh, name):
    path = fresh.media / "metadata" / name
    with open(path, "ab") as file:
        file.truncate(64 << 20)

    refused(fresh, fresh.media, 3, name)


def test_a_folder_without_metadata_holds_no_shipment(fresh):
    shutil.rmtree(fresh.media / "metadata")

    refused(fresh, fresh.media, 3, "holds no shipment")


def test_a_folder_that_is_not_there_is_not_found(fresh):
    refused(fresh, fresh.folder / "nowhere", 4, "nowhere")


# ── what is no regular file ──


def link(path, target):
    path.symlink_to(target)


def fifo(path, _):
    os.mkfifo(path)


def sock(path, _):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))


def device(path, _):
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


@pytest.mark.parametrize("make", [link, fifo, sock, device])
def test_what_is_no_regular_file_is_refused(fresh, make):
    victim = volumes(fresh.media)[0]
    aside = fresh.folder / "aside"
    victim.rename(aside)
    make(victim, aside)

    refused(fresh, fresh.media, 3, victim.name)


@pytest.mark.parametrize("make", [link, fifo])
def test_metadata_that_is_no_regular_file_is_refused(fresh, make):
    victim = fresh.media / "metadata" / "timestamp.json"
    aside = fresh.folder / "aside"
    victim.rename(aside)
    make(victim, aside)

    refused(fresh, fresh.media, 3, "timestamp.json")


def test_a_metadata_folder_that_is_a_link_is_refused(fresh):
    aside = fresh.folder / "aside"
    (fresh.media / "metadata").rename(aside)
    (fresh.media / "metadata").symlink_to(aside)

    refused(fresh, fresh.media, 3, "metadata")


def test_a_folder_among_the_volumes_is_refused(fresh):
    (fresh.media / "more").mkdir()

    refused(fresh, fresh.media, 3, "more", "a folder")


# ── two at once, interrupted, no room ──


def large(world, size):
    """A release whose model is `size` bytes of tensor data, so that a receive takes a moment; returns its media."""
    world.pack("assistant", "v9.0.0", model=write_large_gguf(world.folder / "large.gguf", size >> 20, repeat=True))
    return world.ship("assistant:v9.0.0")


@pytest.fixture(scope="module")
def large_media(packed):
    return large(packed, 256 << 20)


def start(world, media):
    return subprocess.Popen(
        [str(world.path), "--home", str(world.contour), "receive", str(media)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )


def test_of_two_receives_at_once_one_wins_and_one_is_told_so(fresh, large_media):
    both = [start(fresh, large_media) for _ in range(2)]
    ends = []
    for process in both:
        _, err = process.communicate(timeout=120)
        ends.append((process.returncode, err))

    statuses = sorted(status for status, _ in ends)
    assert statuses in ([0, 5], [0, 7]), ends
    loser = next(err for status, err in ends if status)
    assert "another receive is running" in loser or "received before" in loser
    assert len(fresh.quarantine()) == 1
    fresh.fsck()


def test_a_receive_that_was_killed_leaves_nothing_half_and_can_be_repeated(fresh, large_media, wait_for):
    process = start(fresh, large_media)
    wait_for(lambda: [n for n in fresh.quarantine() if n.endswith(".partial")], "the copy to begin", timeout=30)
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert fresh.run("status", json=True).json["shipments"] == []

    answer = fresh.receive(large_media).json

    assert answer["shipment"] == 1
    assert len(fresh.quarantine()) == 1 and not fresh.quarantine()[0].endswith(".partial")
    fresh.fsck()


# A process of its own starts it and waits for it: a child begins with its parent's peak, and pytest's is large.
PEAK = "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ); _, status, use = os.wait4(pid, 0); print(status, use.ru_maxrss)"


def test_memory_stays_small(fresh, large_media):
    """Peak resident memory of a receive, its helper process included, does not grow with what is received."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(fresh.path), "--home", str(fresh.contour), "--quiet", "--json", "receive", str(large_media)],
        capture_output=True, text=True, env=environment(), timeout=120, check=False,
    )
    status, kib = map(int, done.stdout.splitlines()[-1].split())
    assert status == 0, done
    assert kib <= 64 << 10, f"{kib} KiB"


NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"]

# Arguments: DISK CONTOUR AIRLOCK MEDIA ANSWERS SIZE HOG. A contour on a file system of SIZE bytes, of which another program takes HOG as
# soon as the receive has begun to copy. Prints the status of that receive, what lies in quarantine then, and, moved to where there is room: of
# `fsck`, of the same receive again, and of `fsck` again.
SMALL_DISK = """
set -u
mount -t tmpfs -o size=$6 none "$1" && cp -a "$2/." "$1/" || exit 99
"$3" --home "$1" receive "$4" > "$5/first.out" 2> "$5/first.err" &
job=$!
if [ "$7" -gt 0 ]; then
  until ls "$1"/quarantine/*.partial > /dev/null 2>&1; do kill -0 $job 2> /dev/null || break; done
  fallocate -l "$7" "$1/hog"
fi
wait $job; echo "first $?"
echo "left $(ls "$1/quarantine" | wc -l)"
rm -f "$1/hog"
cp -a "$1" "$5/roomy"
"$3" --home "$5/roomy" fsck > "$5/fsck.out" 2>&1; echo "fsck $?"
"$3" --home "$5/roomy" receive "$4" > "$5/second.out" 2> "$5/second.err"; echo "second $?"
"$3" --home "$5/roomy" fsck >> "$5/fsck.out" 2>&1; echo "fsck $?"
"""
WHOLE_AGAIN = ["first 7", "left 0", "fsck 0", "second 0", "fsck 0"]


def on_small_disk(world, media, size, hog):
    disk = world.folder / "disk"
    disk.mkdir()
    config = world.contour / "airlock.yaml"
    config.write_text(config.read_text().replace("reserve: 256M", "reserve: 0"))
    probe = subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "none", disk], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"no file system of our own here: {probe.stderr.strip()}")
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", SMALL_DISK, "sh", disk, world.contour, world.path, media, world.folder, str(size), str(hog)],
        capture_output=True, text=True, timeout=120, env=environment(), check=False,
    )
    answers = {p.name: p.read_text() for p in world.folder.glob("*.err")} | {"fsck": (world.folder / "fsck.out").read_text()}
    assert done.stdout.splitlines() == WHOLE_AGAIN, f"{done.stdout}{done.stderr}{answers}"
    return answers


def test_no_room_is_said_before_a_byte_is_copied(fresh, large_media):
    answers = on_small_disk(fresh, large_media, 64 << 20, 0)

    assert "this shipment is not taken in: the disk has" in answers["first.err"] and "MiB are wanted" in answers["first.err"]


def test_the_reserve_is_kept_free_and_what_stands_goes_on(fresh, large_media):
    config = fresh.contour / "airlock.yaml"
    config.write_text(config.read_text().replace("reserve: 256M", "reserve: 900T"))
    before = fresh.state()

    refused = fresh.receive(large_media, status=7)

    assert "900" not in refused.out and f"{900 << 20} MiB are kept free" in refused.err and "airlock gc" in refused.err
    assert fresh.state() == before
    assert "READ-ONLY" in fresh.run("status").out
    assert fresh.run("status", json=True).json["disk"]["read_only"] is True
    config.write_text(config.read_text().replace("reserve: 900T", "reserve: 16M"))
    fresh.receive(large_media)
    fresh.fsck()


def test_a_disk_that_another_program_fills_meanwhile_leaves_nothing_half(packed, fresh):
    """Room for all of it when it is asked; then something else takes room for half of it."""
    for i in range(6):
        model = fresh.folder / "model.gguf"
        model.unlink(missing_ok=True)
        packed.pack(f"part-{i}", "v1.0.0", model=write_large_gguf(model, 48, repeat=True))
    media = packed.ship(*[f"part-{i}:v1.0.0" for i in range(6)], out=fresh.folder / "six")

    answers = on_small_disk(fresh, media, 340 << 20, 160 << 20)

    assert "No space left" in answers["first.err"]


def with_fault(world, path, fault, contour):
    return subprocess.run(
        [str(path), "--home", str(contour), "receive", str(world.media)],
        capture_output=True, text=True, env=environment({"AIRLOCK_FAULT": fault}), timeout=120, check=False,
    )


@pytest.mark.parametrize("percent", [10, 50, 99])
def test_a_disk_that_is_full_at_this_percent_of_the_receive_leaves_nothing_half(fresh, percent, airlock_fault_path):
    probe = fresh.folder / "probe"
    shutil.copytree(fresh.contour, probe)
    counted = with_fault(fresh, airlock_fault_path, "count", probe)
    calls = int(re.search(r"fault: calls=(\d+)", counted.stderr).group(1))
    before = fresh.state()

    full = with_fault(fresh, airlock_fault_path, f"enospc:{calls * percent // 100}", fresh.contour)

    if full.returncode == 0:  # the call that failed came after the decision: the ledger's files, which the next command completes
        assert percent == 99
        fresh.run("status")
        fresh.fsck()
        return
    assert full.returncode == 7, full
    assert fresh.state() == before
    fresh.fsck()
    accepted(fresh, fresh.media)
