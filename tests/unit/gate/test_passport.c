/* A passport verified with keys alone: each line that was removed, changed or put in is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gate/passport.h"
#include "parse/ops.h"

#define INPUTS 4

static struct child *parser;
static struct private_key *contour, *station, *sofia, *mallory;
static struct digest release, policy;
static char *lines[INPUTS + 1]; /* the last is the closing verdict */
static struct digest ids[INPUTS + 1];

static struct private_key *new_key(void)
{
    struct err e = {0};
    struct private_key *k = private_key_new(KEY_P256, &e);
    assert_non_null(k);
    return k;
}

static char *signed_line(const struct private_key *key, const struct digest *subject, const char *type,
                         const char *predicate, struct digest *id)
{
    struct err e = {0};
    auto_buf envelope = BUF(65536);
    if (statement_sign("assistant:v1.0.0", subject, type, span_str(predicate), key, &envelope, id, &e) < 0)
        fail_msg("%s", e.msg);
    return buf_steal_str(&envelope);
}

static char *verdict_over(const struct private_key *key, size_t count, const char *result, struct digest *id)
{
    auto_buf predicate = BUF(65536);
    buf_printf(&predicate,
               "{\"verificationResult\":\"%s\",\"policy\":{\"digest\":{\"sha256\":\"%s\"}},\"inputAttestations\":[",
               result, digest_hex(&policy).text);
    for (size_t i = 0; i < count; i++)
        buf_printf(&predicate, "%s{\"digest\":{\"sha256\":\"%s\"}}", i ? "," : "", digest_hex(&ids[i]).text);
    buf_add_str(&predicate, "]}");
    return signed_line(key, &release, PREDICATE_VSA, buf_str(&predicate), id);
}

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    parser = child_start(ROLE_PARSE, &e);
    contour = new_key();
    station = new_key();
    sofia = new_key();
    mallory = new_key();
    release = digest_of(SPAN_LIT("release"));
    policy = digest_of(SPAN_LIT("policy"));
    lines[0] = signed_line(contour, &release, "urn:airlock:receipt:v1", "{}", &ids[0]);
    lines[1] = signed_line(station, &release, PREDICATE_PROVENANCE, "{}", &ids[1]);
    lines[2] = signed_line(contour, &release, PREDICATE_SCAN, "{\"result\":\"PASSED\"}", &ids[2]);
    lines[3] = signed_line(sofia, &release, PREDICATE_APPROVAL, "{\"decision\":\"APPROVE\"}", &ids[3]);
    lines[4] = verdict_over(contour, INPUTS, "PASSED", &ids[4]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        free(lines[i]);
    struct private_key *keys[] = {contour, station, sofia, mallory};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        private_key_free(keys[i]);
    child_stop(parser);
    return 0;
}

static void join(char *const list[], size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s\n", list[i]);
}

static int verify(const struct buf *file, const struct digest *wanted_policy, const struct digest *wanted_release,
                  struct buf *report)
{
    struct err e = {0};
    const struct public_key *keys[] = {private_key_public(contour), private_key_public(station),
                                       private_key_public(sofia)};
    struct passport_check c = {
        .parser = parser, .keys = keys, .key_count = 3, .policy = wanted_policy, .release = wanted_release};
    int result = passport_verify(buf_span(file), "passport", &c, report, &e);
    if (result < 0)
        fail_msg("%s", e.msg);
    return result;
}

static void refused_with(char *const list[], size_t count, const char *words)
{
    auto_buf file = BUF(1 << 20), report = BUF(1 << 20);
    join(list, count, &file);
    assert_int_equal(verify(&file, NULL, NULL, &report), 0);
    if (!strstr(buf_str(&report), words))
        fail_msg("wanted \"%s\", found \"%s\"", words, buf_str(&report));
}

static void a_whole_passport_holds(void **state)
{
    (void)state;
    auto_buf file = BUF(1 << 20), report = BUF(1 << 20);
    join(lines, 5, &file);
    assert_int_equal(verify(&file, &policy, &release, &report), 1);
    assert_string_equal(buf_str(&report), "");
}

static void a_removed_line_is_named(void **state)
{
    (void)state;
    char *list[] = {lines[0], lines[1], lines[3], lines[4]};
    auto_buf words = BUF(256);
    buf_printf(&words, "attestation 3 of the closing verdict, %s, is not in the file", digest_text(&ids[2]).text);
    refused_with(list, 4, buf_str(&words));
}

static void a_changed_line_is_named(void **state)
{
    (void)state;
    char *changed = strdup(lines[1]);
    char *at = strstr(changed, "\"payload\":\"") + 20;
    *at = *at == 'A' ? 'B' : 'A';
    char *list[] = {lines[0], changed, lines[2], lines[3], lines[4]};
    refused_with(list, 5, "line 2 (");
    refused_with(list, 5, "attestation 2 of the closing verdict");
    free(changed);
}

