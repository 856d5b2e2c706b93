/* Signed notes: what is taken, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/note.h"

static struct err e;

/* The example key of the signed-note document. */
static const char EXAMPLE[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

static void the_example_key_is_read_and_written_the_same(void **state)
{
    (void)state;
    auto_vkey v;
    auto_buf text = BUF(1000);

    assert_int_equal(vkey_parse(span_str(EXAMPLE), &v, &e), 0);
    assert_string_equal(v.name, "example.com/foo");
    vkey_write(&v, &text);

    assert_string_equal(buf_str(&text), EXAMPLE);
}

static void a_changed_key_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "exam ple.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_vkey v;
        assert_int_equal(vkey_parse(span_str(bad[i]), &v, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

struct signed_note {
    struct private_key *key;
    struct vkey vkey;
    struct buf note;
};

static int sign(void **state)
{
    static struct signed_note s;
    struct checkpoint c = {.origin = "airlock/demo/00", .size = 42, .root = digest_of(SPAN_LIT("x"))};
    s = (struct signed_note){.key = private_key_new(KEY_ED25519, &e), .note = BUF(10000)};
    *state = &s;
    return s.key && vkey_make(c.origin, private_key_public(s.key), &s.vkey, &e) == 0
               ? checkpoint_sign(&c, s.key, &s.note, &e)
               : -1;
}

static int drop(void **state)
{
    struct signed_note *s = *state;
    private_key_free(s->key);
    vkey_fini(&s->vkey);
    buf_fini(&s->note);
    return 0;
}

static void a_signed_checkpoint_verifies_and_reads_back(void **state)
{
    struct signed_note *s = *state;
    struct checkpoint c;
    struct digest root = digest_of(SPAN_LIT("x"));

    assert_int_equal(checkpoint_check(buf_span(&s->note), &s->vkey, &e), 0);
    assert_int_equal(checkpoint_parse(buf_span(&s->note), &c, &e), 0);

    assert_string_equal(c.origin, "airlock/demo/00");
    assert_int_equal(c.size, 42);
    assert_true(digest_equal(&c.root, &root));
}

static void no_byte_of_a_checkpoint_can_be_changed(void **state)
{
    struct signed_note *s = *state;
    for (size_t i = 0; i < s->note.len; i++) {
        s->note.ptr[i] ^= 1;
        assert_int_equal(checkpoint_check(buf_span(&s->note), &s->vkey, &e), -1);
        s->note.ptr[i] ^= 1;
        assert_int_equal(checkpoint_check(span_of(s->note.ptr, i), &s->vkey, &e), -1);
    }
    assert_int_equal(checkpoint_check(buf_span(&s->note), &s->vkey, &e), 0);
}

static void other_peoples_signatures_are_passed_over(void **state)
{
    struct signed_note *s = *state;
    buf_add_str(&s->note, "\xe2\x80\x94 witness.example AAAAAAAAAAAAAAAAAAAA\n");

    assert_int_equal(checkpoint_check(buf_span(&s->note), &s->vkey, &e), 0);
}

static void a_second_signature_of_ours_that_fails_spoils_the_note(void **state)
{
    struct signed_note *s = *state;
    auto_buf note = BUF(10000), line = BUF(1000);
    const char *start = strstr(buf_str(&s->note), "\n\n\xe2\x80\x94");
    buf_add_str(&line, start + 2);
    line.ptr[line.len - 10] ^= 1;
    buf_add_span(&note, buf_span(&s->note));
    buf_add_span(&note, buf_span(&line));

    assert_int_equal(checkpoint_check(buf_span(&note), &s->vkey, &e), -1);
}

static void another_key_of_the_same_name_does_not_verify(void **state)
{
    struct signed_note *s = *state;
    struct private_key *other = private_key_new(KEY_ED25519, &e);
    auto_vkey v;
    assert_int_equal(vkey_make("airlock/demo/00", private_key_public(other), &v, &e), 0);

    assert_int_equal(checkpoint_check(buf_span(&s->note), &v, &e), -1);

    assert_non_null(strstr(e.msg, "no signature"));
    private_key_free(other);
}

static void a_ledger_key_is_ed25519(void **state)
{
    (void)state;
    struct private_key *p256 = private_key_new(KEY_P256, &e);
    auto_buf text = BUF(1000);
    auto_vkey v;

    assert_int_equal(vkey_make("airlock/demo/00", private_key_public(p256), &v, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    private_key_free(p256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_key_is_read_and_written_the_same),
        cmocka_unit_test(a_changed_key_is_refused),
        cmocka_unit_test_setup_teardown(a_signed_checkpoint_verifies_and_reads_back, sign, drop),
        cmocka_unit_test_setup_teardown(no_byte_of_a_checkpoint_can_be_changed, sign, drop),
        cmocka_unit_test_setup_teardown(other_peoples_signatures_are_passed_over, sign, drop),
        cmocka_unit_test_setup_teardown(a_second_signature_of_ours_that_fails_spoils_the_note, sign, drop),
        cmocka_unit_test_setup_teardown(another_key_of_the_same_name_does_not_verify, sign, drop),
        cmocka_unit_test(a_ledger_key_is_ed25519),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
