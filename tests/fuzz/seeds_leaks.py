#!/usr/bin/env python3
"""The seeds of what is looked for in any file: credentials, personal data, HTML, container configuration. Tokens are made here, not copied from
anywhere, with wrong checksums, so that nobody's scanner takes them for real. Run it again after a change."""

import base64

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


def main():
    secrets()


if __name__ == "__main__":
    main()
