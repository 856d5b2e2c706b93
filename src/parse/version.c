#include "parse/version.h"

#include "parse/version_rules.h"
#include "util/auto.h"

static const struct {
    const char *name;
    bool (*valid)(struct span v);
    int (*order)(struct span a, struct span b);
    bool total; /* order() knows what to do with texts that are not valid */
} TYPES[VERSION_TYPES] = {
    [VERSION_DEB] = {"deb", deb_valid, deb_order, false},
    [VERSION_APK] = {"apk", apk_valid, apk_order, true},
    [VERSION_RPM] = {"rpm", rpm_valid, rpm_order, false},
    [VERSION_PYPI] = {"pypi", pypi_valid, pypi_order, false},
    [VERSION_NPM] = {"npm", semver_valid, semver_order, false},
    [VERSION_GOLANG] = {"golang", golang_valid, semver_order, false},
    [VERSION_CARGO] = {"cargo", semver_valid, semver_order, false},
    [VERSION_HEX] = {"hex", semver_valid, semver_order, false},
    [VERSION_BITNAMI] = {"bitnami", bitnami_valid, semver_order, false},
    [VERSION_MAVEN] = {"maven", maven_valid, maven_order, false},
    [VERSION_GEM] = {"gem", gem_valid, gem_order, false},
    [VERSION_NUGET] = {"nuget", nuget_valid, nuget_order, false},
    [VERSION_COMPOSER] = {"composer", composer_valid, composer_order, false},
    [VERSION_ALPM] = {"alpm", alpm_valid, alpm_order, false},
    [VERSION_CRAN] = {"cran", cran_valid, cran_order, false},
    [VERSION_PUB] = {"pub", bitnami_valid, pub_order, false},
    [VERSION_HACKAGE] = {"hackage", hackage_valid, hackage_order, false},
    [VERSION_CONAN] = {"conan", conan_valid, conan_order, false},
    [VERSION_EBUILD] = {"ebuild", ebuild_valid, ebuild_order, false},
    [VERSION_OPENSSL] = {"openssl", openssl_valid, openssl_order, false},
    [VERSION_NGINX] = {"nginx", hackage_valid, hackage_order, false},
    [VERSION_DATETIME] = {"datetime", datetime_valid, datetime_order, false},
    [VERSION_LEXICOGRAPHIC] = {"lexicographic", text_valid, span_compare, false},
};

bool version_type_named(struct span purl_type, enum version_type *out)
{
    for (size_t i = 0; i < VERSION_TYPES; i++) {
        if (span_equal_str(purl_type, TYPES[i].name)) {
            *out = (enum version_type)i;
            return true;
        }
    }
    return false;
}

const char *version_type_name(enum version_type type)
{
    return TYPES[type].name;
}

static bool fits(struct span v)
{
    return v.len > 0 && v.len <= VERSION_LENGTH_MAX;
}

bool version_valid(enum version_type type, struct span version)
{
    return fits(version) && TYPES[type].valid(version);
}

bool version_compare(enum version_type type, struct span a, struct span b, int *order)
{
    bool total = TYPES[type].total && fits(a) && fits(b) && !span_equal(a, b);
    if (!total && (!version_valid(type, a) || !version_valid(type, b))) {
        *order = version_valid(type, a) ? 2 : 1;
        return false;
    }
    *order = TYPES[type].order(a, b);
    return true;
}

static uint8_t answer(enum version_type type, struct span line)
{
    struct span a;
    int order;
    if (!span_take_until(&line, '\t', &a))
        return '?';
    if (!version_compare(type, a, line, &order))
        return order == 1 ? 'a' : 'b';
    return order < 0 ? '<' : order > 0 ? '>' : '=';
}

int version_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    enum version_type type;
    if (!version_type_named(arg, &type))
        return err_set(e, ERR_USAGE, 0, "versions: the argument is no type of version");
    while (input.len) {
        struct span line = input;
        if (!span_take_until(&input, '\n', &line))
            input.len = 0;
        buf_add_byte(reply, answer(type, line));
    }
    return buf_check(reply, "versions", e);
}
