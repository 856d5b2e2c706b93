/* Archives as lists that can be compared, and what a wheel says that it needs. */
#include "parse/members.h"
#include "parse/requires.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/json.h"
#include "util/limits.h"

static void add(struct archive *a, const char *path, const char *text, time_t mtime, mode_t mode)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, mode);
    archive_entry_set_mtime(entry, mtime, 0);
    archive_entry_set_size(entry, (la_int64_t)strlen(text));
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, text, strlen(text)), strlen(text));
    archive_entry_free(entry);
}

static json_t *members_of(bool zip)
{
    static char bytes[65536];
    size_t used = 0;
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    struct archive *a = archive_write_new();
    if (zip) {
        archive_write_set_format_zip(a);
    } else {
        archive_write_set_format_ustar(a);
        archive_write_add_filter_gzip(a);
    }
    assert_int_equal(archive_write_open_memory(a, bytes, sizeof bytes, &used), ARCHIVE_OK);
    add(a, "b/two", "2", 1700000000, 0755);
    add(a, "a/one", "one", 1600000000, 0644);
    archive_write_close(a);
    archive_write_free(a);
    assert_int_equal(members_op(span_of(bytes, used), span_str("x.whl"), &reply, &e), 0);
    return json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, "reply", &e);
}

static void the_members_come_in_the_order_in_which_they_lie(void **state)
{
    (void)state;
    for (int zip = 0; zip < 2; zip++) {
        auto_json root = members_of(zip);
        const json_t *list = json_object_get(root, "members"), *first = json_array_get(list, 0);
        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(json_get_string(first, "path", ""), "b/two");
        assert_int_equal(json_integer_value(json_object_get(first, "mode")), 0755);
        assert_int_equal(json_integer_value(json_object_get(first, "size")), 1);
        assert_string_equal(json_get_string(json_array_get(list, 1), "sha256", ""),
                            "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
        assert_int_equal(json_integer_value(json_object_get(root, "newest")), 1700000000);
    }
}

static void what_is_no_archive_is_an_error_with_its_name(void **state)
{
    (void)state;
    auto_buf reply = BUF(65536);
    struct err e = {0};
    assert_int_equal(members_op(SPAN_LIT("no archive at all"), span_str("x.whl"), &reply, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "x.whl"));
}

static void what_a_wheel_needs_is_read_without_extras_and_without_its_description(void **state)
{
    (void)state;
    auto_buf reply = BUF(65536);
    struct err e = {0};
    assert_int_equal(requires_op(SPAN_LIT("Metadata-Version: 2.1\nName: a\nRequires-Dist: Foo_Bar (>=1)\n"
                                          "requires-dist: b[x]>=2 ; python_version < \"3\"\r\n"
                                          "Requires-Dist: c ; extra == 'test'\n\nRequires-Dist: no\n"),
                                 span_str(""), &reply, &e),
                     0);
    auto_json root = json_parse(buf_span(&reply), 65536, "reply", &e);
    const json_t *list = json_object_get(root, "requires");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_get_string(json_array_get(list, 0), "name", ""), "foo-bar");
    assert_true(json_is_true(json_object_get(json_array_get(list, 0), "sure")));
    assert_string_equal(json_get_string(json_array_get(list, 1), "text", ""), "b[x]>=2 ; python_version < \"3\"");
    assert_false(json_is_true(json_object_get(json_array_get(list, 1), "sure")));
}

static void a_requirement_without_a_name_is_an_error(void **state)
{
    (void)state;
    auto_buf reply = BUF(65536);
    struct err e = {0};
    assert_int_equal(requires_op(SPAN_LIT("Requires-Dist: @ x\n"), span_str(""), &reply, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_members_come_in_the_order_in_which_they_lie),
        cmocka_unit_test(what_is_no_archive_is_an_error_with_its_name),
        cmocka_unit_test(what_a_wheel_needs_is_read_without_extras_and_without_its_description),
        cmocka_unit_test(a_requirement_without_a_name_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
