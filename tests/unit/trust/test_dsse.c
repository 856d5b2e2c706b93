/* DSSE envelopes and Statements: what is believed, and what is not (threats T1.3, T1.4, T1.8, T8.49–51). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parser.h"
#include "trust/statement.h"
#include "util/encode.h"
#include "util/limits.h"

#define KEYS 3

static struct child *parser;
static struct private_key *signer[KEYS];
static const struct public_key *trusted[KEYS];

static int set_up(void **state)
{
    (void)state;
    struct err e;
    parser = parser_start();
    for (size_t i = 0; i < KEYS; i++) {
        signer[i] = private_key_new(i == 1 ? KEY_ED25519 : KEY_P256, &e);
        trusted[i] = private_key_public(signer[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        private_key_free(signer[i]);
    child_stop(parser);
    return 0;
}

static void sign(const char *type, const char *payload, size_t by, struct buf *out)
{
    struct err e;
    if (dsse_sign(type, span_str(payload), signer[by], out, &e) < 0)
        fail_msg("%s", e.msg);
}

/* "sig":"…" of an envelope that dsse_sign wrote. */
static void signature_of(struct buf *envelope, char *out, size_t room)
{
    const char *at = strstr(buf_str(envelope), "\"sig\":\"");
    assert_non_null(at);
    size_t len = strcspn(at + 7, "\"");
    assert_true(len < room);
    memcpy(out, at + 7, len);
    out[len] = '\0';
}

/* An envelope over base64 "payload" of DSSE_INTOTO_TYPE with these members of "signatures". */
static void envelope_with(const char *base64, const char *signatures, struct buf *out)
{
    buf_printf(out, "{\"payload\":\"%s\",\"payloadType\":\"" DSSE_INTOTO_TYPE "\",\"signatures\":[%s]}", base64,
               signatures);
}

static int verify(struct buf *envelope, unsigned threshold, struct buf *payload, uint64_t *who, struct err *e)
{
    return dsse_verify(parser, buf_span(envelope), DSSE_INTOTO_TYPE, trusted, KEYS, threshold, payload, who, e);
}

