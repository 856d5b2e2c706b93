/* Keys: which are read, how they are sealed, and that a signature is right for one message and one key only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trust/key.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/file.h"

static struct secret secret_of(const char *text)
{
    struct secret s = {.len = strlen(text)};
    memcpy(s.text, text, s.len);
    return s;
}

static struct private_key *new_key(enum key_kind kind)
{
    struct err e = {0};
    struct private_key *k = private_key_new(kind, &e);
    if (!k)
        fail_msg("%s", e.msg);
    return k;
}

static void signature_holds_for_its_message_and_key_only(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_ED25519; kind++) {
        auto_private_key k = new_key(kind);
        auto_private_key other = new_key(kind);
        const struct public_key *public = private_key_public(k);
        struct signature s;
        struct err e;

        assert_int_equal(key_sign(k, SPAN_LIT("message"), &s, &e), 0);
        struct span sig = span_of(s.bytes, s.len);

        assert_true(key_verify(public, SPAN_LIT("message"), sig));
        assert_false(key_verify(public, SPAN_LIT("messagf"), sig));
        assert_false(key_verify(private_key_public(other), SPAN_LIT("message"), sig));
        assert_false(key_verify(public, SPAN_LIT("message"), span_of(s.bytes, s.len - 1)));
        assert_false(key_verify(public, SPAN_LIT("message"), span_of(s.bytes, 0)));
        for (size_t i = 0; i < s.len; i++) {
            s.bytes[i] ^= 1;
            assert_false(key_verify(public, SPAN_LIT("message"), sig));
            s.bytes[i] ^= 1;
        }
        s.bytes[s.len] = 0; /* a byte behind the end */
        assert_false(key_verify(public, SPAN_LIT("message"), span_of(s.bytes, s.len + 1)));
    }
}

static void a_sealed_key_opens_with_its_passphrase_and_is_the_same_key(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_ED25519; kind++) {
        auto_private_key k = new_key(kind);
        auto_secret right = secret_of("correct horse"), wrong = secret_of("correct horsf");
        auto_buf pem = BUF(8192);
        struct err e;
        assert_int_equal(private_key_seal(k, &right, &pem, &e), 0);
        assert_true(span_starts(buf_span(&pem), SPAN_LIT("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")));

        int64_t before = clock_mono_ms();
        auto_private_key again = private_key_unseal(buf_span(&pem), &right, "file", &e);
        print_message("# unsealing took %lld ms\n", (long long)(clock_mono_ms() - before));
        assert_non_null(again);
        assert_true(digest_equal(public_key_id(private_key_public(k)), public_key_id(private_key_public(again))));

        assert_null(private_key_unseal(buf_span(&pem), &wrong, "file", &e));
        assert_int_equal(e.code, ERR_DENIED);
    }
}

static void sealing_twice_gives_other_bytes(void **state)
{
    (void)state;
    auto_private_key k = new_key(KEY_ED25519);
    auto_secret s = secret_of("x");
    auto_buf one = BUF(8192), two = BUF(8192);
    struct err e;

    assert_int_equal(private_key_seal(k, &s, &one, &e), 0);
    assert_int_equal(private_key_seal(k, &s, &two, &e), 0);

    assert_false(span_equal(buf_span(&one), buf_span(&two)));
}

static void a_key_is_not_sealed_with_nothing(void **state)
{
    (void)state;
    auto_private_key k = new_key(KEY_ED25519);
    auto_secret empty = {0};
    auto_buf pem = BUF(8192);
    struct err e;

    assert_int_equal(private_key_seal(k, &empty, &pem, &e), -1);

    assert_int_equal(pem.len, 0);
}

static void refuse_private(const char *pem, const char *in_message)
{
    auto_secret s = secret_of("secret");
    struct err e = {0};
    assert_null(private_key_unseal(span_str(pem), &s, "bob.key", &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "bob.key"));
    if (!strstr(e.msg, in_message))
        fail_msg("\"%s\" says nothing of \"%s\"", e.msg, in_message);
}

/* Made for this test: openssl genpkey -algorithm ed25519, plain and with -aes256 (PBES2 with PBKDF2), passphrase
 * "secret". */
static const char PLAIN[] = "-----BEGIN PRIVATE KEY-----\n"
                            "MC4CAQAwBQYDK2VwBCIEIBMTLTyKsF3rRUAJMvBwvjgd5A3ZI6AyJcjvuHgjl3oa\n"
                            "-----END PRIVATE KEY-----\n";
