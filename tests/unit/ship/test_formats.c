/* Documents that need more than their own writer: release configuration, receipt, identity. What the writers make is
 * what docs/formats shows. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "ship/pack_internal.h"
#include "ship/receive_internal.h"
#include "ship/station.h"
#include "site/keys.h"
#include "util/file.h"

#define ID "000102030405060708090a0b0c0d0e0f"

static struct public_key *example_key(const char *name)
{
    struct err e = {0};
    auto_buf pem = BUF(16384);
    char path[100];
    snprintf(path, sizeof path, "examples/%s", name);
    read_golden(path, &pem);
    struct public_key *k = public_key_parse(buf_span(&pem), name, &e);
    if (!k)
        fail_msg("%s", e.msg);
    return k;
}

static void a_release_configuration_is_the_golden_one(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf text = BUF(65536);
    struct packing p = {.model = {.name = (char *)"tiny.gguf"}};
    static const char yaml[] = "name: assistant\nversion: v1.0.0\nowner: team\ndescription: Answers.\n"
                               "model: {file: models/tiny.gguf, name: Tiny, licence: Apache-2.0}\n"
                               "engine:\n  program: server\n  command: [/engine/server, --host, \"{socket}\", -m, "
                               "\"{model}\"]\n  environment: {LC_ALL: C.UTF-8}\n"
                               "prompts: p\nsuite: s\ncard: c\nlicence: l\nchanges: h\n";
    if (pack_spec_parse(span_str(yaml), "release.yaml", &p.spec, &e) < 0)
        fail_msg("%s", e.msg);

    pack_write_config(&p, &text);

    expect_golden("examples/release-config.json", &text);
    pack_spec_fini(&p.spec);
}

static void a_receipt_is_the_golden_one(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf text = BUF(65536);
    struct digest root = digest_of_text("root");
    struct site s = {.config = {.name = "demo", .id = ID}, .now_s = ISSUED + 86400};
    struct receiving r = {
        .s = &s, .doc = {.station = "north", .sequence = 7, .issued_s = ISSUED, .expires_s = EXPIRES, .key_count = 1}};
    snprintf(r.station, sizeof r.station, "%s", digest_hex(&root).text);
    r.keys[0] = example_key("example-contour.key.pub");

    assert_int_equal(receive_write_receipt(&r, 3, &text, &e), 0);

    expect_golden("examples/receipt.json", &text);
    public_key_free(r.keys[0]);
}

/* A site of which nothing but its public half is there. */
static void an_identity_is_the_golden_one(void **state)
{
    struct folder *f = *state;
    struct err e = {0};
    struct json_out w;
    auto_buf text = BUF(65536), ledger = BUF(16384);
    struct site s = {.dir = f->fd, .config = {.name = "demo", .id = ID}, .origin = "airlock/demo/" ID};
    read_golden("examples/example-ledger.key.pub", &ledger);
    assert_int_equal(dir_make(f->fd, "keys", 0700, &e), 0);
    assert_int_equal(file_write(f->fd, LEDGER_PUBLIC_FILE, buf_span(&ledger), 0644, &e), 0);
    s.public_key = example_key("example-contour.key.pub");
    json_out_init(&w, &text);
    json_out_object(&w);
    json_put_string(&w, "schema", "airlock/identity/1"); /* what command_json begins with */

    assert_int_equal(identity_write(&s, &w, &e), 0);

    json_out_object_end(&w);
    expect_golden("examples/identity.json", &text);
    public_key_free(s.public_key);
}

/* A station of its own, in the folder of the test. */
static struct site *station(struct folder *f)
{
    struct err e = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/station", f->path);
    if (site_init(path, SITE_STATION, "north", NULL, &e) < 0)
        fail_msg("%s", e.msg);
    struct site *s = site_open(path, SITE_STATION, &e);
    if (!s)
        fail_msg("%s", e.msg);
    return s;
}

