/* Engines: what is not there or not whole makes files "not-scanned"; rules of a folder are one set; archives need what
 * any class needs. */
#include "scan/scan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "parse/ops.h"
#include "scan/engines_rules.h"
#include "util/file.h"

struct place {
    char path[64], rules[128];
    int fd;
};

static int make_place(void **state)
{
    static struct place p;
    struct err e;
    snprintf(p.path, sizeof(p.path), "/tmp/airlock-engines-XXXXXX");
    if (!mkdtemp(p.path) || (p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return -1;
    snprintf(p.rules, sizeof p.rules, "%s/rules", p.path);
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    *state = &p;
    return dir_make(p.fd, "rules", 0755, &e) < 0 || dir_make(p.fd, "files", 0755, &e) < 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    struct err e;
    close(p->fd);
    child_use_inline(NULL, 0);
    return tree_remove(AT_FDCWD, p->path, &e);
}

static void put(struct place *p, const char *name, const char *text)
{
    struct err e = {0};
    assert_int_equal(file_write(p->fd, name, span_str(text), 0644, &e), 0);
}

#define WORM  "rule Worm { meta: severity = \"critical\" strings: $a = \"wriggle\" condition: $a }\n"
#define SNAIL "rule Snail { strings: $a = \"crawl\" condition: $a }\n"

/* Scans `files` of the place. */
static void scan(struct place *p, const struct engines_wanted *w, struct engines *engines, struct scan_report *out)
{
    char path[128];
    struct err e = {0};
    struct child *parser = child_start(ROLE_PARSE, &e);
    assert_non_null(parser);
    assert_int_equal(engines_open(engines, w, parser, &e), 0);
    struct scan_options o = {.engines = engines};
    snprintf(path, sizeof path, "%s/files", p->path);
    assert_int_equal(scan_path(parser, path, &o, out, &e), 0);
    child_stop(parser);
}

static struct engines_wanted yara_for_all(const struct place *p)
{
    struct engines_wanted w = {0};
    snprintf(w.yara, sizeof w.yara, "%s", p->rules);
    memset(w.classes, 1 << ENGINE_YARA, sizeof w.classes);
    return w;
}

static const struct scan_file *row(const struct scan_report *r, const char *suffix)
{
    for (size_t i = 0; i < r->count; i++)
        if (span_ends(span_str(r->files[i].path), span_str(suffix)))
            return &r->files[i];
    fail();
    return NULL;
}

static bool has_rule(const struct scan_file *f, const char *rule)
{
    for (size_t i = 0; i < f->finding_count; i++)
        if (strcmp(f->findings[i].rule, rule) == 0)
            return true;
    return false;
}

static void rules_of_a_folder_and_of_those_below_it_are_one_set(void **state)
{
    struct place *p = *state;
    struct err e;
    put(p, "rules/a.yar", WORM);
    assert_int_equal(dir_make(p->fd, "rules/more", 0755, &e), 0);
    put(p, "rules/more/b.yara", SNAIL);
    put(p, "rules/README", "no rule\n");
    put(p, "files/w.txt", "they wriggle\n");
    put(p, "files/c.txt", "they crawl\n");
    put(p, "files/x.txt", "they walk\n");
    struct engines_wanted w = yara_for_all(p);
    auto_engines engines = {0};
    auto_scan_report r = {0};
    scan(p, &w, &engines, &r);
    assert_true(engines.state[ENGINE_YARA].ready);
    assert_int_equal(engines.state[ENGINE_YARA].rules, 2);
    assert_true(engines.state[ENGINE_YARA].date_s > 1700000000);
    assert_true(has_rule(row(&r, "w.txt"), "yara:Worm"));
    assert_int_equal(row(&r, "w.txt")->verdict, VERDICT_MALICIOUS);
    assert_true(has_rule(row(&r, "c.txt"), "yara:Snail"));
    assert_int_equal(row(&r, "c.txt")->verdict, VERDICT_SUSPICIOUS);
    assert_int_equal(row(&r, "x.txt")->verdict, VERDICT_CLEAN);
}

static void another_set_has_another_digest(void **state)
{
    struct place *p = *state;
    auto_buf one = BUF(LIMIT_YARA_BYTES), two = BUF(LIMIT_YARA_BYTES);
    struct err e = {0};
    int64_t date;
    put(p, "rules/a.yar", WORM);
    assert_int_equal(engines_read_rules(p->rules, &one, &date, &e), 0);
    put(p, "rules/b.yar", SNAIL);
    assert_int_equal(engines_read_rules(p->rules, &two, &date, &e), 0);
    assert_false(span_equal(buf_span(&one), buf_span(&two)));
}

static void rules_that_are_none_make_every_file_not_scanned(void **state)
{
    static const char *const texts[] = {"rule Broken { condition: }\n", "", "include \"/etc/passwd\"\n"};
    struct place *p = *state;
    put(p, "files/x.txt", "they walk\n");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        put(p, "rules/a.yar", texts[i]);
        struct engines_wanted w = yara_for_all(p);
        auto_engines engines = {0};
        auto_scan_report r = {0};
        scan(p, &w, &engines, &r);
        assert_false(engines.state[ENGINE_YARA].ready);
        assert_int_equal(row(&r, "x.txt")->verdict, VERDICT_NOT_SCANNED);
        assert_true(has_rule(row(&r, "x.txt"), "yara-not-looked"));
        assert_true(row(&r, "x.txt")->findings[row(&r, "x.txt")->finding_count - 1].not_scanned);
    }
}

static void a_folder_without_rules_or_with_a_link_is_not_ready(void **state)
{
    struct place *p = *state;
    auto_buf bundle = BUF(LIMIT_YARA_BYTES);
    struct err e = {0};
    int64_t date;
    assert_int_equal(engines_read_rules(p->rules, &bundle, &date, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(symlinkat("/etc/passwd", p->fd, "rules/a.yar"), 0);
    assert_int_equal(engines_read_rules(p->rules, &bundle, &date, &e), -1);
    assert_int_equal(engines_read_rules("/tmp/airlock-there-is-none", &bundle, &date, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void an_engine_that_is_absent_makes_files_of_its_classes_not_scanned_and_no_others(void **state)
{
    struct place *p = *state;
    struct engines_wanted w = {.clamd = "/tmp/airlock-there-is-none/ctl"};
    w.classes[CLASS_DOCUMENT] = 1 << ENGINE_CLAMAV;
    put(p, "files/x.txt", "they walk\n");
    put(p, "files/x.json", "{}");
    auto_engines engines = {0};
    auto_scan_report r = {0};
    scan(p, &w, &engines, &r);
    assert_int_equal(row(&r, "x.txt")->verdict, VERDICT_NOT_SCANNED);
    assert_true(has_rule(row(&r, "x.txt"), "clamav-not-looked"));
    assert_int_equal(row(&r, "x.json")->verdict, VERDICT_CLEAN);
    assert_true(engines_unsure(row(&r, "x.txt")->reply));
    assert_false(engines_unsure(row(&r, "x.json")->reply));
}

static void what_holds_files_needs_what_any_class_needs(void **state)
{
    struct engines_wanted w = {0};
    (void)state;
    w.classes[CLASS_PROGRAM] = 1 << ENGINE_CLAMAV;
    w.classes[CLASS_SCRIPT] = 1 << ENGINE_YARA;
    assert_int_equal(engines_of_class(&w, CLASS_ARCHIVE), 3);
    assert_int_equal(engines_of_class(&w, CLASS_PACKAGE), 3);
    assert_int_equal(engines_of_class(&w, CLASS_PROGRAM), 1 << ENGINE_CLAMAV);
    assert_int_equal(engines_of_class(&w, CLASS_MODEL), 0);
}

static void the_question_names_what_its_answer_depends_on(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    put(p, "rules/a.yar", WORM);
    struct engines_wanted w = yara_for_all(p);
    struct child *parser = child_start(ROLE_PARSE, &e);
    auto_engines engines = {0};
    assert_int_equal(engines_open(&engines, &w, parser, &e), 0);
    child_stop(parser);
    auto_free char *arg = strdup("{\"name\":\"x\"}");
    engines_add_arg(&engines, &arg);
    auto_json read = json_parse(span_str(arg), 65536, "arg", &e);
    assert_non_null(read);
    const json_t *yara = json_object_get(read, "yara");
    assert_string_equal(json_get_string(yara, "database", ""), engines.state[ENGINE_YARA].database);
    assert_int_equal(json_array_size(json_object_get(yara, "classes")), FILE_CLASSES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rules_of_a_folder_and_of_those_below_it_are_one_set),
        TEST(another_set_has_another_digest),
        TEST(rules_that_are_none_make_every_file_not_scanned),
        TEST(a_folder_without_rules_or_with_a_link_is_not_ready),
        TEST(an_engine_that_is_absent_makes_files_of_its_classes_not_scanned_and_no_others),
        TEST(what_holds_files_needs_what_any_class_needs),
        TEST(the_question_names_what_its_answer_depends_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
