/* One flipped byte, one missing file: each is found, and named. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

static struct err e;

static int setup_600(void **state)
{
    if (fixture_setup(state))
        return -1;
    fixture_append(*state, 600);
    fixture_publish(*state);
    return 0;
}

/* What ledger_verify says when byte `at` of `file` is another. */
static void flip_and_verify(struct fixture *f, const char *file, long at, struct buf *report)
{
    auto_buf path = BUF(200);
    buf_printf(&path, "ledger/%s", file);
    scratch_flip(&f->scratch, buf_str(&path), at);
    int result = fixture_verify(f, report);
    scratch_flip(&f->scratch, buf_str(&path), at);
    if (result != 0)
        fail_msg("byte %ld of %s was changed, and verification did not see it", at, file);
}

static void a_flipped_byte_of_any_file_is_named(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {
        "tile/0/000",     "tile/0/001", "tile/0/002.p/88", "tile/entries/000", "tile/entries/002.p/88",
        "tile/1/000.p/2", "checkpoint"};
    auto_buf report = BUF(100000);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        auto_buf path = BUF(200);
        struct stat st;
        buf_printf(&path, "ledger/%s", files[i]);
        assert_int_equal(fstatat(f->scratch.dir, buf_str(&path), &st, 0), 0);
        for (long at = 0; at < st.st_size; at += st.st_size / 7 + 1) {
            flip_and_verify(f, files[i], at, &report);
            auto_buf start = BUF(200);
            buf_printf(&start, "%s: ", files[i]);
            if (strncmp(buf_str(&report), buf_str(&start), start.len) != 0)
                fail_msg("byte %ld of %s was changed; the report says: %s", at, files[i], buf_str(&report));
            assert_ptr_equal(strchr(buf_str(&report), '\n'), buf_str(&report) + report.len - 1); /* one line */
        }
    }
    assert_int_equal(fixture_verify(f, &report), 1);
}

static void a_flipped_byte_of_an_earlier_partial_tile_is_named(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {"tile/0/002.p/88", "tile/entries/002.p/88"};
    auto_buf report = BUF(100000);
    fixture_append(f, 3);
    fixture_publish(f);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        flip_and_verify(f, files[i], 40, &report);
        assert_ptr_equal(strstr(buf_str(&report), files[i]), buf_str(&report));
    }
    assert_int_equal(fixture_verify(f, &report), 1);
}

static void a_missing_or_short_file_is_named(void **state)
{
    struct fixture *f = *state;
    auto_buf report = BUF(100000);

    assert_int_equal(unlinkat(f->scratch.dir, "ledger/tile/0/001", 0), 0);
    assert_int_equal(fixture_verify(f, &report), 0);
    assert_string_equal(buf_str(&report), "tile/0/001: missing\n");

    assert_int_equal(file_write(f->scratch.dir, "ledger/tile/0/001", SPAN_LIT("short"), 0644, &e), 0);
    assert_int_equal(fixture_verify(f, &report), 0);
    assert_non_null(strstr(buf_str(&report), "tile/0/001: has 5 bytes; wanted 8192"));
}

static void another_ledgers_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct private_key *other = private_key_new(KEY_ED25519, &e);
    auto_buf report = BUF(100000);
    buf_clear(&f->vkey);
    assert_int_equal(ledger_vkey(FIXTURE_ORIGIN, private_key_public(other), &f->vkey, &e), 0);

    assert_int_equal(fixture_verify(f, &report), 0);

    assert_non_null(strstr(buf_str(&report), "checkpoint: no signature"));
    private_key_free(other);
}

static void a_published_folder_without_its_signed_root_is_refused(void **state)
{
    struct fixture *f = *state;
    auto_buf old = BUF(10000), report = BUF(100000);
    assert_int_equal(file_read(f->scratch.dir, "ledger/checkpoint", &old, &e), 0);
    fixture_append(f, 1);
    fixture_publish(f);
    /* the old head: true, but its partial tile is still there, so it verifies */
    assert_int_equal(file_write(f->scratch.dir, "ledger/checkpoint", buf_span(&old), 0644, &e), 0);
    assert_int_equal(fixture_verify(f, &report), 1);

    /* entries cut at the end: the bundle of the signed size is missing */
    assert_int_equal(unlinkat(f->scratch.dir, "ledger/tile/entries/002.p/88", 0), 0);
    assert_int_equal(fixture_verify(f, &report), 0);
    assert_string_equal(buf_str(&report), "tile/entries/002.p/88: missing\n");
}

/* Changes the bytes of entry 300 where SQLite keeps them: the text stands once in state.db after a checkpoint of the
 * WAL. */
static void change_row(struct fixture *f, const char *was, const char *is)
{
    ledger_close(f->ledger);
    db_close(f->db);
    auto_buf bytes = BUF(10000000);
    assert_int_equal(file_read(f->scratch.dir, "state.db", &bytes, &e), 0);
    char *at = memmem(bytes.ptr, bytes.len, was, strlen(was));
    assert_non_null(at);
    memcpy(at, is, strlen(is));
    assert_int_equal(file_write(f->scratch.dir, "state.db", buf_span(&bytes), 0600, &e), 0);
    f->db = db_open(f->scratch.dir, &e);
    f->ledger = ledger_open(f->scratch.dir, f->db, FIXTURE_ORIGIN, f->key, &e);
    assert_non_null(f->ledger);
}

static void a_changed_row_of_state_db_is_named(void **state)
{
    struct fixture *f = *state;
    auto_buf report = BUF(100000);
    assert_int_equal(ledger_verify_rows(f->ledger, &report, &e), 1);

    change_row(f, "\"number\":300}", "\"number\":301}");

    assert_int_equal(ledger_verify_rows(f->ledger, &report, &e), 0);
    assert_non_null(strstr(buf_str(&report), "ledger row 300: its bytes hash to"));
    assert_non_null(strstr(buf_str(&report), "ledger row 300: not the bytes that were published"));
}

static void a_damaged_edge_stops_publishing_instead_of_signing_over_it(void **state)
{
    struct fixture *f = *state;
    scratch_flip(&f->scratch, "ledger/tile/0/002.p/88", 3);
    struct ledger *other = ledger_open(f->scratch.dir, f->db, FIXTURE_ORIGIN, f->key, &e);
    fixture_append(f, 1);

    assert_int_equal(ledger_publish(other, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    ledger_close(other);
}

static void a_damaged_tile_proves_nothing(void **state)
{
    struct fixture *f = *state;
    auto_buf proof = BUF(10000);
    scratch_flip(&f->scratch, "ledger/tile/0/000", 32 * 5);

    assert_int_equal(ledger_prove(f->ledger, 4, &proof, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_600, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_flipped_byte_of_any_file_is_named),
        T(a_flipped_byte_of_an_earlier_partial_tile_is_named),
        T(a_missing_or_short_file_is_named),
        T(another_ledgers_key_is_refused),
        T(a_published_folder_without_its_signed_root_is_refused),
        T(a_changed_row_of_state_db_is_named),
        T(a_damaged_edge_stops_publishing_instead_of_signing_over_it),
        T(a_damaged_tile_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
