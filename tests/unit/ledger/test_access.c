/* Access records: durable and bound within a second, provable one by one, and damage is named. */
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger/access.h"
#include "ledger/merkle.h"
#include "ledger/note.h"
#include "store/db_ledger.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/file.h"

#define SEGMENT "access/000000000000001.jsonl"

static struct err e;

static struct access_log *open_log(struct fixture *f)
{
    struct access_log *a = access_open(f->scratch.dir, FIXTURE_ORIGIN, f->key, &e);
    if (!a)
        fail_msg("%s", e.msg);
    return a;
}

static uint64_t add(struct access_log *a, const char *record)
{
    uint64_t id = 0;
    assert_int_equal(access_add(a, span_str(record), &id, &e), 0);
    return id;
}

static void add_three_and_close(struct fixture *f)
{
    struct access_log *a = open_log(f);
    add(a, "{\"person\":\"carl\",\"tokens\":7}");
    add(a, "{\"person\":\"dora\",\"tokens\":8}");
    add(a, "{}");
    access_close(a);
}

static void records_stand_in_the_segment_with_their_number_first(void **state)
{
    struct fixture *f = *state;
    auto_buf text = BUF(10000);

    add_three_and_close(f);

    assert_int_equal(file_read(f->scratch.dir, SEGMENT, &text, &e), 0);
    assert_string_equal(buf_str(&text), "{\"id\":1,\"person\":\"carl\",\"tokens\":7}\n"
                                        "{\"id\":2,\"person\":\"dora\",\"tokens\":8}\n{\"id\":3}\n");
}

static int take_entry(void *arg, const struct ledger_row *row)
{
    buf_add_span(arg, row->entry);
    return 1;
}

static void a_batch_is_written_as_the_example_of_the_format(void **state)
{
    struct fixture *f = *state;
    auto_buf entry = BUF(10000), example = BUF(10000);
    fixture_example("access-batch.json", &example);

    add_three_and_close(f);

    assert_int_equal(db_ledger_each(f->db, 0, 1, take_entry, &entry, &e), 1);
    size_t time = strlen("{\"time\":\""), after = time + TIME_TEXT_SIZE - 1; /* the time is now's */
    assert_memory_equal(entry.ptr, example.ptr, time);
    assert_string_equal(buf_str(&entry) + after, buf_str(&example) + after);
}

static void a_record_is_bound_within_a_second(void **state)
{
    struct fixture *f = *state;
    struct access_log *a = open_log(f);
    int64_t begun_ms = clock_mono_ms();

    add(a, "{\"person\":\"carl\"}");
    while (ledger_size(f->ledger) == 0 && clock_mono_ms() - begun_ms < 5000)
        usleep(2000);

    assert_in_range(clock_mono_ms() - begun_ms, 0, 1000);
    access_close(a);
}

static void numbers_go_on_after_opening_again(void **state)
{
    struct fixture *f = *state;
    auto_buf report = BUF(10000);
    add_three_and_close(f);

    struct access_log *a = open_log(f);
    assert_int_equal(add(a, "{\"n\":4}"), 4);
    access_close(a);

    assert_int_equal(access_verify(f->scratch.dir, f->ledger, &report, &e), 1);
    assert_int_equal(ledger_verify_rows(f->ledger, &report, &e), 1);
    assert_int_equal(fixture_verify(f, &report), 1);
}

static void a_second_writer_is_told_that_there_is_one(void **state)
{
    struct fixture *f = *state;
    struct access_log *a = open_log(f);

    assert_null(access_open(f->scratch.dir, FIXTURE_ORIGIN, f->key, &e));

    assert_int_equal(e.code, ERR_BUSY);
    access_close(a);
}

static void what_is_no_object_on_one_line_is_refused(void **state)
{
    struct fixture *f = *state;
    struct access_log *a = open_log(f);
    static const char *const bad[] = {"", "{", "[]", "{\"a\":\n1}", "{\"a\":\"\xff\"}", "null"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(access_add(a, span_str(bad[i]), NULL, &e), -1);
        assert_int_equal(e.code, ERR_INPUT);
    }
    access_close(a);
}

/* Appends bytes to the segment, as a process that died would have. */
static void append_raw(struct fixture *f, const char *text)
{
    auto_buf bytes = BUF(100000);
    assert_int_equal(file_read(f->scratch.dir, SEGMENT, &bytes, &e), 0);
    buf_add_str(&bytes, text);
    assert_int_equal(file_write(f->scratch.dir, SEGMENT, buf_span(&bytes), 0600, &e), 0);
}

static void whole_lines_of_a_process_that_died_are_kept_and_half_ones_cut(void **state)
{
    struct fixture *f = *state;
    auto_buf text = BUF(10000), report = BUF(10000);
    add_three_and_close(f);
    append_raw(f, "{\"id\":4,\"person\":\"erik\"}\n{\"id\":5,\"per");

    struct access_log *a = open_log(f);
    assert_int_equal(add(a, "{\"n\":5}"), 5);
    access_close(a);

    assert_int_equal(file_read(f->scratch.dir, SEGMENT, &text, &e), 0);
    assert_non_null(strstr(buf_str(&text), "{\"id\":4,\"person\":\"erik\"}\n{\"id\":5,\"n\":5}\n"));
    assert_int_equal(access_verify(f->scratch.dir, f->ledger, &report, &e), 1);
}

