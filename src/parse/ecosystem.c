#include "parse/ecosystem.h"

#include <ctype.h>
#include <string.h>

#include "parse/pep440.h"
#include "util/auto.h"

/* clang-format off */
static const struct ecosystem TABLE[] = {
    {"PyPI",           "pypi",          NULL,          false, 0, false},
    {"npm",            "npm",           NULL,          false, 0, false},
    {"Go",             "golang",        NULL,          false, 0, false},
    {"crates.io",      "cargo",         NULL,          false, 0, false},
    {"Maven",          "maven",         NULL,          false, 0, false},
    {"RubyGems",       "gem",           NULL,          false, 0, false},
    {"NuGet",          "nuget",         NULL,          false, 0, false},
    {"Packagist",      "composer",      NULL,          false, 0, false},
    {"Hex",            "hex",           NULL,          false, 0, false},
    {"Pub",            "pub",           NULL,          false, 0, false},
    {"CRAN",           "cran",          NULL,          false, 0, false},
    {"Hackage",        "hackage",       NULL,          false, 0, false},
    {"Bitnami",        "bitnami",       NULL,          false, 0, false},
    {"ConanCenter",    "conan",         NULL,          false, 0, false},
    {"SwiftURL",       "swift",         NULL,          false, 0, false},
    {"Julia",          "julia",         NULL,          false, 0, false},
    {"GitHub Actions", "githubactions", NULL,          false, 0, false},
    {"GitHub Actions", "github",        NULL,          false, 0, false},
    {"Debian",         "deb",           "debian",      true,  1, true},
    {"Ubuntu",         "deb",           "ubuntu",      true,  2, true},
    {"Echo",           "deb",           "echo",        true,  1, true},
    {"Alpine",         "apk",           "alpine",      true,  2, true},
    {"Alpaquita",      "apk",           "alpaquita",   true,  1, true},
    {"Wolfi",          "apk",           "wolfi",       false, 0, true},
    {"Chainguard",     "apk",           "chainguard",  false, 0, true},
    {"MinimOS",        "apk",           "minimos",     false, 0, true},
    {"AlmaLinux",      "rpm",           "almalinux",   true,  1, false},
    {"AlmaLinux",      "rpm",           "alma",        true,  1, false},
    {"Rocky Linux",    "rpm",           "rocky",       true,  1, false},
    {"Rocky Linux",    "rpm",           "rockylinux",  true,  1, false},
    {"Rocky Linux",    "rpm",           "rocky-linux", true,  1, false},
    {"Red Hat",        "rpm",           "redhat",      true,  1, false},
    {"Red Hat",        "rpm",           "rhel",        true,  1, false},
    {"openSUSE",       "rpm",           "opensuse",    true,  2, false},
    {"SUSE",           "rpm",           "suse",        true,  2, false},
    {"SUSE",           "rpm",           "sles",        true,  2, false},
    {"openEuler",      "rpm",           "openeuler",   true,  2, false},
    {"Mageia",         "rpm",           "mageia",      true,  1, false},
    {"Photon OS",      "rpm",           "photon",      true,  2, false},
    {"Azure Linux",    "rpm",           "azurelinux",  true,  1, false},
    {"Azure Linux",    "rpm",           "mariner",     true,  1, false},
};

/* Releases that go by a word. Of Debian and Ubuntu also the word before a slash ("trixie/sid"). */
static const struct {
    const char *ecosystem, *word, *release;
} WORDS[] = {
    {"Debian", "wheezy", "7"},      {"Debian", "jessie", "8"},      {"Debian", "stretch", "9"},
    {"Debian", "buster", "10"},     {"Debian", "bullseye", "11"},   {"Debian", "bookworm", "12"},
    {"Debian", "trixie", "13"},     {"Debian", "forky", "14"},      {"Debian", "duke", "15"},
    {"Debian", "sid", "sid"},       {"Debian", "unstable", "sid"},  {"Ubuntu", "trusty", "14.04"},
    {"Ubuntu", "xenial", "16.04"},  {"Ubuntu", "bionic", "18.04"},  {"Ubuntu", "focal", "20.04"},
    {"Ubuntu", "jammy", "22.04"},   {"Ubuntu", "noble", "24.04"},   {"Ubuntu", "oracular", "24.10"},
    {"Ubuntu", "plucky", "25.04"},  {"Ubuntu", "questing", "25.10"}, {"Alpine", "edge", "edge"},
    {"openSUSE", "tumbleweed", "tumbleweed"}, {"openSUSE", "factory", "tumbleweed"},
};
/* clang-format on */

