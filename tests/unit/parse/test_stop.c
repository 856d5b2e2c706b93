/* Where a look ends early, bytes are left that nobody has scanned: the finding says "not-scanned" and nobody can waive
 * it, while its verdict stays what it was. What is read on from stays a finding that people may judge. */
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char CALL[] = "cposix\nsystem\n(S'id'\ntR.";

/* Does a finding of the rule carry the flag? */
static bool is_unread(const struct look *l, const char *rule)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(l->reply, "findings"), i, one)
    {
        if (strcmp(json_get_string(one, "rule", ""), rule) == 0 && json_is_true(json_object_get(one, "not-scanned")))
            return true;
    }
    return false;
}

static void stops(struct span bytes, const char *name, const char *rule)
{
    auto_look l = look_named(bytes, name);
    if (!is_unread(&l, rule) || l.verdict < VERDICT_SUSPICIOUS)
        print_message("# %s: %s, %s\n", name, verdict_name(l.verdict), l.rules);
    assert_true(is_unread(&l, rule));
    assert_true(l.verdict >= VERDICT_SUSPICIOUS);
}

static void goes_on(struct span bytes, const char *name, const char *rule)
{
    auto_look l = look_named(bytes, name);
    assert_true(look_has(&l, rule));
    assert_false(is_unread(&l, rule));
    assert_true(l.verdict >= VERDICT_SUSPICIOUS);
}

static void a_pickle_that_cannot_be_followed_is_unread_from_there(void **state)
{
    (void)state;
    auto_buf b = BUF(4096), behind = BUF(4096), short_one = BUF(4096);
    buf_add(&b, "\x80\x02}r\x80\xf0\xfa\x02", 8); /* LONG_BINPUT 50000000 */
    buf_add_str(&b, CALL);
    buf_add(&behind, "\x80\x02}.", 4);
    buf_add_str(&behind, CALL);
    buf_add(&short_one, "\x80\x02}X\xff\0\0\0a", 9);
    stops(buf_span(&b), "model.pkl", "pickle-broken");
    stops(buf_span(&behind), "model.pkl", "pickle-trailing");
    stops(buf_span(&short_one), "model.pkl", "pickle-broken");
}

/* What is cut away may be the one that says so; then the count of the rest is what nobody can waive. */
static void findings_that_are_not_listed_say_so(void **state)
{
    (void)state;
    auto_buf b = BUF(1U << 20);
    buf_add(&b, "\x80\x02", 2);
    for (int i = 0; i < 100000; i++)
        buf_add(&b, "h\x09", 2); /* each is a finding: an entry of the memo that was never set */
    buf_add(&b, "r\x80\xf0\xfa\x02.", 6);
    auto_look l = look_named(buf_span(&b), "model.pkl");
    assert_true(look_has(&l, "more-findings"));
    assert_true(l.verdict >= VERDICT_SUSPICIOUS);
}

static void a_pickle_that_is_read_on_can_be_judged(void **state)
{
    (void)state;
    static const char unknown[] = "csklearn.linear_model\nRidge\n)R.", popped[] = "}}0.";
    goes_on(SPAN_LIT(unknown), "model.pkl", "pickle-name");
    goes_on(SPAN_LIT(popped), "model.pkl", "pickle-opcode");
}

static void a_zip_file_whose_members_are_not_reached_is_unread(void **state)
{
    (void)state;
    auto_buf two_cases = BUF(1U << 16), behind_file = BUF(1U << 16), sum = BUF(1U << 16), flags = BUF(1U << 16),
             link = BUF(1U << 16);
    zip_texts(&two_cases, "README.txt", "one\n", "readme.txt", "two\n", "evil.pkl", CALL, NULL);
    zip_texts(&behind_file, "a", "one\n", "a/b.txt", "two\n", "evil.pkl", CALL, NULL);
    struct zip_entry off = {.name = "evil.pkl", .text = CALL, .crc_off = 1};
    struct zip_entry odd = {.name = "evil.pkl", .text = CALL, .flags = 0x20, .local_flags = 0x20};
    struct zip_entry pipe = {.name = "evil.pkl", .text = CALL, .mode = 0010644};
    const struct zip_form form = {0};
    zip_write(&sum, &off, 1, &form);
    zip_write(&flags, &odd, 1, &form);
    zip_write(&link, &pipe, 1, &form);
    stops(buf_span(&two_cases), "files.zip", "zip-case");
    stops(buf_span(&behind_file), "files.zip", "zip-path");
    stops(buf_span(&sum), "files.zip", "zip-data");
    stops(buf_span(&flags), "files.zip", "zip-flags");
    stops(buf_span(&link), "files.zip", "zip-kind");
    stops(SPAN_LIT("PK\3\4 and nothing more"), "files.zip", "zip-broken");
}