static void a_line_that_was_put_in_is_named_even_when_it_is_well_signed(void **state)
{
    (void)state;
    char *more = signed_line(contour, &release, PREDICATE_SCAN, "{\"result\":\"FAILED\"}", NULL);
    char *list[] = {lines[0], lines[1], lines[2], lines[3], more, lines[4]};
    refused_with(list, 6, "line 5 (");
    refused_with(list, 6, "does not list it");
    free(more);
}

static void a_line_by_a_key_that_is_not_given_is_named(void **state)
{
    (void)state;
    char *saved = lines[1];
    struct digest saved_id = ids[1], id;
    lines[1] = signed_line(mallory, &release, PREDICATE_PROVENANCE, "{}", &ids[1]);
    char *closing = verdict_over(contour, INPUTS, "PASSED", &id);
    char *list[] = {lines[0], lines[1], lines[2], lines[3], closing};
    refused_with(list, 5, "line 2 (");
    free(lines[1]);
    free(closing);
    lines[1] = saved;
    ids[1] = saved_id;
}

static void a_repeated_line_is_named(void **state)
{
    (void)state;
    char *list[] = {lines[0], lines[1], lines[1], lines[2], lines[3], lines[4]};
    refused_with(list, 6, "line 3 repeats line 2");
}

static void a_verdict_that_is_not_passed_does_not_hold(void **state)
{
    (void)state;
    struct digest id;
    char *closing = verdict_over(contour, INPUTS, "FAILED", &id);
    char *list[] = {lines[0], lines[1], lines[2], lines[3], closing};
    refused_with(list, 5, "the closing verdict is FAILED");
    free(closing);
}

static void a_passport_without_its_verdict_is_none(void **state)
{
    (void)state;
    refused_with(lines, 4, "line 4: wanted the closing verdict");
}

static void the_contours_key_cannot_sign_for_a_person(void **state)
{
    (void)state;
    struct digest saved_id = ids[3], id;
    char *forged = signed_line(contour, &release, PREDICATE_APPROVAL, "{\"decision\":\"APPROVE\"}", &ids[3]);
    char *closing = verdict_over(contour, INPUTS, "PASSED", &id);
    char *list[] = {lines[0], lines[1], lines[2], forged, closing};
    refused_with(list, 5, "line 4: a person's statement is signed with the contour's key");
    free(forged);
    free(closing);
    ids[3] = saved_id;
}

static void a_station_cannot_close_a_passport_over_the_contours_lines(void **state)
{
    (void)state;
    struct digest id;
    char *closing = verdict_over(station, INPUTS, "PASSED", &id);
    char *list[] = {lines[0], lines[1], lines[2], lines[3], closing};
    refused_with(list, 5, "is signed with another key than the closing verdict");
    free(closing);
}

static void another_release_or_policy_is_said(void **state)
{
    (void)state;
    const struct digest other = digest_of(SPAN_LIT("other"));
    auto_buf file = BUF(1 << 20), report = BUF(1 << 20);
    join(lines, 5, &file);
    assert_int_equal(verify(&file, &other, NULL, &report), 0);
    assert_non_null(strstr(buf_str(&report), "was made under policy"));
    buf_clear(&report);
    assert_int_equal(verify(&file, NULL, &other, &report), 0);
    assert_non_null(strstr(buf_str(&report), "the passport is of"));
}

static void an_empty_file_and_one_of_nonsense_do_not_hold(void **state)
{
    (void)state;
    char *nonsense[] = {(char *)"{\"payload\":1}", (char *)"no JSON at all"};
    auto_buf empty = BUF(16), report = BUF(4096);
    assert_int_equal(verify(&empty, NULL, NULL, &report), 0);
    refused_with(nonsense, 2, "line 1 (");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_passport_holds),
        cmocka_unit_test(a_removed_line_is_named),
        cmocka_unit_test(a_changed_line_is_named),
        cmocka_unit_test(a_line_that_was_put_in_is_named_even_when_it_is_well_signed),
        cmocka_unit_test(a_line_by_a_key_that_is_not_given_is_named),
        cmocka_unit_test(a_repeated_line_is_named),
        cmocka_unit_test(a_verdict_that_is_not_passed_does_not_hold),
        cmocka_unit_test(a_passport_without_its_verdict_is_none),
        cmocka_unit_test(the_contours_key_cannot_sign_for_a_person),
        cmocka_unit_test(a_station_cannot_close_a_passport_over_the_contours_lines),
        cmocka_unit_test(another_release_or_policy_is_said),
        cmocka_unit_test(an_empty_file_and_one_of_nonsense_do_not_hold),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
