/* The ledger: entries, publishing, and what an export proves. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ledger/merkle.h"
#include "ledger/note.h"
#include "store/db_ledger.h"
#include "util/encode.h"
#include "util/file.h"

static struct err e;

static bool there(struct fixture *f, const char *path)
{
    return faccessat(f->scratch.dir, path, F_OK, 0) == 0;
}

static void an_entry_is_one_json_object_with_time_actor_and_action(void **state)
{
    struct fixture *f = *state;
    struct json_out w;
    uint64_t seq = 9;
    auto_buf entry = BUF(1000);
    assert_int_equal(db_begin(f->db, &e), 0);

    ledger_event(&w, &entry, 1763971200, "person:ann", "promote");
    json_put_string(&w, "environment", "prod");
    assert_int_equal(ledger_append(f->ledger, &w, 1763971200, &seq, &e), 0);
    assert_int_equal(db_commit(f->db, &e), 0);

    assert_int_equal(seq, 0);
    assert_string_equal(buf_str(&entry), "{\"time\":\"2025-11-24T08:00:00Z\",\"actor\":\"person:ann\","
                                         "\"action\":\"promote\",\"environment\":\"prod\"}");
    assert_int_equal(ledger_size(f->ledger), 1);
}

static void an_entry_is_written_as_the_example_of_the_format(void **state)
{
    struct fixture *f = *state;
    struct json_out w;
    auto_buf entry = BUF(1000), example = BUF(1000);
    fixture_example("ledger-entry.json", &example);
    assert_int_equal(db_begin(f->db, &e), 0);

    ledger_event(&w, &entry, 1795507200, "person:ines", "promote");
    json_put_string(&w, "release", "assistant:v1.0.0");
    json_put_string(&w, "environment", "test");
    assert_int_equal(ledger_append(f->ledger, &w, 1795507200, NULL, &e), 0);
    db_rollback(f->db);

    assert_string_equal(buf_str(&entry), buf_str(&example));
}

static void an_entry_that_a_tile_cannot_hold_is_refused(void **state)
{
    struct fixture *f = *state;
    struct json_out w;
    auto_buf entry = BUF(100000), text = BUF(70000);
    while (text.len < 66000)
        buf_add_byte(&text, 'x');
    assert_int_equal(db_begin(f->db, &e), 0);
    ledger_event(&w, &entry, 1, "a", "b");
    json_put_string(&w, "text", buf_str(&text));

    assert_int_equal(ledger_append(f->ledger, &w, 1, NULL, &e), -1);

    assert_int_equal(e.code, ERR_LIMIT);
    db_rollback(f->db);
}

static void an_export_verifies_at_every_size_around_a_tile(void **state)
{
    struct fixture *f = *state;
    auto_buf report = BUF(10000);
    static const unsigned steps[] = {1, 1, 3, 250, 1, 1, 1, 254, 1, 300};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        fixture_append(f, steps[i]);
        fixture_publish(f);
        if (fixture_verify(f, &report) != 1)
            fail_msg("after %llu entries: %s", (unsigned long long)ledger_size(f->ledger), buf_str(&report));
        assert_int_equal(ledger_verify_rows(f->ledger, &report, &e), 1);
    }
    assert_int_equal(ledger_size(f->ledger), 813);
    assert_true(there(f, "ledger/tile/0/002"));
    assert_true(there(f, "ledger/tile/0/003.p/45"));
    assert_true(there(f, "ledger/tile/entries/003.p/45"));
    assert_true(there(f, "ledger/tile/1/000.p/3"));
}

static void a_full_tile_replaces_its_partial_ones(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 5);
    fixture_publish(f);
    assert_true(there(f, "ledger/tile/0/000.p/5"));

    fixture_append(f, 300);
    fixture_publish(f);

    assert_true(there(f, "ledger/tile/0/000"));
    assert_false(there(f, "ledger/tile/0/000.p"));
    assert_false(there(f, "ledger/tile/entries/000.p"));
}

static void publishing_again_changes_nothing(void **state)
{
    struct fixture *f = *state;
    auto_buf before = BUF(10000), after = BUF(10000);
    fixture_append(f, 3);
    fixture_publish(f);
    assert_int_equal(file_read(f->scratch.dir, "ledger/checkpoint", &before, &e), 0);

    fixture_publish(f);

    assert_int_equal(file_read(f->scratch.dir, "ledger/checkpoint", &after, &e), 0);
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
}

static void another_handle_goes_on_where_the_first_stopped(void **state)
{
    struct fixture *f = *state;
    auto_buf report = BUF(10000);
    fixture_append(f, 260);
    fixture_publish(f);

    struct ledger *other = ledger_open(f->scratch.dir, f->db, FIXTURE_ORIGIN, f->key, &e);
    fixture_append(f, 300);
    assert_int_equal(ledger_publish(other, &e), 0);
    fixture_append(f, 1);
    fixture_publish(f); /* the first handle's tree is old now */
    ledger_close(other);

    assert_int_equal(fixture_verify(f, &report), 1);
}

