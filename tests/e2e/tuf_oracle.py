"""Reads a medium with python-tuf, as its client reads a repository, but from a folder: run by test_tuf_oracle.py under a Python that has tuf.

    tuf_oracle.py FIRST_ROOT MEDIA TARGET...

Prints one JSON document: what it found for each target, or the name of the exception with which it refused."""

import json
import sys
import tempfile
from pathlib import Path

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

BASE = "http://medium.invalid/"


class Folder(FetcherInterface):
    """Serves files of the medium where the client thinks it downloads."""

    def __init__(self, media):
        self.media = Path(media)

    def _fetch(self, url):
        path = self.media / url.removeprefix(BASE)
        if not path.is_file():
            raise DownloadHTTPError(f"{path} is not there", 404)
        yield path.read_bytes()


def look(first_root, media, names):
    with tempfile.TemporaryDirectory() as state, tempfile.TemporaryDirectory() as downloads:
        updater = Updater(
            metadata_dir=state,
            metadata_base_url=BASE + "metadata/",
            target_dir=downloads,
            target_base_url=BASE + "targets/",
            fetcher=Folder(media),
            bootstrap=Path(first_root).read_bytes(),
        )
        updater.refresh()
        found = {}
        for name in names:
            info = updater.get_targetinfo(name)
            found[name] = None if info is None else {"length": info.length, "hashes": info.hashes}
            if info is not None and (Path(media) / "targets" / f"{info.hashes['sha256']}.{name}").is_file():
                found[name]["downloaded"] = Path(updater.download_target(info)).stat().st_size
        return {"targets": found}


def main():
    first_root, media, *names = sys.argv[1:]
    try:
        answer = look(first_root, media, names)
    except Exception as refusal:  # pylint: disable=broad-exception-caught
        answer = {"refused": type(refusal).__name__, "reason": str(refusal)}
    print(json.dumps(answer))


main()