static void expect_refused(struct buf *envelope, unsigned threshold)
{
    auto_buf payload = BUF(1024);
    struct err e = {0};
    assert_int_equal(verify(envelope, threshold, &payload, NULL, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_int_equal(payload.len, 0);
}

static void an_envelope_gives_the_signed_bytes_and_says_who_signed(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        auto_buf envelope = BUF(4096), payload = BUF(1024);
        uint64_t who = 0;
        struct err e = {0};
        sign(DSSE_INTOTO_TYPE, "{\"a\": \"\xc3\xa9\\n\"}", i, &envelope);
        assert_null(memchr(envelope.ptr, '\n', envelope.len));

        assert_int_equal(verify(&envelope, 1, &payload, &who, &e), 0);

        assert_true(span_equal_str(buf_span(&payload), "{\"a\": \"\xc3\xa9\\n\"}"));
        assert_int_equal(who, 1U << i);
    }
}

static void an_empty_payload_is_signed_too(void **state)
{
    (void)state;
    auto_buf envelope = BUF(4096), payload = BUF(1024);
    struct err e = {0};
    sign(DSSE_INTOTO_TYPE, "", 0, &envelope);

    assert_int_equal(verify(&envelope, 1, &payload, NULL, &e), 0);

    assert_int_equal(payload.len, 0);
}

static void a_changed_payload_is_refused(void **state)
{
    (void)state;
    auto_buf envelope = BUF(4096), changed = BUF(4096);
    char sig[200], member[300];
    sign(DSSE_INTOTO_TYPE, "hello", 0, &envelope);
    signature_of(&envelope, sig, sizeof sig);
    snprintf(member, sizeof member, "{\"sig\":\"%s\"}", sig);

    envelope_with("aGVsbG8=", member, &changed); /* hello */
    auto_buf payload = BUF(64);
    struct err e;
    assert_int_equal(verify(&changed, 1, &payload, NULL, &e), 0);

    buf_clear(&changed);
    envelope_with("aGVsbG9=", member, &changed); /* "hello" with unused bits that are not zero */
    expect_refused(&changed, 1);
    buf_clear(&changed);
    envelope_with("aGVsbGk=", member, &changed); /* helli */
    expect_refused(&changed, 1);
}

static void T1_3_one_key_counts_once_however_often_it_signs(void **state)
{
    (void)state;
    auto_buf one = BUF(4096), two = BUF(4096), both = BUF(8192);
    char a[200], b[200], members[800];
    sign(DSSE_INTOTO_TYPE, "hello", 0, &one);
    sign(DSSE_INTOTO_TYPE, "hello", 0, &two); /* ECDSA: another signature of the same key */
    signature_of(&one, a, sizeof a);
    signature_of(&two, b, sizeof b);
    assert_string_not_equal(a, b);
    snprintf(members, sizeof members,
             "{\"sig\":\"%s\",\"keyid\":\"x\"},{\"sig\":\"%s\",\"keyid\":\"y\"},{\"sig\":\"%s\"}", a, b, a);
    envelope_with("aGVsbG8=", members, &both);

    expect_refused(&both, 2);

    /* the same key twice among the trusted ones is one key, too */
    const struct public_key *same[] = {trusted[0], trusted[0]};
    auto_buf payload = BUF(64);
    struct err e = {0};
    assert_int_equal(dsse_verify(parser, buf_span(&both), DSSE_INTOTO_TYPE, same, 2, 2, &payload, NULL, &e), -1);
}

static void T1_4_a_bad_signature_among_good_ones_is_skipped(void **state)
{
    (void)state;
    auto_buf one = BUF(4096), two = BUF(4096), both = BUF(8192), payload = BUF(64);
    char a[200], b[200], members[800];
    uint64_t who = 0;
    struct err e = {0};
    sign(DSSE_INTOTO_TYPE, "hello", 0, &one);
    sign(DSSE_INTOTO_TYPE, "hello", 1, &two);
    signature_of(&one, a, sizeof a);
    signature_of(&two, b, sizeof b);
    snprintf(members, sizeof members, "{\"sig\":\"\"},{\"sig\":\"AAAA\",\"more\":1},{\"sig\":\"%s\"},{\"sig\":\"%s\"}",
             a, b);
    envelope_with("aGVsbG8=", members, &both);

    assert_int_equal(verify(&both, 2, &payload, &who, &e), 0);

    assert_int_equal(who, 3);
    expect_refused(&both, 3);
}

static void a_threshold_of_none_is_never_met(void **state)
{
    (void)state;
    auto_buf envelope = BUF(4096);
    envelope_with("aGVsbG8=", "", &envelope);

    expect_refused(&envelope, 0);
    expect_refused(&envelope, 1);
}

static void T1_8_the_payload_type_is_part_of_what_is_signed(void **state)
{
    (void)state;
    auto_buf envelope = BUF(4096), swapped = BUF(4096);
    char sig[200], member[300];
    sign("application/json", "hello", 0, &envelope);
    expect_refused(&envelope, 1); /* signed by a trusted key, for another purpose */
    signature_of(&envelope, sig, sizeof sig);
    snprintf(member, sizeof member, "{\"sig\":\"%s\"}", sig);
    envelope_with("aGVsbG8=", member, &swapped);

    expect_refused(&swapped, 1);
}

static void T1_8_a_signature_over_the_raw_payload_is_refused(void **state)
{
    (void)state;
    static const char *const signed_instead[] = {"hello", "DSSEV1 28 " DSSE_INTOTO_TYPE " 5 hello",
                                                 "DSSEv1 028 " DSSE_INTOTO_TYPE " 5 hello",
                                                 "DSSEv1 28  " DSSE_INTOTO_TYPE " 5 hello"};
    for (size_t i = 0; i < ARRAY_LEN(signed_instead); i++) {
        struct signature s;
        struct err e;
        auto_buf text = BUF(200), member = BUF(300), envelope = BUF(4096);
        assert_int_equal(key_sign(signer[0], span_str(signed_instead[i]), &s, &e), 0);
        base64_encode(span_of(s.bytes, s.len), &text);
        buf_printf(&member, "{\"sig\":\"%s\"}", buf_str(&text));
        envelope_with("aGVsbG8=", buf_str(&member), &envelope);

        expect_refused(&envelope, 1);
    }
}

static void T8_malformed_envelopes_are_refused_as_such(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"payload\":\"\",\"payloadType\":\"t\"}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":{}}",
        "{\"payload\":\"\",\"payloadType\":7,\"signatures\":[]}",
        "{\"payload\":null,\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}x",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}{}",
        "\xef\xbb\xbf{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"\",\"paylo\\u0061d\":\"\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"a\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"YQ\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"YQ=\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"YQ ==\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"YQ==\\n\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payloadType\":\"t\\n\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[1]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AA=A\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\",\"keyid\":1}]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_buf payload = BUF(64);
        struct err e = {0};
        if (dsse_verify(parser, span_str(bad[i]), "t", trusted, KEYS, 1, &payload, NULL, &e) == 0)
            fail_msg("accepted: %s", bad[i]);
        if (e.code != ERR_INPUT || strstr(e.msg, "trusted keys signed"))
            fail_msg("%s: %s", bad[i], e.msg);
    }
}