const struct ecosystem *ecosystem_of(struct span text, struct span *release)
{
    struct span base;
    if (!span_take_until(&text, ':', &base)) {
        base = text;
        text.len = 0;
    }
    if (release)
        *release = text;
    for (size_t i = 0; i < ARRAY_LEN(TABLE); i++)
        if (span_equal_str(base, TABLE[i].name))
            return &TABLE[i];
    return NULL;
}

const struct ecosystem *ecosystem_of_purl(const char *type, const char *namespace)
{
    for (size_t i = 0; i < ARRAY_LEN(TABLE); i++) {
        const struct ecosystem *eco = &TABLE[i];
        if (strcmp(eco->purl_type, type) != 0)
            continue;
        if (!eco->purl_namespace || strcmp(eco->purl_namespace, namespace ? namespace : "") == 0)
            return eco;
    }
    return NULL;
}

bool ecosystem_order(const struct ecosystem *eco, enum version_type *out)
{
    if (version_type_named(span_str(eco->purl_type), out))
        return true;
    /* Actions and Swift packages are tagged by semantic versions. */
    if (strncmp(eco->purl_type, "github", 6) != 0 && strcmp(eco->purl_type, "swift") != 0 &&
        strcmp(eco->purl_type, "julia") != 0 && strcmp(eco->purl_type, "bitnami") != 0)
        return false;
    *out = VERSION_NPM;
    return true;
}

/* ── names ── */

/* Ecosystems whose names are told apart by the size of their letters. (golang's package URLs are in small letters, and
 * npm's old names are not: both sides are made small.) */
static bool keeps_case(const struct ecosystem *eco)
{
    static const char *const types[] = {"cargo", "maven", "gem", "cran", "hackage", "conan", "swift", "julia", "rpm"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(eco->purl_type, types[i]) == 0)
            return true;
    return false;
}

static bool is_separator(uint8_t c)
{
    return c == '-' || c == '_' || c == '.';
}

bool ecosystem_name(const struct ecosystem *eco, struct span name, char out[ECOSYSTEM_NAME_SIZE])
{
    bool pypi = strcmp(eco->purl_type, "pypi") == 0, keep = keeps_case(eco);
    size_t n = 0;
    if (name.len == 0 || name.len >= ECOSYSTEM_NAME_SIZE || memchr(name.ptr, 0, name.len))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (pypi && is_separator(c)) {
            if (n == 0 || out[n - 1] != '-')
                out[n++] = '-';
            continue;
        }
        out[n++] = (char)(keep || c >= 0x80 ? c : tolower(c));
    }
    out[n] = '\0';
    return true;
}

/* ── releases ── */

static bool take_word(const struct ecosystem *eco, struct span text, char out[ECOSYSTEM_RELEASE_SIZE])
{
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        size_t len = strlen(WORDS[i].word);
        if (strcmp(WORDS[i].ecosystem, eco->name) != 0 || text.len < len ||
            strncasecmp((const char *)text.ptr, WORDS[i].word, len) != 0 || (text.len > len && isalpha(text.ptr[len])))
            continue;
        snprintf(out, ECOSYSTEM_RELEASE_SIZE, "%s", WORDS[i].release);
        return true;
    }
    return false;
}

/* "15 SP5" is 15.5. */
static void add_service_pack(struct span rest, char *out, size_t used)
{
    while (rest.len > 0 && (rest.ptr[0] == ' ' || rest.ptr[0] == '-' || rest.ptr[0] == ':'))
        span_skip(&rest, 1);
    if (rest.len < 3 || strncasecmp((const char *)rest.ptr, "SP", 2) != 0 || !isdigit(rest.ptr[2]))
        return;
    snprintf(out + used, ECOSYSTEM_RELEASE_SIZE - used, ".%c", rest.ptr[2]);
}