static const char PBKDF2[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                             "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAipE+ragSkjGwICCAAw\n"
                             "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAQWHniOmQswyodpStBl66QEQOAc\n"
                             "ebaoAxUm6wF0TgzHnurjRjB2RjH7NihprGSj5GtDChedCqXAwDQfK9Vhe8Tcij7k\n"
                             "8JOXFlc//LGcul4h4WQ=\n"
                             "-----END ENCRYPTED PRIVATE KEY-----\n";

static void an_unsealed_private_key_is_refused(void **state)
{
    (void)state;
    refuse_private(PLAIN, "no passphrase");
}

static void a_key_sealed_without_scrypt_is_refused_with_the_way_out(void **state)
{
    (void)state;
    refuse_private(PBKDF2, "-scrypt");
}

static void a_sealed_key_of_damaged_form_is_refused(void **state)
{
    (void)state;
    refuse_private("", "BEGIN ENCRYPTED PRIVATE KEY");
    refuse_private("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n", "ends without");
    refuse_private("-----BEGIN ENCRYPTED PRIVATE KEY-----\nA!AA\n-----END ENCRYPTED PRIVATE KEY-----\n", "base64");
    refuse_private("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "scrypt");
}

static void public_keys_survive_pem_and_have_the_id_of_their_der(void **state)
{
    (void)state;
    for (enum key_kind kind = KEY_P256; kind <= KEY_ED25519; kind++) {
        auto_private_key k = new_key(kind);
        auto_buf pem = BUF(1024), again = BUF(1024);
        struct err e;
        assert_int_equal(public_key_pem(private_key_public(k), &pem, &e), 0);

        auto_public_key read = public_key_parse(buf_span(&pem), "file", &e);

        assert_non_null(read);
        assert_int_equal(public_key_kind(read), kind);
        assert_true(digest_equal(public_key_id(read), public_key_id(private_key_public(k))));
        assert_int_equal(public_key_pem(read, &again, &e), 0);
        assert_true(span_equal(buf_span(&pem), buf_span(&again)));
    }
}

static void refuse_public(struct span pem)
{
    struct err e = {0};
    auto_public_key k = public_key_parse(pem, "bob.pub", &e);
    if (k)
        fail_msg("accepted: %.*s", (int)pem.len, (const char *)pem.ptr);
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "bob.pub"));
}

static void a_public_key_file_holds_one_key_and_nothing_else(void **state)
{
    (void)state;
    auto_private_key k = new_key(KEY_P256);
    auto_buf pem = BUF(1024), odd = BUF(4096);
    struct err e;
    assert_int_equal(public_key_pem(private_key_public(k), &pem, &e), 0);

    buf_add_span(&odd, buf_span(&pem));
    buf_add_span(&odd, buf_span(&pem));
    refuse_public(buf_span(&odd));
    buf_clear(&odd);
    buf_add_str(&odd, "Bob's key\n");
    buf_add_span(&odd, buf_span(&pem));
    refuse_public(buf_span(&odd));
    buf_clear(&odd);
    buf_add_span(&odd, buf_span(&pem));
    buf_add_byte(&odd, '\n');
    refuse_public(buf_span(&odd));
    refuse_public(span_of(pem.ptr, pem.len - 4));
    refuse_public(SPAN_LIT(""));
    refuse_public(SPAN_LIT("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"));
}

/* Made for this test with openssl: P-384; RSA of 2048 bits; P-256 with a compressed point, which would give one key a
 * second id. */
