/* collect.yaml, read: a whole one, and one for each thing that may be wrong with it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collect/spec.h"
#include "util/file.h"

/* docs/formats/examples/collect.yaml, which the documentation shows. */
static void a_whole_one_is_read(void **state)
{
    (void)state;
    auto_collect_spec s = {0};
    auto_buf text = BUF(65536);
    char path[4096];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/docs/formats/examples/collect.yaml", getenv("AIRLOCK_SOURCE"));
    if (file_read(AT_FDCWD, path, &text, &e) < 0 || collect_spec_parse(buf_span(&text), "collect.yaml", &s, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(s.name, "app");
    assert_string_equal(s.pypi.index, "https://pypi.example/simple/");
    assert_int_equal(s.pypi.file_count, 1);
    assert_string_equal(s.images.token_file, "token");
    assert_false(s.images.plain);
    assert_int_equal(s.archive_count, 2);
    assert_string_equal(s.archives[1].suite, "bookworm-security");
    assert_string_equal(s.models.client, "/opt/hub");
    assert_int_equal(s.set_count, 5);
    assert_int_equal(s.sets[0].kind, LOCK_PIP);
    assert_string_equal(s.sets[0].source[0], "tiny");
    assert_true(s.sets[0].unbuilt);
    assert_int_equal(s.sets[1].kind, LOCK_NPM);
    assert_string_equal(s.sets[1].group, "dev");
    assert_int_equal(s.limit_bytes, 4ULL << 30);
    assert_int_equal(s.limit_s, 1800);
    assert_int_equal(s.idle_s, 20);
}

#define HEAD "name: app\nupstreams:\n  pypi: {index: https://pypi.example/simple/}\nsets:\n"

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"upstreams: {}\nsets: []\n", "name"},
        {"name: App\nupstreams: {}\nsets: []\n", "collect.yaml:1: name"},
        {HEAD "  - {group: prod, pip: a.txt, python: \"3.11\", platforms: []}\n", "collect.yaml:5: platforms"},
        {HEAD "  - {group: prod, pip: a.txt}\n", "collect.yaml:5"},
        {HEAD "  - {group: prod, pip: a.txt, python: \"3.11\", platforms: [--index-url]}\n", "platforms"},
        {HEAD "  - {group: prod, apt: a.txt}\n", "upstreams names no debian"},
        {HEAD "  - {group: prod, npm: a.json}\n", "upstreams names no npm"},
        {HEAD "  - {group: prod}\n", "one lock file a set"},
        {HEAD "  - {group: prod, pip: a.txt, uv: b.lock, python: \"3.11\", platforms: [any]}\n", "one lock file a set"},
        {HEAD "  - {group: prod, pipp: a.txt}\n", "pip"},
        {HEAD "[]\n", "collect.yaml"},
        {"name: app\nupstreams: {pypi: {index: https://pypi.example/simple}}\nsets: []\n", "slash"},
        {"name: app\nupstreams: {pypi: {index: 'https://x@pypi.example/simple/'}}\nsets: []\n", "collect.yaml:2"},
        {"name: app\nupstreams: {images: {registry: https://r.example}}\nsets: []\n", "HOST"},
        {"name: app\nupstreams: {debian: {archive: http://a.example/d, suite: s, architecture: amd64, keyring: k}}\n"
         "sets: []\n",
         "components"},
        {HEAD "  - {group: prod, pip: a.txt, python: \"3.11\", platforms: [any]}\nlimits: {bytes: 0}\n", "limits"},
        {HEAD "  - {group: prod, pip: a.txt, python: \"3.11\", platforms: [any]}\nlimits: {time: 2d}\n", "limits"},
        {HEAD "  - {group: prod, pip: a.txt, python: \"3.11\", platforms: [any]}\nlimits: 5\n", "limits"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct collect_spec s;
        struct err e = {0};
        assert_int_equal(collect_spec_parse(span_str(rows[i].text), "collect.yaml", &s, &e), -1);
        if (!strstr(e.msg, rows[i].wanted))
            fail_msg("row %zu: \"%s\" does not say \"%s\"", i, e.msg, rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_one_is_read),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
