#!/usr/bin/env python3
"""Writes the seeds of the targets version*, purl and vers into tests/fuzz/corpus (as the other seeds: small, made here,
one a thing that the reader has a rule for)."""
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"

ORDERS = {
    "version_deb": ["1:2.0-1\n1:2.0-1+b1\n1:2.0~rc1-1", "0\n0:0-0\n00", "1.0-\n1:\na1", "1~~\n1~\n1", "1.0a\n1.0+\n1.0."],
    "version_apk": ["1.2_rc1\n1.2\n1.2_p3-r1", "1.02\n1.1\n1.10", "5.1p1-r0\n5.1p2-r0\n5.1-r0", "1~ab\n1~ac-r1\n1-r",
                    "a\nb\n.1", "0...1\n0...2\n0.8.r2"],
    "version_rpm": ["1:1.0-1.el9\n1.0-1.el9\n1.0^git1-1", "1.0~rc1\n1.0\n1.0.", "1-\n1\na:1", "2_0\n2.0\n2.0a"],
    "version_pypi": ["1.0.dev1\n1.0a1\n1.0rc1.post2.dev3", "1!0\nv2.0.0\n2", "1.0+ab.1\n1.0+1.ab\n1.0+AB-01", " 1.0-1\t\n1.0.post1\n1.0.r1",
                     "1.0a.\n1.0-\n1..0"],
    "version_semver": ["1.0.0-alpha.1\n1.0.0-alpha.beta\n1.0.0", "v1.2.3+b\n1.2.3\n1.2.3.4", "01.2\n1.0-01\n1.0-", "1.0.0-9\n1.0.0-10\n1.0.0-a"],
    "version_maven": ["1.0-alpha-1\n1.0.0-a1", "1-1.foo-bar1baz-.1\n1-ga-1", "1.0.sp\n1.0-final-0", "0...0\n-", "1cr2\n1.RC-2-SNAPSHOT"],
    "version_gem": ["1.0.a.2\n1.0.a10\n1.0", "1.0-1\n1.pre.1\n1beta", " 1.0.0 \n1\n1.0.b.0.0", "1..0\n1.\n-"],
    "version_numbers": ["1.0-0\n1.0.0\n0.01", "1.0.0.1-BETA.2+x\n1.0.0.1-beta.10\n1", "1.2.3.4.5\n1..2\n1-"],
    "version_composer": ["v1.0-dev\n1.0.0a1\n1.0pl1", "1.2.3.#\n1.2.3.1\n1.2.3.#.beta", "1.25.0-beta2.1+x\nV1.25-b.2.1\n1_patch", "dev-main\n1 0\n1.0foo"],
    "version_alpm": ["1:1.0-1\n1.0-1.1\n1.0", "1.5b\n1.5\n1.5.1", "1..0\n1.0\n1.", ":1\n1-\n1:2:3"],
    "version_ebuild": ["1.0_alpha1_p2-r1\n1.0\n1.0b", "1.001\n1.0010\n1.1", "1_foo\n1-r\n1.", "12.2.5\n12.2b\n12.2b_p"],
    "version_openssl": ["1.0.2zh\n1.0.2a\n3.0.0", "1.1.1-pre10\n1.1.1-pre9\n1.1.1", "3.0\n1.0.1A\n1.0.1-"],
    "version_conan": ["1.0.0-alpha.1+b.2\n1-alpha.01+b.2.0", "1.2.3*\n1.2.a", "1-\n1", "-+-\n+"],
    "version_datetime": ["2024-02-29T23:59:60.5Z\n2024-03-01T01:00:00.50+01:00\n2024-02-29T18:59:60-05:00", "2023-02-29T00:00:00Z\n0000-01-01T00:00:00Z\n1",
                         "2024-01-01t00:00:00z\n2024-01-01T00:00:00.Z\n2024-13-01T00:00:00Z"],
    "version_text": ["a.1.B\na.01.b", "\n1", "00012\n12", "rc.\nrc"],
    "purl": ["pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12", "pkg:npm/@scope/name@1.0.0#/a/../b/", "pkg://PyPI/A_b@1.0?Key=a%20b&x=",
             "pkg:git/host/a/b@1#c", "pkg:swid/a/b/c?tag_id=1", "pkg:maven/%zz/a", "pkg:julia/A@1?uuid=x", "pkg:a/b@c/d@e?f=g?h=i#j#k"],
    "purl_types": ["chrome-extension\n\nabcdefghijklmnopabcdefghijklmnop\n1.2.3.4", "cpan\nauthor\nA-B\n1", "pub\n\nA-b\n1\nx", "huggingface\nA\nB\nABC",
                   "vcpkg\na\nb", "cocoapods\n\n.a\n1", "julia\n\nA\n1\n\nx", "mlflow\n\nA\n1"],
    "vers": ["vers:pypi/>=1.0|<2.0|!=1.5\n1.5", "vers:npm/*\n1.0.0", "vers:deb/<1|>2|3\n3", "vers:datetime/2024-01-01T00:00:00Z\n2024-01-01T00:00:00Z",
             "vers:gem/%31.0||\n1", "vers:conan/<=1+%2a|1.%2G\n1", "vers:gentoo/!=1|!=2\n1-r0"],
    "vers_native": ["npm\n^1.2.3 || ~2.x - 3", "conan\n>1- <2.0 || ^0.1.2, include_prerelease=True", "gem\n~> 2.0.8, != 2.0.9", "pypi\n~=1.4.2,!=1.5", "maven\n[1.0,2.0),(,3],[4]",
                    "nuget\n[1.0, )", "nginx\n1.5.0+, 1.4.1+,0.7.52-0.8.39", "openssl\n3.0.0, 1.0.1b", "rpm\n1"],
    "vers_npm": ["^1.2.3-beta.1\n1.2.3-beta.2", "1.x - x\n1.9.7", ">=v1 <2.0.0-rc+b || *\n1.0.0", "~>0.0.1 =0.0.x\n0.0.1", "> 1.2.3-\n1.2.3", "^99.9\n99.9.9"],
    "version": ["deb\n1\n2\n3", "golang\nv1.2.3-0.20200101000000-abcdefabcdef\nv1.2.3\nv1.2.4+incompatible", "none\n1\n2\n3",
                "bitnami\n2023.07.01\n2023.7.1\n2023.07.01-1"],
}


def main():
    for target, seeds in ORDERS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(seeds, 1):
            (folder / f"{number:02}").write_text(text)


if __name__ == "__main__":
    main()