static const char *const OTHER_KINDS[] = {
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE1lFu33XVv6Twqh68Dqf809hlPvEoQIvz\n"
    "r8W0Le8fvwUiari7TR7nQZ96jm4VNV692wQucC4BQvuqfIVbNC2Pu7Fr3nxARLV0\n"
    "2BV+ctP2jqdtmXr6HN027lG7/QVE1qfr\n"
    "-----END PUBLIC KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApbVmm/6TWam1aru7gJwn\n"
    "pFvZfyAS/A6zazUIKyqWbkcy0NrS2CjYA9VojqMU+QpsWRX8Mp0xC0Lwi2ppPaJz\n"
    "U3sheQILBEPYIwXnqn/kBsRHbv8gOBY3t5y+jb9TxvrrfPc7l3JAqS/KTKAqfLTC\n"
    "WL8nAqzTtHqHhZcvZVuwv1/3qd26La44z1OW9xBFPcBKmbKIwKPFmdd+YXmoJVv+\n"
    "KvI10UtEnFdlCO4s4iG/ACNN8RmqHGA8Idiw8I1KisJ2TE40gWLk7v+ZAwUvUQSH\n"
    "YMAj2PNSVdUfAjHT9gmHjEtw4D6TO7Wp7JDZD8ogclTPMSP7YlreSDBDGc8tKMqb\n"
    "2wIDAQAB\n"
    "-----END PUBLIC KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n"
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAD0IxZlpW8Ryj4nhsqo//dgYBAYMwj\n"
    "FuGY/zVlimoIwHo=\n"
    "-----END PUBLIC KEY-----\n",
};

static void keys_of_another_kind_or_encoding_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(OTHER_KINDS); i++)
        refuse_public(span_str(OTHER_KINDS[i]));
}

static void a_point_that_is_not_on_the_curve_is_refused(void **state)
{
    (void)state;
    auto_private_key k = new_key(KEY_P256);
    auto_buf pem = BUF(1024), der = BUF(1024), off = BUF(1024);
    struct err e;
    assert_int_equal(public_key_pem(private_key_public(k), &pem, &e), 0);
    for (size_t i = 27; i < pem.len - 26; i++)
        if (pem.ptr[i] != '\n')
            buf_add_byte(&off, pem.ptr[i]);
    off.len -= off.len % 4;
    assert_true(base64_decode(buf_span(&off), false, &der));
    der.ptr[der.len - 1] ^= 1;

    buf_clear(&off);
    buf_add_str(&off, "-----BEGIN PUBLIC KEY-----\n");
    auto_buf text = BUF(1024);
    base64_encode(buf_span(&der), &text);
    buf_add(&off, text.ptr, 64);
    buf_add_byte(&off, '\n');
    buf_add(&off, text.ptr + 64, text.len - 64);
    buf_add_str(&off, "\n-----END PUBLIC KEY-----\n");
    refuse_public(buf_span(&off));
}

static void ed25519_points_of_small_order_are_refused_with_either_sign(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p: 0 in another spelling */
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p + 1 */
    };
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        uint8_t raw[32];
        struct err e = {0};
        assert_true(hex_decode(span_str(points[i]), raw, sizeof raw));
        assert_null(public_key_from_ed25519(raw, &e));
        assert_int_equal(e.code, ERR_INPUT);
        raw[31] |= 0x80;
        assert_null(public_key_from_ed25519(raw, &e));
    }
}

static void a_passphrase_is_the_first_line_of_its_file(void **state)
{
    (void)state;
    char path[] = "/tmp/airlock-secret-XXXXXX";
    auto_fd fd = mkstemp(path);
    auto_secret s = {0};
    struct err e;
    assert_true(fd >= 0);

    assert_int_equal(write(fd, "open sesame\nsecond", 18), 18);
    assert_int_equal(secret_from_file(path, &s, &e), 0);
    assert_string_equal(s.text, "open sesame");
    assert_int_equal(s.len, 11);

    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(secret_from_file(path, &s, &e), -1);
    assert_int_equal(e.code, ERR_INPUT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(secret_from_file(path, &s, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_holds_for_its_message_and_key_only),
        cmocka_unit_test(a_sealed_key_opens_with_its_passphrase_and_is_the_same_key),
        cmocka_unit_test(sealing_twice_gives_other_bytes),
        cmocka_unit_test(a_key_is_not_sealed_with_nothing),
        cmocka_unit_test(an_unsealed_private_key_is_refused),
        cmocka_unit_test(a_key_sealed_without_scrypt_is_refused_with_the_way_out),
        cmocka_unit_test(a_sealed_key_of_damaged_form_is_refused),
        cmocka_unit_test(public_keys_survive_pem_and_have_the_id_of_their_der),
        cmocka_unit_test(a_public_key_file_holds_one_key_and_nothing_else),
        cmocka_unit_test(keys_of_another_kind_or_encoding_are_refused),
        cmocka_unit_test(a_point_that_is_not_on_the_curve_is_refused),
        cmocka_unit_test(ed25519_points_of_small_order_are_refused_with_either_sign),
        cmocka_unit_test(a_passphrase_is_the_first_line_of_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