static void missing_files_are_written_again_from_the_rows(void **state)
{
    struct fixture *f = *state;
    auto_buf report = BUF(10000);
    fixture_append(f, 300);
    fixture_publish(f);
    assert_int_equal(tree_remove(f->scratch.dir, "ledger/tile", &e), 0);
    assert_int_equal(fixture_verify(f, &report), 0);

    struct ledger *other = ledger_open(f->scratch.dir, f->db, FIXTURE_ORIGIN, f->key, &e);
    assert_int_equal(ledger_publish(other, &e), 0);
    ledger_close(other);

    assert_int_equal(fixture_verify(f, &report), 1);
}

static void without_a_key_nothing_is_published(void **state)
{
    struct fixture *f = *state;
    struct ledger *keyless = ledger_open(f->scratch.dir, f->db, FIXTURE_ORIGIN, NULL, &e);
    fixture_append(f, 1);

    assert_int_equal(ledger_publish(keyless, &e), 0);

    assert_false(there(f, "ledger"));
    ledger_close(keyless);
}

static void rows_that_contradict_the_signed_root_are_not_published(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 5);
    fixture_publish(f);
    ledger_close(f->ledger);
    db_close(f->db);
    assert_int_equal(unlinkat(f->scratch.dir, "state.db", 0), 0);

    f->db = db_make(f->scratch.dir, &e);
    f->ledger = ledger_open(f->scratch.dir, f->db, FIXTURE_ORIGIN, f->key, &e);
    fixture_append(f, 3);
    assert_int_equal(ledger_publish(f->ledger, &e), -1);
    assert_non_null(strstr(e.msg, "5 were signed"));
    fixture_append(f, 30);
    assert_int_equal(ledger_publish(f->ledger, &e), -1);
    assert_non_null(strstr(e.msg, "ledger row 3"));
    auto_buf report = BUF(10000);
    assert_int_equal(ledger_verify_rows(f->ledger, &report, &e), 0);
    assert_non_null(strstr(buf_str(&report), "ledger row 3"));
}

/* ── proofs ── */

struct parsed {
    uint64_t index;
    struct digest path[MERKLE_PATH_MAX];
    size_t count;
    struct span note;
};

static void parse_proof(struct span text, struct parsed *out)
{
    struct span line;
    assert_true(span_take_prefix(&text, SPAN_LIT("c2sp.org/tlog-proof@v1\nindex ")));
    assert_true(span_take_until(&text, '\n', &line) && span_decimal(line, &out->index));
    for (out->count = 0; span_take_until(&text, '\n', &line) && line.len; out->count++) {
        auto_buf hash = BUF(DIGEST_SIZE);
        assert_true(base64_decode(line, false, &hash));
        assert_int_equal(hash.len, DIGEST_SIZE);
        memcpy(out->path[out->count].bytes, hash.ptr, DIGEST_SIZE);
    }
    out->note = text;
}

static int leaf_of(void *arg, const struct ledger_row *row)
{
    *(struct digest *)arg = merkle_leaf(row->entry);
    return 0;
}

static void a_proof_leads_from_an_entry_to_the_signed_root(void **state)
{
    struct fixture *f = *state;
    static const uint64_t all[] = {0, 1, 255, 256, 511, 512, 599};
    auto_vkey v;
    fixture_append(f, 600);
    fixture_publish(f);
    assert_int_equal(vkey_parse(buf_span(&f->vkey), &v, &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        auto_buf proof = BUF(10000);
        struct parsed p;
        struct checkpoint c;
        struct digest leaf;

        assert_int_equal(ledger_prove(f->ledger, all[i], &proof, &e), 0);

        parse_proof(buf_span(&proof), &p);
        assert_int_equal(checkpoint_check(p.note, &v, &e), 0);
        assert_int_equal(checkpoint_parse(p.note, &c, &e), 0);
        assert_int_equal(db_ledger_each(f->db, all[i], all[i] + 1, leaf_of, &leaf, &e), 0);
        assert_int_equal(p.index, all[i]);
        assert_true(merkle_proof_holds(p.index, c.size, &leaf, p.path, p.count, &c.root));
    }
}

static void there_is_no_proof_of_what_was_not_published(void **state)
{
    struct fixture *f = *state;
    auto_buf proof = BUF(10000);
    assert_int_equal(ledger_prove(f->ledger, 0, &proof, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    fixture_append(f, 2);
    fixture_publish(f);
    fixture_append(f, 1);

    assert_int_equal(ledger_prove(f->ledger, 2, &proof, &e), -1);

    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.msg, "0 to 1"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_entry_is_one_json_object_with_time_actor_and_action),
        T(an_entry_is_written_as_the_example_of_the_format),
        T(an_entry_that_a_tile_cannot_hold_is_refused),
        T(an_export_verifies_at_every_size_around_a_tile),
        T(a_full_tile_replaces_its_partial_ones),
        T(publishing_again_changes_nothing),
        T(another_handle_goes_on_where_the_first_stopped),
        T(missing_files_are_written_again_from_the_rows),
        T(without_a_key_nothing_is_published),
        T(rows_that_contradict_the_signed_root_are_not_published),
        T(a_proof_leads_from_an_entry_to_the_signed_root),
        T(there_is_no_proof_of_what_was_not_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
