/* Typed rows: releases, pointers, evidence, people, tokens, trusted metadata. */
#include "scratch.h"

#include <stdlib.h>
#include <string.h>

#include "store/db_access.h"
#include "store/db_ledger.h"
#include "store/db_people.h"
#include "store/db_release.h"

static struct err e;
static struct db *db;

static int setup(void **state)
{
    if (scratch_setup(state))
        return -1;
    struct scratch *s = *state;
    db = db_make(s->dir, &e);
    return db ? 0 : -1;
}

static int teardown(void **state)
{
    db_close(db);
    return scratch_teardown(state);
}

static struct digest D(const char *text) {
    return digest_of(span_str(text));
}

static void
add_release(const char *name, const char *version, const char *content)
{
    struct release_row row = {.digest = D(content), .name = name, .version = version, .time_s = 5};
    assert_int_equal(db_release_add(db, &row, &e), 0);
}

static void a_version_never_changes_its_content(void **state)
{
    (void)state;
    add_release("assistant", "v1.0.0", "one");
    add_release("assistant", "v1.0.0", "one"); /* again is fine */
    struct release_row other = {.digest = D("two"), .name = "assistant", .version = "v1.0.0"};

    assert_int_equal(db_release_add(db, &other, &e), -1);

    assert_int_equal(e.code, ERR_EXISTS);
    struct digest one = D("one");
    assert_non_null(strstr(e.msg, digest_hex(&one).text));
}