/* The first number, with as many parts as make a release: "Linux Enterprise Server 15 SP5", "v3.20.1". */
static void take_number(const struct ecosystem *eco, struct span text, char out[ECOSYSTEM_RELEASE_SIZE])
{
    size_t n = 0;
    unsigned parts = 1;
    while (text.len > 0 && !isdigit(text.ptr[0]))
        span_skip(&text, 1);
    for (; text.len > 0 && n + 4 < ECOSYSTEM_RELEASE_SIZE; span_skip(&text, 1)) {
        bool next = text.ptr[0] == '.' && text.len > 1 && isdigit(text.ptr[1]);
        if (!isdigit(text.ptr[0]) && (!next || parts == eco->release_parts))
            break;
        parts += next;
        out[n++] = (char)text.ptr[0];
    }
    out[n] = '\0';
    if (n > 0 && parts == 1 && eco->release_parts == 2)
        add_service_pack(text, out, n);
}

void ecosystem_release(const struct ecosystem *eco, struct span text, char out[ECOSYSTEM_RELEASE_SIZE])
{
    out[0] = '\0';
    if (!eco->distribution)
        return;
    for (struct span rest = text; rest.len > 0; span_skip(&rest, 1))
        if ((rest.ptr == text.ptr || !isalpha(rest.ptr[-1])) && take_word(eco, rest, out))
            return;
    take_number(eco, text, out);
}

/* The digits behind the last `mark` in the version. */
static bool behind_mark(struct span version, const char *mark, char out[ECOSYSTEM_RELEASE_SIZE])
{
    size_t len = strlen(mark);
    for (size_t at = version.len; at-- > 0;) {
        if (version.len - at <= len || memcmp(version.ptr + at, mark, len) != 0 || !isdigit(version.ptr[at + len]))
            continue;
        size_t n = 0;
        for (at += len; at < version.len && isdigit(version.ptr[at]) && n + 1 < 8; at++)
            out[n++] = (char)version.ptr[at];
        out[n] = '\0';
        return true;
    }
    return false;
}

void ecosystem_release_of_version(const struct ecosystem *eco, struct span version, char out[ECOSYSTEM_RELEASE_SIZE])
{
    out[0] = '\0';
    if (strcmp(eco->name, "Debian") == 0)
        (void)(behind_mark(version, "+deb", out) || behind_mark(version, "~deb", out) ||
               behind_mark(version, "~bpo", out));
    else if (strcmp(eco->purl_type, "rpm") == 0)
        (void)(behind_mark(version, ".el", out) || behind_mark(version, ".mga", out));
}

/* ── versions in lists ── */

static struct span without_prefix(const struct ecosystem *eco, struct span v)
{
    bool rpm_or_deb = strcmp(eco->purl_type, "deb") == 0 || strcmp(eco->purl_type, "rpm") == 0;
    if (rpm_or_deb)
        span_take_prefix(&v, SPAN_LIT("0:"));
    else if (v.len > 1 && v.ptr[0] == 'v' && isdigit(v.ptr[1]))
        span_skip(&v, 1);
    return v;
}

bool ecosystem_version_key(const struct ecosystem *eco, struct span version, char out[ECOSYSTEM_VERSION_SIZE])
{
    enum version_type order;
    if (version.len == 0 || version.len >= ECOSYSTEM_VERSION_SIZE || memchr(version.ptr, 0, version.len))
        return false;
    bool pypi = strcmp(eco->purl_type, "pypi") == 0;
    if (pypi && pep440_key(version, out))
        return true;
    struct span plain = without_prefix(eco, version), before;
    bool semver =
        ecosystem_order(eco, &order) && (order == VERSION_NPM || order == VERSION_GOLANG || order == VERSION_CARGO);
    if (semver && memchr(plain.ptr, '+', plain.len) && span_take_until(&plain, '+', &before))
        plain = before;
    for (size_t i = 0; i < plain.len; i++) /* package URLs of PyPI have versions in small letters */
        out[i] = (char)(pypi && plain.ptr[i] < 0x80 ? tolower(plain.ptr[i]) : plain.ptr[i]);
    out[plain.len] = '\0';
    return plain.len > 0;
}
