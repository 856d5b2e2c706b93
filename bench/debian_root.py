"""A root file system of Debian out of packages that nobody installs: what dpkg would leave, without a maintainer script having run. Needs apt with
its lists (apt-get update), dpkg-deb and a mirror; packages are kept in the folder that is given.

    from debian_root import make_root
    count = make_root(Path("root"), Path("kept"), ("git", "nginx"))"""

import subprocess
import sys

BASE = ("base-files", "base-passwd", "bash", "coreutils", "dpkg", "apt")


def fetch(kept, wanted):
    """Everything that `wanted` needs on an empty system, as apt resolves it."""
    (kept / "partial").mkdir(parents=True, exist_ok=True)
    (kept / "status").write_text("")
    options = {"Dir::State::status": kept / "status", "Dir::Cache::archives": kept, "APT::Install-Recommends": "false", "Debug::NoLocking": "1", "APT::Sandbox::User": "root"}
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    done = subprocess.run(["apt-get", *words, "install", "-y", "--download-only", *BASE, *wanted], capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        sys.exit(f"apt-get could not fetch the packages of the image (apt-get update may help): {done.stderr[-1500:]}")
    return sorted(kept.glob("*.deb"))


def unpack(package, root):
    """Its files below `root`; returns its name, its control fields, and what dpkg keeps of it beside the status."""
    # dpkg-deb -x would put folders in the place of the links that stand for /bin and its like
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=tar.stdout, check=True, timeout=300)
    control = root / "control.tmp"
    subprocess.run(["dpkg-deb", "-e", package, control], check=True, timeout=60)
    fields = (control / "control").read_text().rstrip("\n")
    facts = dict(line.split(": ", 1) for line in fields.splitlines() if ": " in line and not line.startswith(" "))
    name = facts["Package"] + (f":{facts['Architecture']}" if facts.get("Multi-Arch") == "same" else "")
    kept = {member.name: member.read_bytes() for member in control.iterdir() if member.name in ("md5sums", "conffiles")}
    for member in control.iterdir():
        member.unlink()
    control.rmdir()
    return name, fields, kept


def make_root(root, kept, wanted):
    """Returns how many packages there are."""
    packages = fetch(kept, wanted)
    info, stanzas = root / "var/lib/dpkg/info", []
    root.mkdir(parents=True)
    for folder in ("bin", "sbin", "lib", "lib64"):  # as every Debian of today has it
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    info.mkdir(parents=True)
    for package in packages:
        name, fields, members = unpack(package, root)
        first, rest = fields.split("\n", 1)
        stanzas.append(f"{first}\nStatus: install ok installed\n{rest}\n")
        for member, content in members.items():
            (info / f"{name}.{member}").write_bytes(content)
    (root / "var/lib/dpkg/status").write_text("\n".join(stanzas))
    return len(packages)
