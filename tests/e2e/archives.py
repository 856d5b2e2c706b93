"""Archives of every kind, made here: through libarchive (which is there for the program itself), and by hand where it writes none."""

import binascii
import ctypes
import ctypes.util
import struct
import zlib

LIB = ctypes.CDLL(ctypes.util.find_library("archive") or "libarchive.so.13")
LIB.archive_write_new.restype = ctypes.c_void_p
LIB.archive_entry_new.restype = ctypes.c_void_p
LIB.archive_error_string.restype = ctypes.c_char_p
for name in ("archive_write_set_format_by_name", "archive_write_add_filter_by_name", "archive_write_open_memory", "archive_write_header",
             "archive_write_data", "archive_write_close", "archive_write_free", "archive_write_set_options", "archive_write_set_passphrase",
             "archive_error_string"):
    getattr(LIB, name).argtypes = None
LIB.archive_write_data.restype = ctypes.c_ssize_t

FILE, FOLDER, LINK = 0o100000, 0o040000, 0o120000


def _ok(archive, result):
    if result < 0:
        raise RuntimeError((LIB.archive_error_string(archive) or b"libarchive").decode())
    return result


def pack(kind, members, *, options=None, filters=(), room=64 << 20):
    """`members`: (path, bytes) or (path, bytes, target of a symbolic link)."""
    archive = ctypes.c_void_p(LIB.archive_write_new())
    _ok(archive, LIB.archive_write_set_format_by_name(archive, kind.encode()))
    for name in filters:
        _ok(archive, LIB.archive_write_add_filter_by_name(archive, name.encode()))
    if options:
        _ok(archive, LIB.archive_write_set_options(archive, options.encode()))
    memory = ctypes.create_string_buffer(room)
    used = ctypes.c_size_t(0)
    LIB.archive_write_set_bytes_in_last_block(archive, 1)
    _ok(archive, LIB.archive_write_open_memory(archive, memory, ctypes.c_size_t(room), ctypes.byref(used)))
    for path, data, *link in members:
        entry = ctypes.c_void_p(LIB.archive_entry_new())
        LIB.archive_entry_set_pathname(entry, path.encode())
        LIB.archive_entry_set_filetype(entry, LINK if link else FILE)
        LIB.archive_entry_set_perm(entry, 0o644)
        LIB.archive_entry_set_size(entry, ctypes.c_int64(len(data)))
        if link:
            LIB.archive_entry_set_symlink(entry, link[0].encode())
        _ok(archive, LIB.archive_write_header(archive, entry))
        if data:
            _ok(archive, LIB.archive_write_data(archive, data, ctypes.c_size_t(len(data))))
        LIB.archive_entry_free(entry)
    _ok(archive, LIB.archive_write_close(archive))
    LIB.archive_write_free(archive)
    return memory.raw[:used.value]


# ── by hand: stored members ──


def rar4(members):
    """RAR 1.5 to 4 (technote.txt of its makers): marker, archive header, a file header each, end."""

    def block(kind, flags, body, data=b""):
        head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", binascii.crc32(head) & 0xffff) + head + data

    out = b"Rar!\x1a\x07\x00" + block(0x73, 0, bytes(6))
    for path, data in members:
        name = path.encode()
        body = struct.pack("<IIBIIBBHI", len(data), len(data), 3, binascii.crc32(data), 0x58210000, 29, 0x30, len(name), 0o100644) + name
        out += block(0x74, 0x8000, body, data)
    return out + block(0x7b, 0x4000, b"")


def _vint(number):
    out = b""
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def rar5(members):
    def block(body, data=b""):
        head = _vint(len(body)) + body
        return struct.pack("<I", binascii.crc32(head)) + head + data

    out = b"Rar!\x1a\x07\x01\x00" + block(_vint(1) + _vint(0) + _vint(0))
    for path, data in members:
        name = path.encode()
        body = (_vint(2) + _vint(2) + _vint(len(data)) + _vint(4) + _vint(len(data)) + _vint(0o100644) + struct.pack("<I", binascii.crc32(data)) +
                _vint(0) + _vint(1) + _vint(len(name)) + name)
        out += block(body, data)
    return out + block(_vint(5) + _vint(0) + _vint(0))


def cab(members):
    """[MS-CAB], one folder, stored, one block a folder (so less than 32 KiB in all), checksums left out (0: not there)."""
    data = b"".join(content for _, content in members)
    assert len(data) <= 32768
    files = b""
    at = 0
    for path, content in members:
        files += struct.pack("<IIHHHH", len(content), at, 0, 0x5921, 0, 0x20) + path.encode() + b"\0"
        at += len(content)
    files_at = 36 + 8
    data_at = files_at + len(files)
    total = data_at + 8 + len(data)
    header = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, total, 0, files_at, 0, 3, 1, 1, len(members), 0, 0, 0)
    return header + struct.pack("<IHH", data_at, 1, 0) + files + struct.pack("<IHH", 0, len(data), len(data)) + data


def _crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xa001 if crc & 1 else 0)
    return crc


def lha(members):
    """Level 0 headers, method -lh0- (stored)."""
    out = b""
    for path, data in members:
        name = path.encode()
        body = b"-lh0-" + struct.pack("<IIIBB", len(data), len(data), 0x58210000, 0x20, 0) + bytes([len(name)]) + name + struct.pack("<H", _crc16(data))
        out += bytes([len(body), sum(body) & 0xff]) + body + data
    return out + b"\0"


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


KINDS = {
    "7z": ("a.7z", lambda members: pack("7zip", members)),
    "7z-stored": ("a.7z", lambda members: pack("7zip", members, options="compression=store")),
    "rar4": ("a.rar", rar4),
    "rar5": ("a.rar", rar5),
    "newc": ("a.cpio", lambda members: pack("newc", members)),
    "odc": ("a.cpio", lambda members: pack("odc", members)),
    "binary-cpio": ("a.cpio", lambda members: pack("bin", members)),
    "ar": ("a.ar", lambda members: pack("arbsd", members)),
    "iso": ("a.iso", lambda members: pack("iso9660", members)),
    "xar": ("a.xar", lambda members: pack("xar", members)),
    "cab": ("a.cab", cab),
    "lha": ("a.lzh", lha),
    "tar.lz": ("a.tar.lz", lambda members: pack("ustar", members, filters=["lzip"])),
    "tar.lz4": ("a.tar.lz4", lambda members: pack("ustar", members, filters=["lz4"])),
    "tar.lzma": ("a.tar.lzma", lambda members: pack("ustar", members, filters=["lzma"])),
    "tar.Z": ("a.tar.Z", lambda members: pack("ustar", members, filters=["compress"])),
    "tar.zst": ("a.tar.zst", lambda members: pack("ustar", members, filters=["zstd"])),
}
