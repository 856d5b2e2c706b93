/* The predicate of a scan is the golden file of docs/formats, byte by byte; and a release's blobs are held to their
 * digests. */
#include "scan/scan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "util/file.h"

#define NOON 1795521600 /* 2026-11-24T12:00:00Z */

/* ClamAV for programs, of which there is none here, and a rule of YARA for scripts. */
static void make_engines(struct engines *n)
{
    static const char rule[] = "rule Imports_os { meta: description = \"imports os\" severity = \"low\" "
                               "strings: $a = \"import os\" condition: $a }";
    *n = (struct engines){.rules = BUF(4096)};
    n->wanted.classes[CLASS_PROGRAM] = 1 << ENGINE_CLAMAV;
    n->wanted.classes[CLASS_SCRIPT] = 1 << ENGINE_YARA;
    n->state[ENGINE_CLAMAV] = (struct engine_state){
        .asked = true, .ready = true, .version = "ClamAV 1.4.6", .database = "27500", .date_s = NOON - 10080};
    n->state[ENGINE_YARA] = (struct engine_state){
        .asked = true, .ready = true, .version = "YARA 4.2.3", .date_s = NOON - 86400, .rules = 1};
    buf_add_be32(&n->rules, 7);
    buf_add_be32(&n->rules, sizeof rule - 1);
    buf_add_str(&n->rules, "own.yar");
    buf_add_str(&n->rules, rule);
    n->rules_digest = digest_of(buf_span(&n->rules));
    snprintf(n->state[ENGINE_YARA].database, sizeof n->state[ENGINE_YARA].database, "%s",
             digest_text(&n->rules_digest).text);
}

static void add(struct child *parser, const char *path, struct span bytes, const struct engines *engines,
                struct scan_report *out)
{
    struct scan_options o = {.digest = true, .engines = engines};
    struct err e = {0};
    auto_fd fd = memfd_create("scan", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    assert_int_equal(scan_fd(parser, fd, path, path, &o, out, &e), 0);
}

static void the_predicate_is_the_golden_file(void **state)
{
    (void)state;
    char path[4096];
    struct err e = {0};
    auto_buf made = BUF(65536), golden = BUF(65536);
    auto_scan_report r = {0};
    auto_engines engines = {0};
    make_engines(&engines);
    r.engines = &engines;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    struct child *parser = child_start(ROLE_PARSE, &e);
    add(parser, "card/card.md", SPAN_LIT("# A card\n"), &engines, &r);
    add(parser, "suite/suite.yaml", SPAN_LIT("cases: []\n"), &engines, &r);
    add(parser, "model/tiny.gguf", SPAN_LIT("GGUF\1\0\0\0"), &engines, &r);
    add(parser, "model/convert.py", SPAN_LIT("import os\n"), &engines, &r);
    child_stop(parser);
    child_use_inline(NULL, 0);

    assert_int_equal(scan_write_predicate(&r, NOON, &made, &e), 0);
    buf_add_byte(&made, '\n');

    snprintf(path, sizeof(path), "%s/docs/formats/examples/scan.json", getenv("AIRLOCK_SOURCE"));
    assert_int_equal(file_read(AT_FDCWD, path, &golden, &e), 0);
    assert_string_equal(buf_str(&made), buf_str(&golden));
}

static void the_answer_for_paths_has_the_members_that_are_promised(void **state)
{
    (void)state;
    struct err e = {0};
    struct json_out w;
    auto_buf text = BUF(65536);
    auto_scan_report r = {0};
    scan_unread(&r, "a/b", "unreadable", "Permission denied");

    json_out_init(&w, &text);
    json_out_object(&w);
    scan_write_files(&w, &r);
    json_out_object_end(&w);

    auto_json root = json_parse(buf_span(&text), 65536, "answer", &e);
    assert_string_equal(json_get_string(root, "verdict", ""), "not-scanned");
    const json_t *file = json_array_get(json_object_get(root, "files"), 0);
    assert_string_equal(json_get_string(file, "path", ""), "a/b");
    assert_string_equal(json_get_string(file, "verdict", ""), "not-scanned");
    const json_t *finding = json_array_get(json_object_get(file, "findings"), 0);
    assert_string_equal(json_get_string(finding, "rule", ""), "unreadable");
    assert_string_equal(json_get_string(finding, "message", ""), "Permission denied");
    assert_string_equal(json_get_string(finding, "severity", ""), "high");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_predicate_is_the_golden_file),
        cmocka_unit_test(the_answer_for_paths_has_the_members_that_are_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
