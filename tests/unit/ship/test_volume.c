/* Volumes: how blobs are laid out, what a header says, and which headers are refused. */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "ship/volume.h"
#include "util/limits.h"

static struct volume_header sample_header(void)
{
    struct volume_header h = {.contour = "000102030405060708090a0b0c0d0e0f",
                              .sequence = 7,
                              .number = 2,
                              .count = 3,
                              .payload = VOLUME_BLOCK_BYTES + 100,
                              .block_count = 2,
                              .extent_count = 2};
    h.blocks = calloc(2, sizeof *h.blocks);
    h.extents = calloc(2, sizeof *h.extents);
    h.blocks[0] = digest_of_text("block 0");
    h.blocks[1] = digest_of_text("block 1");
    h.extents[0] = (struct volume_extent){.blob = digest_of_text("config"), .offset = 0, .length = 100};
    h.extents[1] =
        (struct volume_extent){.blob = digest_of_text("model"), .offset = 4096, .length = VOLUME_BLOCK_BYTES};
    return h;
}

static void write_sample(struct buf *out)
{
    struct err e = {0};
    struct volume_header h = sample_header();
    if (volume_header_write(&h, out, &e) < 0)
        fail_msg("%s", e.msg);
    volume_header_fini(&h);
}

/* The JSON between the fixed head and the padding. */
static struct span json_of(const struct buf *header)
{
    struct span json;
    assert_true(span_slice(buf_span(header), VOLUME_HEAD_BYTES, header->len - VOLUME_HEAD_BYTES, &json));
    while (json.len && json.ptr[json.len - 1] == ' ')
        json.len--;
    return json;
}

static void a_header_is_the_golden_one(void **state)
{
    (void)state;
    auto_buf header = BUF(1U << 20), json = BUF(1U << 20);

    write_sample(&header);

    buf_add_span(&json, json_of(&header));
    expect_golden("examples/volume-header.json", &json);
}

static void the_payload_begins_at_a_multiple_of_4096(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf header = BUF(1U << 20);
    uint64_t length;

    write_sample(&header);

    assert_int_equal(header.len % 4096, 0);
    assert_int_equal(volume_head_parse(buf_span(&header), 1U << 30, &length, &e), 0);
    assert_int_equal(length, header.len);
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    struct err e = {0};
    auto_buf header = BUF(1U << 20);
    struct volume_header h, wanted = sample_header();
    write_sample(&header);
    auto_json json = json_parse(json_of(&header), 1U << 20, "header", &e);

    assert_int_equal(volume_header_read(json, &h, &e), 0);

    assert_string_equal(h.contour, wanted.contour);
    assert_int_equal(h.sequence, 7);
    assert_int_equal(h.number, 2);
    assert_int_equal(h.count, 3);
    assert_int_equal(h.payload, wanted.payload);
    assert_int_equal(h.block_count, 2);
    assert_memory_equal(h.blocks, wanted.blocks, 2 * sizeof *h.blocks);
    assert_int_equal(h.extent_count, 2);
    assert_true(digest_equal(&h.extents[1].blob, &wanted.extents[1].blob));
    assert_int_equal(h.extents[1].offset, 4096);
    volume_header_fini(&h);
    volume_header_fini(&wanted);
}

/* The golden header with one member changed is refused; the message names the member. */
static void expect_refused(const char *key, json_t *value, const char *word)
{
    struct err e = {0};
    auto_buf golden = BUF(1U << 20);
    struct volume_header h;
    read_golden("examples/volume-header.json", &golden);
    auto_json json = json_parse(buf_span(&golden), 1U << 20, "header", &e);
    assert_non_null(json);
    json_object_set_new(json, key, value);

    assert_int_equal(volume_header_read(json, &h, &e), -1);

    if (!strstr(e.msg, word))
        fail_msg("wanted \"%s\" in: %s", word, e.msg);
}

static void a_header_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    expect_refused("size", json_integer(VOLUME_BLOCK_BYTES), "/blocks");        /* one block too many */
    expect_refused("size", json_integer(VOLUME_BLOCK_BYTES + 101), "/extents"); /* a byte of no blob */
    expect_refused("size", json_integer(1LL << 40), "/size");
    expect_refused("size", json_integer(-1), "/size");
    expect_refused("blocks", json_pack("[s,s]", "00", "01"), "/blocks/0");
    expect_refused("block_size", json_integer(1), "block_size");
    expect_refused("schema", json_string("airlock/volume/2"), "airlock/volume/1");
    expect_refused("extents", json_array(), "/extents");
    expect_refused("path", json_string("/etc"), "path");
}

static void lengths_of_extents_do_not_overflow(void **state)
{
    (void)state;
    struct digest d = digest_of_text("x");
    const char *text = digest_text(&d).text;
    json_t *big =
        json_pack("[{s:s,s:I,s:I},{s:s,s:I,s:I}]", "digest", text, "offset", (json_int_t)0, "length",
                  (json_int_t)INT64_MAX, "digest", text, "offset", (json_int_t)0, "length", (json_int_t)INT64_MAX);
    expect_refused("extents", big, "/extents");
}