static void add_identity(struct folder *f, struct site *s, json_t *identity, enum err_code wanted, const char *word)
{
    struct err e = {0};
    struct contour_identity c;
    char path[96];
    char *text = json_dumps(identity, JSON_COMPACT);
    snprintf(path, sizeof path, "%s/identity.json", f->path);
    assert_int_equal(file_write(AT_FDCWD, path, span_str(text), 0644, &e), 0);
    free(text);

    int result = station_contour_add(s, path, &c, &e);

    assert_int_equal(e.code, wanted);
    assert_int_equal(result, wanted ? -1 : 0);
    if (!strstr(e.msg, word))
        fail_msg("wanted \"%s\" in: %s", word, e.msg);
    json_decref(identity);
}

static json_t *golden_identity(const char *key, json_t *value)
{
    struct err e = {0};
    auto_buf text = BUF(65536);
    read_golden("examples/identity.json", &text);
    json_t *j = json_parse(buf_span(&text), 65536, "identity", &e);
    assert_non_null(j);
    if (key)
        json_object_set_new(j, key, value);
    return j;
}

static void a_station_takes_the_golden_identity(void **state)
{
    struct err e = {0};
    struct contour_identity c;
    struct site *s = station(*state);

    add_identity(*state, s, golden_identity(NULL, NULL), ERR_NONE, "");

    assert_int_equal(station_contour_get(s, "demo", &c, &e), 0);
    assert_string_equal(c.id, ID);
    site_close(s);
}

static void a_station_refuses_what_is_no_identity(void **state)
{
    struct site *s = station(*state);
    add_identity(*state, s, golden_identity("schema", json_string("airlock/pack/1")), ERR_INPUT, "/schema");
    add_identity(*state, s, golden_identity("name", json_string("../../etc/passwd")), ERR_INPUT, "/name");
    add_identity(*state, s, golden_identity("id", json_string("demo")), ERR_INPUT, "/id");
    add_identity(*state, s, golden_identity("keys", json_array()), ERR_INPUT, "/keys");
    add_identity(*state, s, golden_identity("keys", json_pack("[{s:s,s:s}]", "use", "decisions", "pem", "x")),
                 ERR_INPUT, "pem");
    add_identity(*state, s, golden_identity("secret", json_string("x")), ERR_INPUT, "secret");
    site_close(s);
}

static void another_contour_does_not_get_a_name_that_is_taken(void **state)
{
    struct site *s = station(*state);
    add_identity(*state, s, golden_identity(NULL, NULL), ERR_NONE, "");
    add_identity(*state, s, golden_identity(NULL, NULL), ERR_NONE, ""); /* the same again is fine */
    add_identity(*state, s, golden_identity("id", json_string("ff0102030405060708090a0b0c0d0eff")), ERR_EXISTS, ID);
    site_close(s);
}

static void the_keys_of_a_station_are_sealed_and_its_root_stays(void **state)
{
    struct err e = {0};
    struct digest first, again;
    struct site *s = station(*state);
    struct station_keys keys;
    auto_buf pem = BUF(16384);

    assert_int_equal(station_make_root(s, &first, &e), 0);
    assert_int_equal(station_make_root(s, &again, &e), 0);

    assert_true(digest_equal(&first, &again));
    assert_int_equal(station_keys_load(s, &keys, &e), 0);
    station_keys_fini(&keys);
    assert_int_equal(file_read(s->dir, "keys/tuf-root.pem", &pem, &e), 0);
    assert_non_null(strstr(buf_str(&pem), "BEGIN ENCRYPTED PRIVATE KEY"));
    site_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_configuration_is_the_golden_one),
        cmocka_unit_test(a_receipt_is_the_golden_one),
        cmocka_unit_test_setup_teardown(an_identity_is_the_golden_one, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_station_takes_the_golden_identity, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(a_station_refuses_what_is_no_identity, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(another_contour_does_not_get_a_name_that_is_taken, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(the_keys_of_a_station_are_sealed_and_its_root_stays, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