static void a_changed_missing_or_shortened_record_is_named(void **state)
{
    struct fixture *f = *state;
    auto_buf report = BUF(10000);
    add_three_and_close(f);
    static const long places[] = {2, 7, 20, 35, 36, 60, 80};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        buf_clear(&report);
        scratch_flip(&f->scratch, SEGMENT, places[i]);
        assert_int_equal(access_verify(f->scratch.dir, f->ledger, &report, &e), 0);
        scratch_flip(&f->scratch, SEGMENT, places[i]);
        assert_non_null(strstr(buf_str(&report), SEGMENT ", bytes 0 to 80 (records 1 to 3, ledger entry "));
    }

    buf_clear(&report);
    assert_int_equal(access_verify(f->scratch.dir, f->ledger, &report, &e), 1);
    int fd = openat(f->scratch.dir, SEGMENT, O_RDWR | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 50), 0);
    close(fd);
    assert_int_equal(access_verify(f->scratch.dir, f->ledger, &report, &e), 0);
    assert_non_null(strstr(buf_str(&report), "ends at byte 50; the batch goes to byte 81"));

    buf_clear(&report);
    assert_int_equal(unlinkat(f->scratch.dir, SEGMENT, 0), 0);
    assert_int_equal(access_verify(f->scratch.dir, f->ledger, &report, &e), 0);
    assert_non_null(strstr(buf_str(&report), "missing"));

    /* and writing goes on, in a new segment */
    struct access_log *a = open_log(f);
    assert_int_equal(add(a, "{\"n\":4}"), 4);
    access_close(a);
    assert_int_equal(faccessat(f->scratch.dir, "access/000000000000004.jsonl", F_OK, 0), 0);
}

static void hash_at(const json_t *array, size_t i, struct digest *out)
{
    auto_buf bytes = BUF(DIGEST_SIZE);
    assert_true(base64_decode(span_str(json_string_value(json_array_get(array, i))), false, &bytes));
    memcpy(out->bytes, bytes.ptr, DIGEST_SIZE);
}

static void a_record_is_proved_through_its_batch(void **state)
{
    struct fixture *f = *state;
    auto_buf proof = BUF(100000), root_bytes = BUF(DIGEST_SIZE);
    struct digest path[MERKLE_PATH_MAX], root;
    add_three_and_close(f);

    assert_int_equal(access_prove(f->scratch.dir, f->ledger, 2, &proof, &e), 0);

    auto_json j = json_parse(buf_span(&proof), proof.len, "proof", &e);
    assert_non_null(j);
    const char *record = json_need_string(j, "record", "", &e), *entry = json_need_string(j, "entry", "", &e);
    assert_string_equal(record, "{\"id\":2,\"person\":\"dora\",\"tokens\":8}");
    auto_json batch = json_parse(span_str(entry), 10000, "entry", &e);
    assert_true(base64_decode(span_str(json_need_string(batch, "root", "", &e)), false, &root_bytes));
    memcpy(root.bytes, root_bytes.ptr, DIGEST_SIZE);
    const json_t *hashes = json_need_array(j, "path", "", &e);
    for (size_t i = 0; i < json_array_size(hashes); i++)
        hash_at(hashes, i, &path[i]);
    struct digest leaf = merkle_leaf(span_str(record));
    uint64_t index, count;
    assert_int_equal(json_need_uint(j, "index", "", &index, &e), 0);
    assert_int_equal(json_need_uint(j, "count", "", &count, &e), 0);
    assert_true(merkle_proof_holds(index, count, &leaf, path, json_array_size(hashes), &root));
    assert_true(span_starts(span_str(json_need_string(j, "proof", "", &e)), SPAN_LIT("c2sp.org/tlog-proof@v1\n")));

    buf_clear(&proof);
    assert_int_equal(access_prove(f->scratch.dir, f->ledger, 4, &proof, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static int collect(void *arg, struct span record)
{
    buf_add_span(arg, record);
    return 0;
}

static void the_latest_records_come_newest_first(void **state)
{
    struct fixture *f = *state;
    auto_buf text = BUF(10000);
    assert_int_equal(access_recent(f->scratch.dir, 5, collect, &text, &e), 0);
    assert_int_equal(text.len, 0);
    add_three_and_close(f);

    assert_int_equal(access_recent(f->scratch.dir, 2, collect, &text, &e), 0);

    assert_string_equal(buf_str(&text), "{\"id\":3}{\"id\":2,\"person\":\"dora\",\"tokens\":8}");
}

#define THREADS 8
#define EACH    500

static void *add_many(void *log)
{
    for (unsigned i = 0; i < EACH; i++)
        if (access_add(log, SPAN_LIT("{\"person\":\"carl\"}"), NULL, NULL) < 0)
            abort();
    return NULL;
}

static void records_of_many_threads_are_all_there_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct access_log *a = open_log(f);
    pthread_t threads[THREADS];
    auto_buf report = BUF(10000), proof = BUF(100000);

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, a), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    access_close(a);

    assert_int_equal(access_verify(f->scratch.dir, f->ledger, &report, &e), 1);
    assert_int_equal(access_prove(f->scratch.dir, f->ledger, THREADS * EACH, &proof, &e), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(records_stand_in_the_segment_with_their_number_first),
        T(a_batch_is_written_as_the_example_of_the_format),
        T(a_record_is_bound_within_a_second),
        T(numbers_go_on_after_opening_again),
        T(a_second_writer_is_told_that_there_is_one),
        T(what_is_no_object_on_one_line_is_refused),
        T(whole_lines_of_a_process_that_died_are_kept_and_half_ones_cut),
        T(a_changed_missing_or_shortened_record_is_named),
        T(a_record_is_proved_through_its_batch),
        T(the_latest_records_come_newest_first),
        T(records_of_many_threads_are_all_there_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