static void head_refused(const char *bytes, size_t len, uint64_t size, enum err_code code, const char *word)
{
    struct err e = {0};
    uint64_t length;
    assert_int_equal(volume_head_parse(span_of(bytes, len), size, &length, &e), -1);
    assert_int_equal(e.code, code);
    if (!strstr(e.msg, word))
        fail_msg("wanted \"%s\" in: %s", word, e.msg);
}

static void what_is_no_volume_is_told_apart_from_what_is_cut(void **state)
{
    (void)state;
    static const char zeros[16];
    head_refused("", 0, 0, ERR_INPUT, "empty (0 bytes)");
    head_refused(zeros, 16, 2ULL << 30, ERR_INPUT, "zeros");
    head_refused("PK\x03\x04 archive", 12, 12, ERR_INPUT, "50 4b 03 04");
    head_refused(VOLUME_MAGIC "\0\0", 10, 10, ERR_INPUT, "truncated");
    head_refused(VOLUME_MAGIC "\0\0\0\2\0\0\0\1", 16, 99, ERR_INPUT, "version 2");
    head_refused(VOLUME_MAGIC "\0\0\0\1\0\0\0\100", 16, 79, ERR_INPUT, "truncated");
    head_refused(VOLUME_MAGIC "\0\0\0\1\377\377\377\377", 16, 1ULL << 40, ERR_LIMIT, "4294967295");
}

/* Every blob is covered once, in order, and each file is as small as was asked. */
static void check_plan(const struct volume_blob *blobs, size_t count, uint64_t limit)
{
    struct err e = {0};
    struct volume_header *list;
    size_t volumes, at = 0;
    uint64_t done = 0;
    if (volume_plan(blobs, count, limit, &list, &volumes, &e) < 0)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < volumes; i++) {
        auto_buf header = BUF(LIMIT_VOLUME_HEADER_BYTES + 64);
        snprintf(list[i].contour, sizeof list[i].contour, "000102030405060708090a0b0c0d0e0f");
        list[i].sequence = 1ULL << 40;
        assert_int_equal(volume_header_write(&list[i], &header, &e), 0);
        assert_true(header.len + list[i].payload <= limit);
        assert_int_equal(list[i].number, i + 1);
        assert_int_equal(list[i].count, volumes);
        for (size_t k = 0; k < list[i].extent_count; k++) {
            while (blobs[at].size == done) { /* whole, or empty: the next one */
                at++;
                done = 0;
            }
            assert_true(digest_equal(&list[i].extents[k].blob, &blobs[at].digest));
            assert_int_equal(list[i].extents[k].offset, done);
            done += list[i].extents[k].length;
        }
    }
    while (at < count && blobs[at].size == done) {
        at++;
        done = 0;
    }
    assert_int_equal(at, count);
    volume_plan_free(list, volumes);
}

static void blobs_fill_volumes_in_order_and_are_split(void **state)
{
    (void)state;
    struct volume_blob blobs[] = {{digest_of_text("a"), 10},        {digest_of_text("empty"), 0},
                                  {digest_of_text("b"), 70000},     {digest_of_text("c"), 1},
                                  {digest_of_text("d"), 300 << 20}, {digest_of_text("e"), 5ULL << 30}};
    check_plan(blobs, ARRAY_LEN(blobs), 64 << 20);
    check_plan(blobs, ARRAY_LEN(blobs), LIMIT_VOLUME_BYTES);
    check_plan(blobs, 5, 65536);
    check_plan(blobs, 2, 65536);
}

static void many_small_blobs_leave_room_for_their_extents(void **state)
{
    (void)state;
    static struct volume_blob blobs[5000];
    for (size_t i = 0; i < ARRAY_LEN(blobs); i++) {
        char name[16];
        snprintf(name, sizeof name, "%zu", i);
        blobs[i] = (struct volume_blob){digest_of_text(name), i % 7};
    }
    check_plan(blobs, ARRAY_LEN(blobs), 65536);
    check_plan(blobs, ARRAY_LEN(blobs), 1 << 20);
}

static void a_volume_without_room_for_a_header_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct volume_header *list;
    size_t count;
    struct volume_blob blob = {digest_of_text("a"), 10};

    assert_int_equal(volume_plan(&blob, 1, 100, &list, &count, &e), -1);

    assert_int_equal(e.code, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_the_golden_one),
        cmocka_unit_test(the_payload_begins_at_a_multiple_of_4096),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_header_that_contradicts_itself_is_refused),
        cmocka_unit_test(lengths_of_extents_do_not_overflow),
        cmocka_unit_test(what_is_no_volume_is_told_apart_from_what_is_cut),
        cmocka_unit_test(blobs_fill_volumes_in_order_and_are_split),
        cmocka_unit_test(many_small_blobs_leave_room_for_their_extents),
        cmocka_unit_test(a_volume_without_room_for_a_header_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
