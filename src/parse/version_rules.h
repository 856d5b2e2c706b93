/* What the files version_*.c give to version.c's table, and what they share. Each X_valid() is asked first; each
 * X_order() may rely on it (except apk's), and gives < 0, 0, > 0. Texts are 1 … VERSION_LENGTH_MAX bytes. */
#pragma once

#include "parse/version.h"

/* Takes the digits (0-9) or letters (a-z, A-Z) that *s begins with; may be none. */
struct span version_take_digits(struct span *s);
struct span version_take_letters(struct span *s);
bool version_is_digit(uint8_t c);
bool version_is_letter(uint8_t c);
bool version_is_digits(struct span s); /* and not empty */

/* Two runs of digits as numbers of any size; an empty one is 0. */
int version_order_numbers(struct span a, struct span b);

/* What stands before the next dot, or all of *s. *more: there was a dot, and behind it something must follow. */
struct span version_take_part(struct span *s, bool *more);

/* Identifiers between dots as Semantic Versioning has them: letters, digits, hyphens, none of them empty; a number has
 * no leading zeros, unless these are allowed. */
bool version_identifiers_valid(struct span s, bool leading_zeros);

/* The order of two ints, and of two texts in ASCII without regard to case. */
int version_order_ints(int a, int b);
int version_order_nocase(struct span a, struct span b);

/* Identifiers between dots by Semantic Versioning 11.4: numbers as numbers and before texts; `nocase`: texts as NuGet
 * has them. An empty list is a release: it stands behind every other. */
int version_order_prerelease(struct span a, struct span b, bool nocase);

bool deb_valid(struct span v);
int deb_order(struct span a, struct span b);
bool apk_valid(struct span v);
int apk_order(struct span a, struct span b); /* total: also of texts that are no versions */
bool rpm_valid(struct span v);
int rpm_order(struct span a, struct span b);
bool pypi_valid(struct span v);
int pypi_order(struct span a, struct span b);
bool semver_valid(struct span v);
int semver_order(struct span a, struct span b);
bool bitnami_valid(struct span v); /* dates are versions too: "2023.07.01" */
bool golang_valid(struct span v);  /* its order is semver_order */
int pub_order(struct span a, struct span b);
bool maven_valid(struct span v);
int maven_order(struct span a, struct span b);
bool gem_valid(struct span v);
int gem_order(struct span a, struct span b);
bool nuget_valid(struct span v);
int nuget_order(struct span a, struct span b);
bool composer_valid(struct span v);
int composer_order(struct span a, struct span b);
bool alpm_valid(struct span v);
int alpm_order(struct span a, struct span b);
bool cran_valid(struct span v);
int cran_order(struct span a, struct span b);
bool hackage_valid(struct span v);
int hackage_order(struct span a, struct span b);
bool conan_valid(struct span v);
int conan_order(struct span a, struct span b);
bool ebuild_valid(struct span v);
int ebuild_order(struct span a, struct span b);
bool openssl_valid(struct span v);
int openssl_order(struct span a, struct span b);
bool datetime_valid(struct span v);
int datetime_order(struct span a, struct span b);
bool text_valid(struct span v); /* any */

/* [epoch:]version[-release] of rpm and pacman: an epoch is digits before a colon ("0" without one); the release begins
 * behind the last hyphen. */
struct evr {
    struct span epoch, version, release;
    bool has_release;
};
struct evr version_evr(struct span v);
