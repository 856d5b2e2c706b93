/* What production needs and only another group pins is named with both places. */
#include "collect/groups.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "util/file.h"

static char folder[] = "/tmp/airlock-groups-XXXXXX";
static int dir = -1;
static struct blobs *blobs;
static struct child *parser;
static const char *const PROD[] = {"prod", NULL}, *const BOTH[] = {"prod", "dev", NULL};

static char *copy(const char *text)
{
    char *s = strdup(text);
    assert_non_null(s);
    return s;
}

static void add(struct packages *p, const char *ecosystem, const char *name, const char *group, const char *source,
                json_t *about)
{
    struct package x = {.ecosystem = copy(ecosystem),
                        .name = copy(name),
                        .version = copy("1.0"),
                        .filename = copy("file"),
                        .group = copy(group),
                        .source = source ? copy(source) : NULL,
                        .hashes = json_object(),
                        .about = about};
    packages_add(p, &x);
}

/* A wheel with this METADATA. */
static json_t *wheel(const char *metadata)
{
    struct err e = {0};
    struct digest id;
    assert_int_equal(blob_put(blobs, span_str(metadata), &id, &e), 0);
    return json_pack("{s:s, s:i}", "metadata", digest_text(&id).text, "metadata-size", (int)strlen(metadata));
}

static void check(const struct packages *p, const char *const groups[], const char *wanted)
{
    struct err e = {0};
    int result = groups_check(blobs, parser, p, groups, &e);
    if (!wanted) {
        if (result < 0)
            print_message("# %s\n", e.msg);
        assert_int_equal(result, 0);
        return;
    }
    if (result == 0 || !strstr(e.msg, wanted))
        print_message("# \"%s\", wanted \"%s\"\n", e.msg, wanted);
    assert_int_equal(result, -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, wanted));
}

static void a_production_wheel_that_needs_what_only_dev_pins_is_refused_with_both_places(void **state)
{
    (void)state;
    auto_packages p = {0};
    add(&p, "pypi", "app", "prod", "requirements.txt:3", wheel("Name: app\nRequires-Dist: Idna>=3\n\n"));
    add(&p, "pypi", "idna", "dev", "dev.txt:7 https://files.example/x", wheel("Name: idna\n\n"));

    check(&p, PROD, "app 1.0 (requirements.txt:3) needs idna, which only the group dev pins (dev.txt:7)");
    check(&p, BOTH, NULL);
}

static void what_production_pins_itself_is_no_conflict(void **state)
{
    (void)state;
    auto_packages p = {0};
    add(&p, "pypi", "app", "prod", NULL, wheel("Name: app\nRequires-Dist: idna\n\n"));
    add(&p, "pypi", "idna", "dev", NULL, wheel("Name: idna\n\n"));
    add(&p, "pypi", "idna", "prod", NULL, wheel("Name: idna\n\n"));
    check(&p, PROD, NULL);
}

static void what_an_extra_or_a_marker_asks_for_and_what_nobody_pins_is_none_either(void **state)
{
    (void)state;
    auto_packages p = {0};
    add(&p, "pypi", "app", "prod", NULL,
        wheel("Name: app\nRequires-Dist: a ; extra == \"test\"\nRequires-Dist: b ; os_name == \"nt\"\n"
              "Requires-Dist: c\n\n"));
    add(&p, "pypi", "a", "dev", NULL, wheel("Name: a\n\n"));
    add(&p, "pypi", "b", "dev", NULL, wheel("Name: b\n\n"));
    check(&p, PROD, NULL);
}

static void npm_and_debian_packages_are_held_to_the_same(void **state)
{
    (void)state;
    auto_packages npm = {0}, deb = {0}, other = {0};
    add(&npm, "npm", "app", "prod", "package-lock.json:4",
        json_pack("{s:{s:{s:s, s:s}, s:{s:s}}}", "manifest", "dependencies", "left", "^1", "right", "^1",
                  "optionalDependencies", "right", "^1"));
    add(&npm, "npm", "left", "dev", "package-lock.json:9", json_object());
    add(&npm, "npm", "right", "dev", NULL, json_object());
    check(&npm, PROD, "app 1.0 (package-lock.json:4) needs left, which only the group dev pins (package-lock.json:9)");

    add(&deb, "deb", "app", "prod", NULL,
        json_pack("{s:{s:s}}", "control", "Depends", "virtual | other (>= 1), libc6:any (>= 2)"));
    add(&deb, "deb", "libc6", "prod", NULL, json_pack("{s:{s:s}}", "control", "Provides", "virtual (= 1)"));
    add(&deb, "deb", "other", "dev", NULL, json_object());
    check(&deb, PROD, NULL);

    add(&other, "deb", "app", "prod", NULL, json_pack("{s:{s:s}}", "control", "Pre-Depends", "tool"));
    add(&other, "deb", "tool", "dev", "apt-dev.txt:1", json_object());
    check(&other, PROD, "app 1.0 (made in house) needs tool, which only the group dev pins (apt-dev.txt:1)");
}

static void a_package_is_told_where_its_lock_pins_it(void **state)
{
    (void)state;
    struct lock_hash_of hash = {"sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    struct lock_package pins[] = {
        {.ecosystem = "pypi",
         .name = "a",
         .version = "1",
         .group = "dev",
         .file = "dev.txt",
         .line = 2,
         .hashes = &hash,
         .hash_count = 1},
        {.ecosystem = "pypi",
         .name = "a",
         .version = "1",
         .group = "prod",
         .file = "prod.txt",
         .line = 5,
         .hashes = &hash,
         .hash_count = 1},
        {.ecosystem = "deb", .name = "b", .version = "1.0", .group = "prod", .file = "apt.txt", .line = 1},
    };
    struct lock lock = {.packages = pins, .count = ARRAY_LEN(pins)};
    auto_packages p = {0};
    char place[64];
    add(&p, "pypi", "a", "prod", "https://files.example/a", json_object());
    add(&p, "deb", "b", "prod", NULL, json_object());
    add(&p, "pypi", "c", "prod", NULL, json_object());
    p.items[0].digest = digest_of(SPAN_LIT(""));

    groups_pin(&p, &lock, 1);

    assert_string_equal(p.items[0].source, "prod.txt:5 https://files.example/a");
    assert_string_equal(p.items[1].source, "apt.txt:1");
    assert_null(p.items[2].source);
    groups_place(&p.items[0], place, sizeof place);
    assert_string_equal(place, "prod.txt:5");
}

static int set_up(void **state)
{
    struct err e = {0};
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    parser = child_start(ROLE_PARSE, &e);
    dir = mkdtemp(folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    blobs = dir < 0 ? NULL : blobs_make(dir, "store", &e);
    return parser && blobs ? 0 : -1;
}

static int tear_down(void **state)
{
    struct err e = {0};
    (void)state;
    child_stop(parser);
    blobs_close(blobs);
    close(dir);
    return tree_remove(AT_FDCWD, folder, &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_production_wheel_that_needs_what_only_dev_pins_is_refused_with_both_places),
        cmocka_unit_test(what_production_pins_itself_is_no_conflict),
        cmocka_unit_test(what_an_extra_or_a_marker_asks_for_and_what_nobody_pins_is_none_either),
        cmocka_unit_test(npm_and_debian_packages_are_held_to_the_same),
        cmocka_unit_test(a_package_is_told_where_its_lock_pins_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