static void T8_51_either_alphabet_of_base64_is_read(void **state)
{
    (void)state;
    static const char payload_text[] = "\x3f\x3f\x3f>>>~~~";
    static const char *const spellings[] = {"Pz8/Pj4+fn5+", "Pz8_Pj4-fn5-"};
    auto_buf signed_by_us = BUF(4096);
    char sig[200], member[300];
    sign(DSSE_INTOTO_TYPE, payload_text, 1, &signed_by_us);
    signature_of(&signed_by_us, sig, sizeof sig);
    snprintf(member, sizeof member, "{\"sig\":\"%s\"}", sig);

    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        auto_buf envelope = BUF(4096), payload = BUF(64);
        struct err e = {0};
        envelope_with(spellings[i], member, &envelope);
        assert_int_equal(verify(&envelope, 1, &payload, NULL, &e), 0);
        assert_true(span_equal_str(buf_span(&payload), payload_text));
    }
}

static void T5_32_a_million_signatures_are_not_tried(void **state)
{
    (void)state;
    auto_buf members = BUF(1U << 20), envelope = BUF(2U << 20), payload = BUF(64);
    struct err e = {0};
    for (size_t i = 0; i <= LIMIT_SIGNATURES; i++)
        buf_add_str(&members, i ? ",{\"sig\":\"\"}" : "{\"sig\":\"\"}");
    envelope_with("aGVsbG8=", buf_str(&members), &envelope);

    assert_int_equal(verify(&envelope, 1, &payload, NULL, &e), -1);

    assert_int_equal(e.code, ERR_LIMIT);
}

/* ── statements ── */

