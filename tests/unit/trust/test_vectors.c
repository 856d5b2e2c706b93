/* Signatures against the vectors of others: Wycheproof (C2SP), the Ed25519 edge cases of CCTV, the vector of DSSE's own
 * specification. Threat T1.5. */
#include "corpus.h"

#include <string.h>

#include "parser.h"
#include "trust/dsse.h"
#include "trust/dsse_parts.h"
#include "util/encode.h"

static void decode_hex(const char *text, struct buf *out)
{
    buf_clear(out);
    uint8_t *room = buf_room(out, strlen(text) / 2 + 1);
    assert_non_null(room);
    assert_true(hex_decode(span_str(text), room, strlen(text) / 2));
    buf_grown(out, strlen(text) / 2);
}

static struct public_key *key_of_group(const json_t *group)
{
    struct err e = {0};
    struct public_key *k = public_key_parse(span_str(json_get_string(group, "publicKeyPem", "")), "group", &e);
    if (!k) { /* some of the files end without a newline or with two; the DER says the same */
        auto_buf der = BUF(1024), pem = BUF(2048);
        decode_hex(json_get_string(group, "publicKeyDer", ""), &der);
        buf_add_str(&pem, "-----BEGIN PUBLIC KEY-----\n");
        auto_buf text = BUF(2048);
        base64_encode(buf_span(&der), &text);
        struct span rest = buf_span(&text), line;
        while (rest.len && span_take(&rest, rest.len < 64 ? rest.len : 64, &line)) {
            buf_add_span(&pem, line);
            buf_add_byte(&pem, '\n');
        }
        buf_add_str(&pem, "-----END PUBLIC KEY-----\n");
        k = public_key_parse(buf_span(&pem), "group", &e);
    }
    if (!k)
        fail_msg("%s", e.msg);
    return k;
}

static bool verifies(const struct public_key *k, struct span message, struct span sig, bool rs)
{
    struct signature der;
    if (!rs)
        return key_verify(k, message, sig);
    return signature_from_rs(sig, &der) && key_verify(k, message, span_of(der.bytes, der.len));
}

/* Runs one file; every case must come out as the file says. */
static void run_wycheproof(const char *member, bool rs, size_t expected)
{
    auto_json j = corpus_json(member);
    auto_buf message = BUF(1U << 20), sig = BUF(1U << 16);
    size_t g, t, count = 0;
    json_t *group, *test;
    json_array_foreach(json_object_get(j, "testGroups"), g, group)
    {
        auto_public_key k = key_of_group(group);
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            bool wanted = strcmp(json_get_string(test, "result", ""), "valid") == 0;
            decode_hex(json_get_string(test, "msg", ""), &message);
            decode_hex(json_get_string(test, "sig", ""), &sig);
            if (verifies(k, buf_span(&message), buf_span(&sig), rs) != wanted)
                fail_msg("%s: case %lld (%s) came out wrong", member, json_integer_value(json_object_get(test, "tcId")),
                         json_get_string(test, "comment", ""));
            count++;
        }
    }
    assert_int_equal(count, expected);
}

static void T1_5_wycheproof_ed25519(void **state)
{
    (void)state;
    NEED_CORPUS();
    run_wycheproof("trust/wycheproof/ed25519_test.json", false, 151);
}

static void T1_5_wycheproof_p256_in_der(void **state)
{
    (void)state;
    NEED_CORPUS();
    run_wycheproof("trust/wycheproof/ecdsa_secp256r1_sha256_test.json", false, 484);
}

static void T1_5_wycheproof_p256_as_r_and_s(void **state)
{
    (void)state;
    NEED_CORPUS();
    run_wycheproof("trust/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", true, 262);
}

static bool has_flag(const json_t *vector, const char *flag)
{
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(vector, "flags"), i,
                       value) if (strcmp(json_string_value(value), flag) == 0) return true;
    return false;
}

/* Every key of small order and every key in a non-canonical encoding is refused when it is read, whatever the
 * signature. */
static void T1_5_cctv_no_ed25519_key_of_small_order_is_read(void **state)
{
    (void)state;
    NEED_CORPUS();
    auto_json all = corpus_json("trust/cctv/ed25519vectors.json");
    size_t i, refused = 0, verified = 0;
    json_t *vector;
    json_array_foreach(all, i, vector)
    {
        uint8_t raw[32];
        struct err e = {0};
        auto_buf sig = BUF(256);
        assert_true(hex_decode(span_str(json_get_string(vector, "key", "")), raw, sizeof raw));
        auto_public_key k = public_key_from_ed25519(raw, &e);
        bool bad = has_flag(vector, "low_order_A") || has_flag(vector, "non_canonical_A");
        if (bad != (k == NULL))
            fail_msg("vector %zu: the key was %s", i, k ? "accepted" : e.msg);
        refused += !k;
        decode_hex(json_get_string(vector, "sig", ""), &sig);
        bool right = k && key_verify(k, span_str(json_get_string(vector, "msg", "")), buf_span(&sig));
        if (right && (has_flag(vector, "low_order_residue") || has_flag(vector, "non_canonical_R")))
            fail_msg("vector %zu: verifies only by a formula that is not OpenSSL's", i);
        verified += right;
    }
    print_message("# %zu vectors: %zu keys refused, %zu signatures right\n", i, refused, verified);
    assert_int_equal(i, 914);
    assert_true(refused > 0 && verified > 0);
}

static void dsse_published_vector_verifies_where_r_and_s_are_allowed(void **state)
{
    (void)state;
    NEED_CORPUS();
    auto_child parser = parser_start();
    auto_buf pem = BUF(4096);
    struct err e = {0};
    corpus_read("trust/dsse/public.pem", &pem);
    auto_json vector = corpus_json("trust/dsse/vector.json");
    auto_public_key key = public_key_parse(buf_span(&pem), "public.pem", &e);
    assert_non_null(key);
    auto_free char *envelope = json_dumps(json_object_get(vector, "envelope"), JSON_COMPACT);

    auto_dsse_parts parts;
    assert_int_equal(dsse_take_apart(parser, span_str(envelope), &parts, &e), 0);

    assert_true(span_equal_str(buf_span(&parts.pae), json_get_string(vector, "pae", "")));
    assert_true(span_equal_str(parts.payload, "hello world"));
    assert_true(dsse_signed_by(&parts, key, DSSE_DER_OR_RS));
    assert_false(dsse_signed_by(&parts, key, DSSE_DER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T1_5_wycheproof_ed25519),
        cmocka_unit_test(T1_5_wycheproof_p256_in_der),
        cmocka_unit_test(T1_5_wycheproof_p256_as_r_and_s),
        cmocka_unit_test(T1_5_cctv_no_ed25519_key_of_small_order_is_read),
        cmocka_unit_test(dsse_published_vector_verifies_where_r_and_s_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
