/* What a station signs alone: good only by the key that it delegates the role to, for this very subject, until it
 * expires. */
#include "tuf_fixture.h"

#include "trust/role_document.h"

#define TYPE "urn:airlock:advisories:v1"

static struct private_key *contour;
static struct digest subject;

static void sign_with(const struct repo *r, enum tuf_role role, int64_t expires_s, struct buf *out)
{
    struct err e = {0};
    struct tuf_signer s;
    struct digest fingerprint;
    memcpy(s.keys, r->keys, sizeof s.keys);
    assert_true(digest_from_hex(span_str(station), &fingerprint));
    must(role_document_sign(&s, role, &fingerprint, NOW, expires_s, "snapshot", &subject, TYPE, SPAN_LIT("{\"a\":1}"),
                            out, &e),
         &e);
}

static int verify(struct span document, enum tuf_role role, const struct digest *about, int64_t now_s, struct err *e)
{
    auto_statement s = {0};
    char from[DIGEST_HEX_SIZE] = "";
    int result = role_document_verify(t.db, parser, private_key_public(contour), document, role, about, TYPE, now_s, &s,
                                      from, e);
    if (result == 0) {
        assert_string_equal(from, station);
        assert_int_equal(json_integer_value(json_object_get(s.predicate, "a")), 1);
    }
    return result;
}

static void the_delegated_key_signs(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    sign_with(&repo, TUF_ADVISORIES, NOW + DAY, &document);
    must(verify(buf_span(&document), TUF_ADVISORIES, &subject, NOW, &e), &e);
}

static void nothing_else_than_this_subject_role_and_time_is_signed(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    struct digest other = digest_of(SPAN_LIT("other"));
    sign_with(&repo, TUF_ADVISORIES, NOW + DAY, &document);
    assert_int_equal(verify(buf_span(&document), TUF_ADVISORIES, &other, NOW, &e), -1);
    assert_int_equal(verify(buf_span(&document), TUF_POLICY, &subject, NOW, &e), -1);
    assert_int_equal(verify(buf_span(&document), TUF_ADVISORIES, &subject, NOW + DAY, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_non_null(strstr(e.msg, "expired"));
}

/* Another role's key in the place of the right one; and a whole other station that calls itself this one. */
static void a_key_that_nobody_delegated_to_signs_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    struct repo theirs;
    auto_buf swapped = BUF(ROLE_DOCUMENT_BYTES), foreign = BUF(ROLE_DOCUMENT_BYTES), right = BUF(ROLE_DOCUMENT_BYTES);
    sign_with(&repo, TUF_MODELS, NOW + DAY, &swapped);
    auto_json j = json_parse(buf_span(&swapped), ROLE_DOCUMENT_BYTES, "document", &e);
    json_object_set_new(j, "role", json_string("advisories"));
    auto_free char *text = json_dumps(j, JSON_COMPACT);
    assert_int_equal(verify(span_str(text), TUF_ADVISORIES, &subject, NOW, &e), -1);

    repo_init(&theirs);
    sign_with(&theirs, TUF_ADVISORIES, NOW + DAY, &foreign);
    assert_int_equal(verify(buf_span(&foreign), TUF_ADVISORIES, &subject, NOW, &e), -1);
    assert_non_null(strstr(e.msg, "/targets"));

    /* their statement under our targets */
    sign_with(&repo, TUF_ADVISORIES, NOW + DAY, &right);
    auto_json ours = json_parse(buf_span(&right), ROLE_DOCUMENT_BYTES, "document", &e);
    auto_json other = json_parse(buf_span(&foreign), ROLE_DOCUMENT_BYTES, "document", &e);
    json_object_set(ours, "statement", json_object_get(other, "statement"));
    auto_free char *mixed = json_dumps(ours, JSON_COMPACT);
    assert_int_equal(verify(span_str(mixed), TUF_ADVISORIES, &subject, NOW, &e), -1);
    assert_non_null(strstr(e.msg, "/statement"));
    repo_fini(&theirs);
}

static void a_station_that_the_contour_did_not_sign_for_is_none(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    sign_with(&repo, TUF_ADVISORIES, NOW + DAY, &document);
    attacker_runs(&t, "DELETE FROM trust WHERE file = 'station.intoto.json'");
    assert_int_equal(verify(buf_span(&document), TUF_ADVISORIES, &subject, NOW, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    attacker_runs(&t, "DELETE FROM trust");
    assert_int_equal(verify(buf_span(&document), TUF_ADVISORIES, &subject, NOW, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

/* Once a shipment was accepted, its delegations count: a document that brings its own is no way round them. */
static void what_a_shipment_delegated_counts(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    repo_publish(&repo, 7);
    must(db_begin(t.db, &e), &e);
    must(db_trust_set(t.db, station, "targets.json", 7, buf_span(repo_get(&repo, "7.targets.json")), &e), &e);
    must(db_commit(t.db, &e), &e);
    sign_with(&repo, TUF_ADVISORIES, NOW + DAY, &document);
    must(verify(buf_span(&document), TUF_ADVISORIES, &subject, NOW, &e), &e);

    struct private_key *before = repo.keys[TUF_ADVISORIES];
    repo.keys[TUF_ADVISORIES] = private_key_new(KEY_ED25519, &e);
    auto_buf newer = BUF(ROLE_DOCUMENT_BYTES);
    sign_with(&repo, TUF_ADVISORIES, NOW + DAY, &newer);
    assert_int_equal(verify(buf_span(&newer), TUF_ADVISORIES, &subject, NOW, &e), -1);
    private_key_free(before);
}

static void a_document_in_another_form_is_refused(void **state)
{
    (void)state;
    static const char *const members[] = {"schema", "role", "station", "targets", "statement"};
    struct err e = {0};
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    sign_with(&repo, TUF_ADVISORIES, NOW + DAY, &document);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        auto_json j = json_parse(buf_span(&document), ROLE_DOCUMENT_BYTES, "document", &e);
        json_object_del(j, members[i]);
        auto_free char *text = json_dumps(j, JSON_COMPACT);
        assert_int_equal(verify(span_str(text), TUF_ADVISORIES, &subject, NOW, &e), -1);
        assert_non_null(strstr(e.msg, members[i]));
    }
    auto_json j = json_parse(buf_span(&document), ROLE_DOCUMENT_BYTES, "document", &e);
    json_object_set_new(j, "more", json_true());
    auto_free char *text = json_dumps(j, JSON_COMPACT);
    assert_int_equal(verify(span_str(text), TUF_ADVISORIES, &subject, NOW, &e), -1);
    assert_int_equal(verify(SPAN_LIT("no JSON"), TUF_ADVISORIES, &subject, NOW, &e), -1);
}

static int set_up_endorsed(void **state)
{
    struct err e = {0};
    set_up(state);
    subject = digest_of(SPAN_LIT("snapshot"));
    contour = private_key_new(KEY_P256, &e);
    must(db_begin(t.db, &e), &e);
    must(tuf_root_endorse(t.db, station, contour, NOW, &e), &e);
    return must(db_commit(t.db, &e), &e);
}

static int tear_down_endorsed(void **state)
{
    private_key_free(contour);
    return tear_down(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_endorsed, tear_down_endorsed)
    const struct CMUnitTest tests[] = {
        TEST(the_delegated_key_signs),
        TEST(nothing_else_than_this_subject_role_and_time_is_signed),
        TEST(a_key_that_nobody_delegated_to_signs_nothing),
        TEST(a_station_that_the_contour_did_not_sign_for_is_none),
        TEST(what_a_shipment_delegated_counts),
        TEST(a_document_in_another_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