static void a_zip_file_in_a_zip_file_is_read_on(void **state)
{
    (void)state;
    auto_buf inner = BUF(1U << 16), outer = BUF(1U << 16);
    zip_texts(&inner, "notes.txt", "one\n", NULL);
    const struct zip_entry entry = {.name = "inner.zip", .bytes = buf_span(&inner)};
    const struct zip_form form = {0};
    zip_write(&outer, &entry, 1, &form);
    goes_on(buf_span(&outer), "files.zip", "zip-nested");
}

static void an_archive_that_breaks_or_goes_on_behind_its_end_is_unread(void **state)
{
    (void)state;
    auto_buf tar = BUF(1U << 16), trailing = BUF(1U << 16), outside = BUF(1U << 16), zipped = BUF(1U << 16);
    tar_member(&tar, "a.txt", '0', 0644, "", SPAN_LIT("one\n"));
    size_t second = tar.len;
    tar_member(&tar, "evil.pkl", '0', 0644, "", span_str(CALL));
    tar_end(&tar);
    tar.ptr[second + 148] ^= 1; /* its checksum */
    tar_member(&trailing, "a.txt", '0', 0644, "", SPAN_LIT("one\n"));
    tar_end(&trailing);
    gzip(&zipped, buf_span(&trailing));
    buf_add_str(&zipped, CALL);
    tar_member(&outside, "../evil.pkl", '0', 0644, "", span_str(CALL));
    tar_end(&outside);
    stops(buf_span(&tar), "files.tar", "archive-broken");
    stops(buf_span(&zipped), "files.tar.gz", "archive-trailing");
    stops(buf_span(&outside), "files.tar", "tar-path");
    stops(SPAN_LIT("!<arch>\nno header of a member"), "lib.a", "archive-broken");
}

static void a_model_whose_header_is_broken_is_unread(void **state)
{
    (void)state;
    auto_buf gguf = BUF(4096), tensors = BUF(4096);
    gguf_begin(&gguf, 0, 1);
    put_le64(&gguf, UINT64_MAX);
    safetensors_file(&tensors, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8);
    stops(buf_span(&gguf), "model.gguf", "gguf-length");
    stops(buf_span(&tensors), "model.safetensors", "safetensors-trailing");
    stops(SPAN_LIT("\x93NUMPY\1\0\4\0{}\n "), "array.npy", "numpy-header");
    stops(SPAN_LIT("{\"a\": [1, 2"), "config.json", "json-broken");
    stops(SPAN_LIT("a: [1, 2\n"), "config.yaml", "yaml-broken");
}

static void what_a_member_leaves_unread_the_archive_leaves_unread(void **state)
{
    (void)state;
    auto_buf tar = BUF(1U << 16), zip = BUF(1U << 16);
    zip_texts(&zip, "README.txt", "one\n", "readme.txt", "two\n", "evil.pkl", CALL, NULL);
    tar_member(&tar, "files.zip", '0', 0644, "", buf_span(&zip));
    tar_end(&tar);
    stops(buf_span(&tar), "files.tar", "zip-case");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pickle_that_cannot_be_followed_is_unread_from_there),
        cmocka_unit_test(findings_that_are_not_listed_say_so),
        cmocka_unit_test(a_pickle_that_is_read_on_can_be_judged),
        cmocka_unit_test(a_zip_file_whose_members_are_not_reached_is_unread),
        cmocka_unit_test(a_zip_file_in_a_zip_file_is_read_on),
        cmocka_unit_test(an_archive_that_breaks_or_goes_on_behind_its_end_is_unread),
        cmocka_unit_test(a_model_whose_header_is_broken_is_unread),
        cmocka_unit_test(what_a_member_leaves_unread_the_archive_leaves_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