static const char SUBJECT_HEX[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

static struct digest subject(void)
{
    return digest_of(SPAN_LIT("test"));
}

static void a_statement_comes_back_with_subject_and_predicate(void **state)
{
    (void)state;
    struct digest d = subject(), id;
    struct err e = {0};
    auto_buf line = BUF(4096);
    assert_int_equal(
        statement_sign("assistant", &d, PREDICATE_SCAN, SPAN_LIT("{\"result\":\"PASSED\"}"), signer[0], &line, &id, &e),
        0);
    struct digest of_line = digest_of(buf_span(&line));
    assert_true(digest_equal(&id, &of_line));

    auto_statement s;
    assert_int_equal(statement_verify(parser, buf_span(&line), trusted, KEYS, &d, PREDICATE_SCAN, &s, &e), 0);

    assert_string_equal(digest_hex(&s.subject).text, SUBJECT_HEX);
    assert_string_equal(s.predicate_type, PREDICATE_SCAN);
    assert_string_equal(json_get_string(s.predicate, "result", ""), "PASSED");
    assert_int_equal(s.signers, 1);
}

static void a_statement_of_another_subject_predicate_or_key_is_refused(void **state)
{
    (void)state;
    struct digest d = subject(), other = digest_of(SPAN_LIT("other"));
    struct err e = {0};
    auto_buf line = BUF(4096);
    auto_statement s = {0};
    assert_int_equal(statement_sign("a", &d, PREDICATE_SCAN, SPAN_LIT("{}"), signer[0], &line, NULL, &e), 0);

    assert_int_equal(statement_verify(parser, buf_span(&line), trusted, KEYS, &other, NULL, &s, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_null(s.root);
    assert_int_equal(statement_verify(parser, buf_span(&line), trusted, KEYS, NULL, PREDICATE_SILENCE, &s, &e), -1);
    assert_int_equal(statement_verify(parser, buf_span(&line), trusted + 1, KEYS - 1, NULL, NULL, &s, &e), -1);
    assert_int_equal(statement_verify(parser, buf_span(&line), trusted, KEYS, NULL, NULL, &s, &e), 0);
}

#define RIGHT_SUBJECT                                                                                  \
    "\"subject\":[{\"digest\":{\"sha256\":"                                                            \
    "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}}],\"predicateType\":\"p\"," \
    "\"predicate\":{}}"

static void a_signed_payload_that_is_no_statement_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"_type\":\"https://in-toto.io/Statement/v0.1\"," RIGHT_SUBJECT,
        "{\"_type\":\"" STATEMENT_TYPE "\",\"subject\":[],\"predicateType\":\"p\",\"predicate\":{}}",
        "{\"_type\":\"" STATEMENT_TYPE "\",\"subject\":[{\"name\":\"x\"}],\"predicateType\":\"p\",\"predicate\":{}}",
        "{\"_type\":\"" STATEMENT_TYPE
        "\",\"subject\":[{\"digest\":{\"sha1\":\"00\"}}],\"predicateType\":\"p\",\"predicate\":{}}",
        "{\"_type\":\"" STATEMENT_TYPE
        "\",\"subject\":[{\"digest\":{\"sha256\":\"XY\"}}],\"predicateType\":\"p\",\"predicate\":{}}",
        "{\"_type\":\"" STATEMENT_TYPE "\",\"_type\":\"" STATEMENT_TYPE
        "\",\"subject\":[],\"predicateType\":\"p\",\"predicate\":{}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_buf line = BUF(4096);
        struct err e = {0};
        auto_statement s = {0};
        sign(DSSE_INTOTO_TYPE, bad[i], 0, &line);
        if (statement_verify(parser, buf_span(&line), trusted, KEYS, NULL, NULL, &s, &e) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_gives_the_signed_bytes_and_says_who_signed),
        cmocka_unit_test(an_empty_payload_is_signed_too),
        cmocka_unit_test(a_changed_payload_is_refused),
        cmocka_unit_test(T1_3_one_key_counts_once_however_often_it_signs),
        cmocka_unit_test(T1_4_a_bad_signature_among_good_ones_is_skipped),
        cmocka_unit_test(a_threshold_of_none_is_never_met),
        cmocka_unit_test(T1_8_the_payload_type_is_part_of_what_is_signed),
        cmocka_unit_test(T1_8_a_signature_over_the_raw_payload_is_refused),
        cmocka_unit_test(T8_malformed_envelopes_are_refused_as_such),
        cmocka_unit_test(T8_51_either_alphabet_of_base64_is_read),
        cmocka_unit_test(T5_32_a_million_signatures_are_not_tried),
        cmocka_unit_test(a_statement_comes_back_with_subject_and_predicate),
        cmocka_unit_test(a_statement_of_another_subject_predicate_or_key_is_refused),
        cmocka_unit_test(a_signed_payload_that_is_no_statement_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
