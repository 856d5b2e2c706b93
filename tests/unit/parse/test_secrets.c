/* Credentials in texts: what is found, what is no credential, what a finding weighs where, and that none says the
 * value. Every token here is put together by the test: no file of this project holds one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "look.h"
#include "parse/secrets.h"
#include "util/encode.h"

/* ── makers ── */

/* Characters that look like chance, the same at each run. */
static const char *chance(size_t len, const char *alphabet, unsigned seed)
{
    static char text[257];
    uint64_t state = 88172645463325252ULL + seed * 7919U;
    for (size_t i = 0; i < len; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text[i] = alphabet[state % strlen(alphabet)];
    }
    text[len] = '\0';
    return text;
}

#define BASE62 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define URL64  BASE62 "-_"
#define HEX    "0123456789abcdef"

/* The form with the checksum at its end. */
static void checked_token(char *out, size_t size, const char *prefix, bool right)
{
    char tail[7] = {0};
    const char *body = chance(30, BASE62, 1);
    unsigned long crc = crc32(0, (const Bytef *)body, 30) ^ (right ? 0 : 1);
    for (int i = 5; i >= 0; i--, crc /= 62)
        tail[i] = BASE62[crc % 62];
    snprintf(out, size, "%s%.30s%s", prefix, body, tail);
}

/* DER that is one sequence of `inner` bytes of chance. */
static void pem(struct buf *out, const char *label, size_t inner, const char *line_end)
{
    auto_buf der = BUF(4096), text = BUF(8192);
    buf_add_byte(&der, 0x30);
    buf_add_byte(&der, 0x82);
    buf_add_be16(&der, (uint16_t)inner);
    buf_add_str(&der, chance(inner, URL64, 2));
    base64_encode(buf_span(&der), &text);
    buf_printf(out, "-----BEGIN %s-----%s", label, line_end);
    for (size_t i = 0; i < text.len; i += 64) {
        size_t n = text.len - i < 64 ? text.len - i : 64;
        buf_add(out, text.ptr + i, n);
        buf_add_str(out, line_end);
    }
    buf_printf(out, "-----END %s-----%s", label, line_end);
}

static struct look in_config(const char *text)
{
    return look_named(span_str(text), "settings.env");
}

static void assert_found(const char *text, const char *rule, enum verdict wanted)
{
    auto_look l = in_config(text);
    if (!look_has(&l, rule) || l.verdict != wanted)
        fail_msg("%s: %s (%s)", text, l.rules, verdict_name(l.verdict));
}

static void assert_nothing(const char *text)
{
    auto_look l = in_config(text);
    if (l.rules[0])
        fail_msg("%s: %s", text, l.rules);
}

static void with(char *out, size_t size, const char *format, const char *value)
{
    const char *mark = strchr(format, '@');
    snprintf(out, size, "%.*s%s%s", (int)(mark - format), format, value, mark + 1);
}

/* ── tokens ── */

static void a_token_with_a_right_checksum_is_found(void **state)
{
    static const char *const prefixes[] = {"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        char token[64], text[128];
        checked_token(token, sizeof token, prefixes[i], true);
        snprintf(text, sizeof text, "# deploy\nCI=\"%s\"\n", token);
        assert_found(text, "secret-token", VERDICT_SUSPICIOUS);
    }
}

static void a_token_with_a_wrong_checksum_is_nothing(void **state)
{
    (void)state;
    char token[64];
    checked_token(token, sizeof token, "ghp_", false);
    assert_nothing(token);
}