static void a_release_is_found_by_digest_and_by_name(void **state)
{
    (void)state;
    add_release("assistant", "v1.0.0", "one");
    struct digest one = D("one"), two = D("two");
    struct release_row row;
    auto_buf names = BUF(1000), more = BUF(1000);

    assert_int_equal(db_release_admit(db, &one, &e), 0);
    assert_int_equal(db_release_get(db, &one, &row, &names, &e), 0);
    assert_string_equal(row.name, "assistant");
    assert_string_equal(row.version, "v1.0.0");
    assert_true(row.admitted);
    assert_int_equal(db_release_find(db, "assistant", "v1.0.0", &row, &more, &e), 0);
    assert_true(digest_equal(&row.digest, &one));
    assert_int_equal(db_release_find(db, "assistant", "v2.0.0", &row, &more, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(db_release_admit(db, &two, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static int count_pointer(void *arg, const struct pointer_row *row)
{
    (void)row;
    ++*(int *)arg;
    return 0;
}

static int newest(void *arg, const struct pointer_row *row)
{
    *(struct digest *)arg = row->release;
    return 7; /* stops, and is handed back */
}

static void a_pointer_moves_and_keeps_its_history(void **state)
{
    (void)state;
    add_release("assistant", "v1.0.0", "one");
    add_release("assistant", "v1.1.0", "two");
    struct pointer_row row = {"prod", "assistant", D("one"), 10, "promote", 3};
    assert_int_equal(db_pointer_set(db, &row, &e), 0);
    row.release = D("two");
    assert_int_equal(db_pointer_set(db, &row, &e), 0);

    struct digest now, two = D("two"), found;
    int pointers = 0, steps = 0;
    assert_int_equal(db_pointer_get(db, "prod", "assistant", &now, &e), 0);
    assert_true(digest_equal(&now, &two));
    assert_int_equal(db_pointer_each(db, NULL, count_pointer, &pointers, &e), 0);
    assert_int_equal(pointers, 1);
    assert_int_equal(db_pointer_history(db, "prod", "assistant", count_pointer, &steps, &e), 0);
    assert_int_equal(steps, 2);
    assert_int_equal(db_pointer_history(db, "prod", "assistant", newest, &found, &e), 7);
    assert_true(digest_equal(&found, &two));
    assert_int_equal(db_pointer_get(db, "test", "assistant", &now, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void a_pointer_needs_a_release(void **state)
{
    (void)state;
    struct pointer_row row = {"prod", "assistant", D("nothing"), 10, "promote", 3};

    assert_int_equal(db_pointer_set(db, &row, &e), -1);
}

static void a_blob_is_readable_only_where_a_pointer_stands(void **state)
{
    (void)state;
    struct digest release = D("one"), blob = D("blob");
    uint64_t size = 0;
    auto_buf type = BUF(100);
    add_release("assistant", "v1.0.0", "one");
    assert_int_equal(db_release_blob_add(db, &release, &blob, "text/plain", 4, &e), 0);

    assert_int_equal(db_environment_blob(db, "prod", NULL, &blob, &size, &type, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    struct pointer_row row = {"prod", "assistant", release, 10, "promote", 3};
    assert_int_equal(db_pointer_set(db, &row, &e), 0);

    assert_int_equal(db_environment_blob(db, "prod", NULL, &blob, &size, &type, &e), 0);
    assert_int_equal(size, 4);
    assert_string_equal(buf_str(&type), "text/plain");
    assert_int_equal(db_environment_blob(db, "prod", "assistant", &blob, &size, NULL, &e), 0);
    assert_int_equal(db_environment_blob(db, "prod", "other", &blob, &size, NULL, &e), -1);
    assert_int_equal(db_environment_blob(db, "test", NULL, &blob, &size, NULL, &e), -1);
}

static void a_shipment_is_received_once(void **state)
{
    (void)state;
    struct shipment_row row = {.folder = "1", .station = "aa", .sequence = 4, .issued_s = 1, .expires_s = 9};
    uint64_t number = 0;
    assert_int_equal(db_shipment_add(db, &row, &number, &e), 0);
    assert_int_equal(number, 1);
    assert_int_equal(db_shipment_set_state(db, number, SHIPMENT_ADMITTED, &e), 0);

    row.folder = "2";
    assert_int_equal(db_shipment_add(db, &row, &number, &e), -1);

    assert_int_equal(e.code, ERR_EXISTS);
    assert_int_equal(db_shipment_set_state(db, 99, SHIPMENT_ADMITTED, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static int count_evidence(void *arg, const struct evidence_row *row)
{
    struct digest id = digest_of(row->envelope);
    assert_true(digest_equal(&id, &row->id));
    ++*(int *)arg;
    return 0;
}

static void evidence_is_listed_by_subject_and_kind(void **state)
{
    (void)state;
    struct evidence_row row = {D("{1}"), D("subject"), "scan", "", "PASSED", "contour", 1, SPAN_LIT("{1}")};
    assert_int_equal(db_evidence_add(db, &row, &e), 0);
    assert_int_equal(db_evidence_add(db, &row, &e), 0);
    row.id = D("{2}"), row.envelope = SPAN_LIT("{2}"), row.predicate_type = "silence";
    assert_int_equal(db_evidence_add(db, &row, &e), 0);

    int all = 0, scans = 0, others = 0;
    struct digest subject = D("subject"), other = D("other"), id = D("{1}");
    assert_int_equal(db_evidence_each(db, &subject, NULL, count_evidence, &all, &e), 0);
    assert_int_equal(db_evidence_each(db, &subject, "scan", count_evidence, &scans, &e), 0);
    assert_int_equal(db_evidence_each(db, &other, NULL, count_evidence, &others, &e), 0);
    assert_int_equal(all, 2);
    assert_int_equal(scans, 1);
    assert_int_equal(others, 0);
    auto_buf envelope = BUF(100);
    assert_int_equal(db_evidence_get(db, &id, &envelope, &e), 0);
    assert_string_equal(buf_str(&envelope), "{1}");
}

static void a_key_belongs_to_one_person(void **state)
{
    (void)state;
    struct person_row ann = {"ann", "engineer", D("key-a"), 1, false, SPAN_LIT("{}")};
    assert_int_equal(db_person_add(db, &ann, &e), 0);
    assert_int_equal(db_person_add(db, &ann, &e), -1);
    assert_int_equal(e.code, ERR_EXISTS);
    ann.role = "auditor";
    assert_int_equal(db_person_add(db, &ann, &e), 0);

    struct person_row bob = {"bob", "product-owner", D("key-a"), 1, false, SPAN_LIT("{}")};
    assert_int_equal(db_person_add(db, &bob, &e), -1);

    assert_int_equal(e.code, ERR_EXISTS);
    assert_non_null(strstr(e.msg, "ann"));
}

static void a_token_is_found_by_its_hash_and_can_be_revoked(void **state)
{
    (void)state;
    struct token_row token = {D("secret"), "carl", "consumer", "prod", 1, 0, false, "team-*", SPAN_LIT("record")},
                     found;
    struct digest other = D("guess");
    auto_buf strings = BUF(1000);
    assert_int_equal(db_token_add(db, &token, &e), 0);

    assert_int_equal(db_token_get(db, &token.hash, &found, &strings, &e), 0);
    assert_string_equal(found.person, "carl");
    assert_string_equal(found.role, "consumer");
    assert_string_equal(found.environment, "prod");
    assert_string_equal(found.repository, "team-*");
    assert_true(span_equal_str(found.record, "record"));
    assert_false(found.revoked);
    assert_int_equal(db_token_get(db, &other, &found, &strings, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(db_token_revoke(db, &token.hash, &e), 0);
    assert_int_equal(db_token_get(db, &token.hash, &found, &strings, &e), 0);
    assert_true(found.revoked);
    assert_int_equal(db_token_revoke(db, &other, &e), -1);
}

static int count_rights(void *arg, uint64_t seq, struct span entry)
{
    uint64_t *sum = arg;
    assert_non_null(memmem(entry.ptr, entry.len, "-", 1));
    *sum = *sum * 100 + seq;
    return 0;
}

static void entries_about_rights_are_found_among_all(void **state)
{
    (void)state;
    static const char *const entries[] = {"{\"action\":\"init\"}",         "{\"action\":\"token-new\"}",
                                          "{\"action\":\"access-batch\"}", "{\"action\":\"grant-withdraw\"}",
                                          "{\"action\":\"group-add\"}",    "{\"action\":\"person-withdraw\"}",
                                          "{\"person\":\"ann\"}"};
    struct digest leaf = D("leaf");
    uint64_t seq, sum = 0, first = 0;
    int64_t mark, before;
    assert_int_equal(db_rights_mark(db, &before, &e), 0);
    assert_int_equal(db_begin(db, &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        assert_int_equal(db_ledger_add(db, 1, span_str(entries[i]), &leaf, &seq, &e), 0);
        first = i == 0 ? seq : first;
    }
    assert_int_equal(db_commit(db, &e), 0);

    assert_int_equal(db_rights_each(db, count_rights, &sum, &e), 0);
    assert_int_equal(db_rights_mark(db, &mark, &e), 0);

    assert_int_equal(sum, (((first + 1) * 100 + first + 3) * 100 + first + 4) * 100 + first + 5);
    assert_int_equal(mark, first + 5);
    assert_int_not_equal(mark, before);
}

static void trusted_metadata_is_kept_as_received(void **state)
{
    (void)state;
    uint64_t version = 0;
    auto_buf bytes = BUF(100);
    assert_int_equal(db_trust_set(db, "aa", "timestamp.json", 1, SPAN_LIT("{\"a\": 1}"), &e), 0);
    assert_int_equal(db_trust_set(db, "aa", "timestamp.json", 2, SPAN_LIT("{\"a\": 2}"), &e), 0);

    assert_int_equal(db_trust_get(db, "aa", "timestamp.json", &version, &bytes, &e), 0);

    assert_int_equal(version, 2);
    assert_string_equal(buf_str(&bytes), "{\"a\": 2}");
    assert_int_equal(db_trust_remove(db, "aa", "timestamp.json", &e), 0);
    assert_int_equal(db_trust_get(db, "aa", "timestamp.json", &version, &bytes, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void the_batch_of_a_record_is_the_last_that_begins_before_it(void **state)
{
    (void)state;
    struct access_batch_row one = {1, 10, "a", 0, 100, 5}, two = {11, 5, "a", 100, 50, 6}, found;
    auto_buf strings = BUF(100);
    assert_int_equal(db_access_batch_add(db, &one, &e), 0);
    assert_int_equal(db_access_batch_add(db, &two, &e), 0);

    assert_int_equal(db_access_batch_find(db, 10, &found, &strings, &e), 0);
    assert_int_equal(found.first, 1);
    assert_int_equal(db_access_batch_find(db, UINT64_MAX, &found, &strings, &e), 0);
    assert_int_equal(found.first, 11);
    assert_string_equal(found.segment, "a");
    assert_int_equal(db_access_batch_find(db, 0, &found, &strings, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_version_never_changes_its_content),
        T(a_release_is_found_by_digest_and_by_name),
        T(a_pointer_moves_and_keeps_its_history),
        T(a_pointer_needs_a_release),
        T(a_blob_is_readable_only_where_a_pointer_stands),
        T(a_shipment_is_received_once),
        T(evidence_is_listed_by_subject_and_kind),
        T(a_key_belongs_to_one_person),
        T(a_token_is_found_by_its_hash_and_can_be_revoked),
        T(entries_about_rights_are_found_among_all),
        T(trusted_metadata_is_kept_as_received),
        T(the_batch_of_a_record_is_the_last_that_begins_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