static void tokens_of_known_forms_are_found(void **state)
{
    static const struct {
        const char *before, *alphabet;
        size_t len;
        const char *behind;
    } forms[] = {
        {"AKIA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, ""},
        {"glpat-", URL64, 20, ""},
        {"xoxb-123904567812-", BASE62, 24, ""},
        {"pypi-AgEIcHlwaS5vcmc", URL64, 150, ""},
        {"hf_", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 34, ""},
        {"sk-ant-api03-", URL64, 93, "AA"},
        {"sk-proj-", BASE62, 20,
         "T3BlbkFJ"
         "q8Zr2Lx7Vb4Nw9Kt1Cm6"},
        {"AIza", URL64, 35, ""},
        {"DefaultEndpointsProtocol=https;AccountKey=", BASE62, 86, "=="},
        {"sk_live_", BASE62, 24, ""},
        {"dop_v1_", HEX, 64, ""},
        {"hvs.", BASE62, 28, ""},
        {"https://hooks.slack.com/services/T", BASE62, 44, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char text[1024];
        snprintf(text, sizeof text, "x %s%s%s\n", forms[i].before, chance(forms[i].len, forms[i].alphabet, 3),
                 forms[i].behind);
        assert_found(text, "secret-token", VERDICT_SUSPICIOUS);
    }
}

static void tokens_of_examples_are_nothing(void **state)
{
    static const char *const texts[] = {
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
        "token = ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
        "export OPENAI_API_KEY=sk-your-key-here-please-T3BlbkFJ-000000000000\n",
        "glpat-xxxxxxxxxxxxxxxxxxxx hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
        "hf_hub_download_file_from_repository_a\n",
        "AIzaXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_nothing(texts[i]);
}

static void a_token_inside_of_longer_text_is_nothing(void **state)
{
    char text[512];
    (void)state;
    snprintf(text, sizeof text, "%sAKIA%s", "Zm9v", chance(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4));
    assert_nothing(text);
}

static void jwt(struct buf *out, const char *header, const char *claims)
{
    const char *parts[] = {header, claims};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        auto_buf text = BUF(1024);
        base64_encode(span_str(parts[i]), &text);
        while (text.len && text.ptr[text.len - 1] == '=')
            text.len--;
        buf_add_span(out, buf_span(&text));
        buf_add_byte(out, '.');
    }
    buf_add_str(out, chance(43, URL64, 5));
}

static void a_signed_jwt_is_found_and_the_one_of_the_manuals_is_not(void **state)
{
    auto_buf real = BUF(4096), manual = BUF(4096);
    (void)state;
    jwt(&real, "{\"alg\":\"RS256\",\"kid\":\"a1\"}", "{\"iss\":\"auth\",\"sub\":\"svc-9\",\"exp\":1999999999}");
    jwt(&manual, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", "{\"sub\":\"1234567890\",\"name\":\"John Doe\"}");
    assert_found(buf_str(&real), "secret-token", VERDICT_SUSPICIOUS);
    assert_nothing(buf_str(&manual));
}

/* ── keys ── */

static void a_private_key_is_found_in_any_dress(void **state)
{
    static const char *const labels[] = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        auto_buf lines = BUF(8192), json = BUF(8192), wrapped = BUF(16384), text = BUF(16384);
        pem(&lines, labels[i], 200, "\n");
        assert_found(buf_str(&lines), "secret-key", VERDICT_SUSPICIOUS);
        buf_add_str(&json, "{\"private_key\": \"");
        pem(&json, labels[i], 200, "\\n");
        buf_add_str(&json, "\"}");
        auto_look l = look_named(buf_span(&json), "account.json");
        assert_true(look_has(&l, "secret-key"));
        base64_encode(buf_span(&lines), &text);
        buf_printf(&wrapped, "client-key-data: %s\n", buf_str(&text));
        assert_found(buf_str(&wrapped), "secret-key", VERDICT_SUSPICIOUS);
    }
}

static void an_openssh_key_is_found(void **state)
{
    auto_buf bytes = BUF(4096), text = BUF(8192), file = BUF(8192);
    (void)state;
    buf_add(&bytes, "openssh-key-v1\0\0\0\0\4none\0\0\0\4none", 31);
    buf_add_str(&bytes, chance(200, URL64, 6));
    base64_encode(buf_span(&bytes), &text);
    buf_printf(&file, "-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n", buf_str(&text));
    assert_found(buf_str(&file), "secret-key", VERDICT_SUSPICIOUS);
}

static void a_key_of_putty_is_found(void **state)
{
    auto_buf file = BUF(8192);
    (void)state;
    buf_printf(&file,
               "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 1\n%s\n"
               "Private-Lines: 1\n%s\nPrivate-MAC: 00\n",
               "AAAAC3NzaC1lZDI1NTE5", chance(44, BASE62, 7));
    assert_found(buf_str(&file), "secret-key", VERDICT_SUSPICIOUS);
}

static void a_key_without_material_is_nothing(void **state)
{
    static const char *const texts[] = {
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA...\n-----END RSA PRIVATE KEY-----\n",
        "if line == '-----BEGIN OPENSSH PRIVATE KEY-----' then\n",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUTt\n-----END CERTIFICATE-----\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_nothing(texts[i]);
}

/* ── settings ── */

static void settings_with_a_value_of_chance_are_found(void **state)
{
    static const char *const texts[] = {
        "API_KEY=@\n",
        "aws_secret_access_key = @\n",
        "{\"clientSecret\": \"@\"}",
        "auth_token: '@'\n",
        "//registry.example/:_authToken=@\n",
        "curl -H \"Authorization: Bearer @\" https://x\n",
        "{\"Env\":[\"PATH=/bin\",\"SERVICE_TOKEN=@\"]}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char text[1024];
        with(text, sizeof text, texts[i], chance(40, BASE62, 8));
        assert_found(text, "secret-token", VERDICT_SUSPICIOUS);
    }
}

static void settings_that_hold_no_secret_are_nothing(void **state)
{
    static const char *const texts[] = {
        "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"pad_token\": \"<|endoftext|>\"}",
        "{\"max_tokens\": 4096, \"token_type_ids\": [0, 1]}",
        "password = ${DB_PASSWORD}\nsecret: {{ vault.secret }}\ntoken: <your token>\n",
        "password: changeme\npassword=password\nPASSWORD=********\n",
        "api_key = os.environ['API_KEY']\ntoken = get_token(user, 'abc')\n",
        "secretName: my-database-credentials-v2\n",
        "token: 3f2504e0-4f89-41d3-9a0c-0305e82c3301\n",
        "password_hash_algorithm = Argon2id-v19-m65536\n",
        "token_url: https://login.example/oauth2/v2.0/token\n",
        "\"integrity\": \"sha512-q1TQe2Lx7Vb4Nw9Kt1Cm6Zr8Yp3Ds5Fg0Hj2Kl4Qw6Er8Ty1Ui3Op5As7Df9Gh==\"\n",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D\n",
        "password_file=/run/secrets/Db1Password\n",
        "if password == 'Ab1!xyzw': pass\n",
        "postgres://user:password@localhost/db redis://:pass@h http://u:${P}@h\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_nothing(texts[i]);
}

static void a_password_of_people_weighs_less(void **state)
{
    (void)state;
    assert_found("db_password = \"Tr0ub4dor&3x\"\n", "secret-password", VERDICT_SUSPICIOUS);
    auto_look document = look_named(span_str("db_password = \"Tr0ub4dor&3x\"\n"), "notes.txt");
    assert_true(look_has(&document, "secret-password"));
    assert_int_equal(document.verdict, VERDICT_CLEAN);
}

static void a_url_with_a_password_is_found(void **state)
{
    (void)state;
    assert_found("DATABASE_URL=postgresql://app:Kq7-pLz9_vX2@db.internal:5432/app\n", "secret-password",
                 VERDICT_SUSPICIOUS);
    assert_found("index-url = https://ci:Kq7pLz9vX2w4@pypi.internal/simple\n", "secret-password", VERDICT_SUSPICIOUS);
}

static void credentials_of_clients_are_found(void **state)
{
    auto_buf text = BUF(4096), value = BUF(1024);
    (void)state;
    base64_encode(SPAN_LIT("robot:Kq7pLz9vX2w4"), &value);
    buf_printf(&text, "{\"auths\": {\"registry.internal\": {\"auth\": \"%s\"}}}", buf_str(&value));
    auto_look docker = look_named(buf_span(&text), "config.json");
    auto_look netrc = look_named(SPAN_LIT("machine git.internal login ci password Kq7pLz9vX2w4\n"), "root/.netrc");
    auto_look pgpass = look_named(SPAN_LIT("db:5432:*:app:Kq7pLz9vX2w4\n"), "root/.pgpass");
    assert_true(look_has(&docker, "secret-token"));
    assert_true(look_has(&netrc, "secret-password"));
    assert_true(look_has(&pgpass, "secret-password"));
}

static void hashes_of_passwords_are_found_where_a_file_keeps_them(void **state)
{
    char text[1024];
    (void)state;
    snprintf(text, sizeof text, "daemon:*:19000:0:99999:7:::\nroot:$6$saltsalt$%s:19000:0:99999:7:::\n",
             chance(86, BASE62, 9));
    assert_found(text, "secret-hash", VERDICT_SUSPICIOUS);
    assert_nothing("root:*:19000:0:99999:7:::\nbin:!:19000::::::\n");
}

/* ── places ── */

static void what_a_package_vouches_for_is_a_remark(void **state)
{
    auto_buf key = BUF(8192);
    (void)state;
    pem(&key, "PRIVATE KEY", 200, "\n");
    struct inspect_options o = {.name = "pkg/tests/key.pem", .stands = true};
    auto_look l = look_at(buf_span(&key), &o);
    assert_true(look_has(&l, "secret-key"));
    assert_int_equal(l.verdict, VERDICT_CLEAN);
}

static void tests_inside_of_an_archive_are_a_remark_and_others_are_not(void **state)
{
    auto_buf key = BUF(8192);
    (void)state;
    pem(&key, "PRIVATE KEY", 200, "\n");
    struct inspect_options tests = {.name = "src/tests/data/key.pem", .depth = 1};
    struct inspect_options other = {.name = "etc/ssl/key.pem", .depth = 1};
    struct inspect_options release = {.name = "tests/key.pem"};
    auto_look remark = look_at(buf_span(&key), &tests);
    auto_look blocked = look_at(buf_span(&key), &other);
    auto_look shipped = look_at(buf_span(&key), &release);
    assert_true(look_has(&remark, "secret-key"));
    assert_false(verdict_blocks(remark.verdict));
    assert_int_equal(blocked.verdict, VERDICT_SUSPICIOUS);
    assert_int_equal(shipped.verdict, VERDICT_SUSPICIOUS);
}

static void binaries_are_asked_for_what_cannot_be_chance_only(void **state)
{
    auto_buf with_key = BUF(16384), with_text = BUF(16384);
    (void)state;
    elf_file(&with_key, 5, 6);
    pem(&with_key, "PRIVATE KEY", 200, "\n");
    elf_file(&with_text, 5, 6);
    buf_printf(&with_text, "API_KEY=%s AKIA%s", chance(40, BASE62, 8), "QWERTZUIOPASDFGH");
    auto_report key = {0}, text = {0};
    report_init(&key, "");
    report_init(&text, "");
    secrets_check(buf_span(&with_key), "x", SECRET_IN_BINARY, &key);
    secrets_check(buf_span(&with_text), "x", SECRET_IN_BINARY, &text);
    assert_int_equal(key.heavy, 1);
    assert_int_equal(text.findings, 0);
}

static void metadata_of_weights_are_read_too(void **state)
{
    char token[64], header[512];
    auto_buf file = BUF(4096);
    (void)state;
    checked_token(token, sizeof token, "ghp_", true);
    snprintf(header, sizeof header,
             "{\"__metadata__\":{\"by\":\"%s\"},\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
             token);
    safetensors_file(&file, header, 4);
    auto_look l = look_named(buf_span(&file), "model.safetensors");
    assert_true(look_has(&l, "secret-token"));
    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
}

static void no_finding_says_the_secret(void **state)
{
    char token[64], text[1024];
    (void)state;
    checked_token(token, sizeof token, "ghp_", true);
    snprintf(text, sizeof text, "a=%s\npassword='Tr0ub4dor&3x'\nu=postgres://app:Kq7-pLz9_vX2@db/x\nAPI_KEY=%s\n",
             token, chance(40, BASE62, 8));
    auto_look l = in_config(text);
    auto_free char *all = json_dumps(l.reply, 0);
    assert_non_null(all);
    assert_true(json_array_size(json_object_get(l.reply, "findings")) >= 4);
    assert_null(strstr(all, token + 4));
    assert_null(strstr(all, "Tr0ub"));
    assert_null(strstr(all, "Kq7"));
    assert_null(strstr(all, chance(40, BASE62, 8)));
    assert_non_null(strstr(all, "line 2"));
}

static void more_than_are_shown_are_counted(void **state)
{
    auto_buf text = BUF(65536);
    (void)state;
    for (unsigned i = 0; i < SECRETS_SHOWN_MAX + 5; i++)
        buf_printf(&text, "A_TOKEN=%s\n", chance(40, BASE62, 20 + i));
    auto_look l = look_named(buf_span(&text), "x.conf");
    assert_true(look_has(&l, "secret-more"));
    assert_int_equal(json_array_size(json_object_get(l.reply, "findings")), SECRETS_SHOWN_MAX + 1);
}

static void more_remarks_than_are_shown_are_no_more_than_remarks(void **state)
{
    auto_buf text = BUF(65536);
    (void)state;
    for (unsigned i = 0; i < SECRETS_SHOWN_MAX + 5; i++)
        buf_printf(&text, "db_password = \"Tr0ub4dor&3x%u\"\n", i);
    auto_look l = look_named(buf_span(&text), "notes.txt");
    assert_true(look_has(&l, "secret-more"));
    assert_int_equal(l.verdict, VERDICT_CLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_with_a_right_checksum_is_found),
        cmocka_unit_test(a_token_with_a_wrong_checksum_is_nothing),
        cmocka_unit_test(tokens_of_known_forms_are_found),
        cmocka_unit_test(tokens_of_examples_are_nothing),
        cmocka_unit_test(a_token_inside_of_longer_text_is_nothing),
        cmocka_unit_test(a_signed_jwt_is_found_and_the_one_of_the_manuals_is_not),
        cmocka_unit_test(a_private_key_is_found_in_any_dress),
        cmocka_unit_test(an_openssh_key_is_found),
        cmocka_unit_test(a_key_of_putty_is_found),
        cmocka_unit_test(a_key_without_material_is_nothing),
        cmocka_unit_test(settings_with_a_value_of_chance_are_found),
        cmocka_unit_test(settings_that_hold_no_secret_are_nothing),
        cmocka_unit_test(a_password_of_people_weighs_less),
        cmocka_unit_test(a_url_with_a_password_is_found),
        cmocka_unit_test(credentials_of_clients_are_found),
        cmocka_unit_test(hashes_of_passwords_are_found_where_a_file_keeps_them),
        cmocka_unit_test(what_a_package_vouches_for_is_a_remark),
        cmocka_unit_test(tests_inside_of_an_archive_are_a_remark_and_others_are_not),
        cmocka_unit_test(binaries_are_asked_for_what_cannot_be_chance_only),
        cmocka_unit_test(metadata_of_weights_are_read_too),
        cmocka_unit_test(no_finding_says_the_secret),
        cmocka_unit_test(more_than_are_shown_are_counted),
        cmocka_unit_test(more_remarks_than_are_shown_are_no_more_than_remarks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
