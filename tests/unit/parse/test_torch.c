/* Containers of pickles: torch's zip and stacked forms, NumPy's files, joblib's, and what is hidden in or behind them.
 * The numbers are those of the list of bypasses; every input is made here. */
#include "look.h"
#include "pickles.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

/* ── helpers ── */

static void named_is(struct buf *b, const char *name, bool blocked, const char *rule)
{
    assert_true(buf_ok(b));
    auto_look l = look_named(buf_span(b), name);
    if (blocked ? !verdict_blocks(l.verdict) : l.verdict != VERDICT_CLEAN)
        fail_msg("%s came out %s: %s", name, verdict_name(l.verdict), l.rules);
    if (rule)
        assert_true(look_has(&l, rule));
}

static void a_call(struct buf *b)
{
    buf_add_str(b, "\x80\x02"
                   "cos\nsystem\n(S'id'\ntR.");
}

/* What differs from an honest checkpoint. */
struct checkpoint {
    const char *top;
    bool evil, script, second, extra, none;
    int bytes; /* of data/0; the pickle says 24 */
    uint16_t flags;
    uint32_t crc_off;
    const char *local_name, *byteorder, *beside;
};

static void write_checkpoint(struct buf *out, const struct checkpoint *c)
{
    struct zip_writer z;
    auto_buf data = BUF(4096);
    char name[128];
    static const uint8_t zeros[64];
    if (c->evil) {
        a_call(&data);
    } else {
        p_proto(&data, 2);
        p_tensor(&data, "FloatStorage", "0", 6, 0, 6, 1);
        buf_add_str(&data, ".");
    }
    z_begin(&z, out);
    snprintf(name, sizeof name, "%sdata.pkl", c->top);
    z_odd_member(&z, name, c->local_name, c->flags, c->crc_off, buf_span(&data));
    snprintf(name, sizeof name, "%sbyteorder", c->top);
    z_member(&z, name, span_str(c->byteorder ? c->byteorder : "little"));
    snprintf(name, sizeof name, "%sdata/0", c->top);
    if (!c->none)
        z_member(&z, name, span_of(zeros, (size_t)c->bytes));
    snprintf(name, sizeof name, "%sdata/1", c->top);
    if (c->extra)
        z_member(&z, name, SPAN_LIT("hidden"));
    snprintf(name, sizeof name, "%scode/__torch__.py", c->top);
    if (c->script)
        z_member(&z, name, SPAN_LIT("def forward(self): return 1\n"));
    if (c->second)
        z_member(&z, "other/data.pkl", SPAN_LIT("\x80\x02]."));
    if (c->beside)
        z_member(&z, c->beside, SPAN_LIT("three words here\n"));
    snprintf(name, sizeof name, "%sversion", c->top);
    z_member(&z, name, SPAN_LIT("3\n"));
    z_end(&z);
}

static void checkpoint_is(const struct checkpoint *c, const char *name, bool blocked, const char *rule)
{
    auto_buf b = BUF(1 << 16);
    write_checkpoint(&b, c);
    named_is(&b, name, blocked, rule);
}

/* ── torch, zip ── */

static void a_checkpoint_whose_storages_fit_is_clean(void **state)
{
    (void)state;
    checkpoint_is(&(struct checkpoint){.top = "archive/", .bytes = 24}, "model.pt", false, NULL);
    checkpoint_is(&(struct checkpoint){.top = "my model-1/", .bytes = 24}, "model.ckpt", false, NULL);
    checkpoint_is(&(struct checkpoint){.top = "", .bytes = 24}, "pytorch_model.bin", false, NULL);
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .byteorder = "big"}, "model.pth", false, NULL);
}

static void a_storage_of_another_size_is_blocked(void **state)
{
    (void)state;
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 20}, "model.pt", true, "torch-storage");
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 28}, "model.pt", true, "torch-storage");
    checkpoint_is(&(struct checkpoint){.top = "a/", .none = true}, "model.pt", true, "torch-storage");
}

static void a_member_that_no_tensor_has_is_blocked(void **state)
{
    (void)state;
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .extra = true}, "model.pt", true, "torch-storage");
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .second = true}, "model.pt", true, "torch-member");
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .beside = "setup.txt"}, "model.pt", true,
                  "torch-member");
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .beside = "a/notes.txt"}, "model.pt", true,
                  "torch-member");
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .byteorder = "middle"}, "model.pt", true,
                  "torch-member");
}

static void one_storage_with_two_sizes_is_blocked(void **state)
{
    struct zip_writer z;
    auto_buf data = BUF(4096), out = BUF(1 << 16);
    (void)state;
    p_proto(&data, 2);
    p_tensor(&data, "FloatStorage", "0", 6, 0, 6, 1);
    p_tensor(&data, "DoubleStorage", "0", 6, 0, 6, 1);
    buf_add_str(&data, "\x86.");
    z_begin(&z, &out);
    z_member(&z, "a/data.pkl", buf_span(&data));
    z_member(&z, "a/data/0", SPAN_LIT("123456789012345678901234"));
    z_end(&z);
    named_is(&out, "model.pt", true, "torch-storage");
}

/* ── 20 to 22, 26, 27: containers ── */

static void case_20_no_name_or_suffix_lets_a_checkpoint_pass(void **state)
{
    static const char *const names[] = {"model.bin", "model.pt", "model.ckpt2", "model", "model.txt", "a.npy", "a.dat"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        auto_buf b = BUF(256);
        checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .evil = true}, names[i], true, "pickle-name");
        a_call(&b);
        named_is(&b, names[i], true, "pickle-name");
    }
}

static void case_20_a_checkpoint_that_is_a_tar_is_not_scanned(void **state)
{
    auto_buf b = BUF(1 << 16), harmless = BUF(1 << 16);
    (void)state;
    tar_member(&b, "sys_info", '0', 0644, "", SPAN_LIT("\x80\x02]."));
    tar_member(&b, "pickle", '0', 0644, "", SPAN_LIT("cos\nsystem\n(S'id'\ntR."));
    tar_end(&b);
    named_is(&b, "model.pt", true, "pickle-name");
    tar_member(&harmless, "sys_info", '0', 0644, "", SPAN_LIT("\x80\x02]."));
    tar_end(&harmless);
    named_is(&harmless, "model.pt", true, "torch-tar");
}

static void case_21_a_zip_that_two_readers_read_differently_is_blocked(void **state)
{
    static const uint16_t flags[] = {0x1, 0x20, 0x40};
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .flags = flags[i]}, "model.pt", true, NULL);
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .crc_off = 1}, "model.pt", true, NULL);
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .local_name = "a/data.pk_"}, "model.pt", true,
                  "zip-differs");
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .beside = "a/data/0"}, "model.pt", true, NULL);
}

static void case_21_bytes_before_or_behind_the_archive_are_blocked(void **state)
{
    auto_buf before = BUF(1 << 16), behind = BUF(1 << 16), inner = BUF(1 << 16), outer = BUF(1 << 17);
    struct zip_writer z;
    (void)state;
    buf_add_str(&before, "\x80\x02N0");
    write_checkpoint(&before, &(struct checkpoint){.top = "a/", .bytes = 24});
    named_is(&before, "model.pt", true, NULL);
    write_checkpoint(&behind, &(struct checkpoint){.top = "a/", .bytes = 24});
    buf_add_str(&behind, "x");
    named_is(&behind, "model.pt", true, NULL);
    write_checkpoint(&inner, &(struct checkpoint){.top = "a/", .bytes = 24, .evil = true});
    z_begin(&z, &outer);
    z_member(&z, "data.txt", buf_span(&inner));
    z_end(&z);
    named_is(&outer, "model.zip", true, "pickle-name");
}

/* With a filter of libarchive's. */
static void compress_by(struct buf *out, struct span in, int (*add)(struct archive *))
{
    struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    uint8_t *room = buf_room(out, 65536);
    size_t used = 0;
    archive_write_set_format_raw(a);
    assert_int_equal(add(a), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(a, 1);
    assert_int_equal(archive_write_open_memory(a, room, 65536, &used), ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, in.ptr, in.len), in.len);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    archive_entry_free(entry);
    buf_grown(out, used);
}

static void case_22_a_compressed_pickle_is_read(void **state)
{
    static int (*const filters[])(struct archive *) = {archive_write_add_filter_gzip, archive_write_add_filter_bzip2,
                                                       archive_write_add_filter_xz,   archive_write_add_filter_lzma,
                                                       archive_write_add_filter_lz4,  archive_write_add_filter_zstd};
    auto_buf call = BUF(256), honest = BUF(4096);
    (void)state;
    a_call(&call);
    p_proto(&honest, 3);
    p_array(&honest, "f4", 2, 8);
    buf_add_str(&honest, ".");
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        auto_buf bad = BUF(1 << 17), good = BUF(1 << 17);
        compress_by(&bad, buf_span(&call), filters[i]);
        named_is(&bad, "model.pkl", true, "pickle-name");
        named_is(&bad, "model.joblib", true, "pickle-name");
        named_is(&bad, "a.txt", true, "pickle-name");
        compress_by(&good, buf_span(&honest), filters[i]);
        named_is(&good, "model.pkl", false, NULL);
    }
}

static void case_22_zlib_around_a_pickle_is_read(void **state)
{
    auto_buf call = BUF(256), packed = BUF(4096), old = BUF(4096), behind = BUF(4096), cut = BUF(4096);
    (void)state;
    a_call(&call);
    uLongf len = 1024;
    uint8_t *room = buf_room(&packed, len);
    assert_int_equal(compress2(room, &len, call.ptr, call.len, 3), Z_OK);
    buf_grown(&packed, len);
    named_is(&packed, "model.joblib", true, "pickle-name");
    named_is(&packed, "a.dat", true, "pickle-name");
    buf_printf(&old, "ZF0x%-17zx", call.len);
    buf_add_span(&old, buf_span(&packed));
    named_is(&old, "model.pkl.z", true, "pickle-name");
    buf_add_span(&behind, buf_span(&packed));
    buf_add_str(&behind, "more");
    named_is(&behind, "model.joblib", true, "content-mismatch");
    buf_add(&cut, packed.ptr, packed.len - 3);
    named_is(&cut, "model.joblib", true, "content-mismatch");
}

static void case_22_other_archives_are_not_scanned(void **state)
{
    (void)state;
    auto_look l = look_named(SPAN_LIT("7z\xbc\xaf\x27\x1c\0\4 and more"), "model.pt");
    assert_true(verdict_blocks(l.verdict));
}

static void case_26_a_polyglot_is_blocked(void **state)
{
    auto_buf zip = BUF(1 << 16), pickle = BUF(1 << 17), array = BUF(1 << 17), elf = BUF(1 << 16),
             storage = BUF(1 << 16);
    (void)state;
    /* a pickle whose last value is a zip file with "." as its comment */
    write_checkpoint(&zip, &(struct checkpoint){.top = "a/", .bytes = 24});
    p_proto(&pickle, 2);
    buf_add_byte(&pickle, 'T');
    buf_add_le32(&pickle, (uint32_t)zip.len);
    buf_add_span(&pickle, buf_span(&zip));
    pickle.ptr[pickle.len - 2] = 1;
    buf_add_str(&pickle, ".");
    named_is(&pickle, "model.bin", true, "hidden-archive");
    char header[128];
    int len = snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,), }\n", zip.len);
    buf_add(&array, "\x93NUMPY\x01\0", 8);
    buf_add_byte(&array, (uint8_t)len);
    buf_add_byte(&array, 0);
    buf_add(&array, header, (size_t)len);
    buf_add_span(&array, buf_span(&zip));
    named_is(&array, "a.npy", true, "hidden-archive");
    /* a program as the data of a tensor */
    struct zip_writer z;
    auto_buf data = BUF(4096);
    elf_file(&elf, 5, 6);
    p_proto(&data, 2);
    p_tensor(&data, "ByteStorage", "0", (int)elf.len, 0, (int)elf.len, 1);
    buf_add_str(&data, ".");
    z_begin(&z, &storage);
    z_member(&z, "a/data.pkl", buf_span(&data));
    z_member(&z, "a/data/0", buf_span(&elf));
    z_end(&z);
    named_is(&storage, "model.pt", true, "torch-storage");
}

static void case_27_code_in_a_checkpoint_is_not_scanned(void **state)
{
    (void)state;
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .script = true}, "model.pt", true, "torch-script");
    checkpoint_is(&(struct checkpoint){.top = "a/", .bytes = 24, .beside = "a/.data/more.txt"}, "model.pt", true,
                  "torch-member");
}

/* ── torch, stacked ── */

#define MAGIC                   \
    "\x80\x02\x8a\x0al\xfc\x9c" \
    "F\xf9 j\xa8P\x19."
#define VERSION "\x80\x02M\xe9\x03."
#define SYSTEM  "\x80\x02}(X\x0d\0\0\0little_endian\x88u."
#define KEYS    "\x80\x02](X\x01\0\0\0000e."

static void stacked(struct buf *b, const char *object, struct span keys, uint64_t numel, size_t bytes)
{
    buf_add_span(b, SPAN_LIT(MAGIC VERSION SYSTEM));
    if (object)
        buf_add_str(b, object);
    else {
        p_proto(b, 2);
        p_tensor(b, "FloatStorage", "0", 6, 0, 6, 1);
        buf_add_str(b, ".");
    }
    buf_add_span(b, keys);
    put_le64(b, numel);
    for (size_t i = 0; i < bytes; i++)
        buf_add_byte(b, 0);
}

static void stacked_pickles_of_torch_are_clean_when_each_byte_has_its_place(void **state)
{
    static const struct {
        uint64_t numel;
        size_t bytes;
        bool clean;
    } rows[] = {{6, 24, true}, {6, 23, false}, {6, 25, false}, {5, 20, false}, {1ULL << 62, 24, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf b = BUF(4096);
        stacked(&b, NULL, SPAN_LIT(KEYS), rows[i].numel, rows[i].bytes);
        named_is(&b, "pytorch_model.bin", !rows[i].clean, rows[i].clean ? NULL : "torch-stacked");
    }
    auto_buf other = BUF(4096), evil = BUF(4096), twice = BUF(4096), missing = BUF(4096);
    stacked(&other, NULL, SPAN_LIT("\x80\x02](X\x01\0\0\0001e."), 6, 24);
    named_is(&other, "pytorch_model.bin", true, "torch-stacked");
    stacked(&twice, NULL, SPAN_LIT("\x80\x02](X\x01\0\0\0000X\x01\0\0\0000e."), 6, 24);
    named_is(&twice, "pytorch_model.bin", true, "torch-stacked");
    stacked(&missing, NULL, SPAN_LIT("\x80\x02]."), 6, 24);
    named_is(&missing, "pytorch_model.bin", true, "torch-storage");
    stacked(&evil, "cos\nsystem\n(S'id'\ntR.", SPAN_LIT(KEYS), 6, 24);
    named_is(&evil, "pytorch_model.bin", true, "pickle-name");
}

static void case_27_a_magic_number_that_is_computed_is_blocked(void **state)
{
    auto_buf b = BUF(4096);
    (void)state;
    buf_add_str(&b, "c__builtin__\neval\n(S'0x1950A86A20F9469CFC6C'\ntR.");
    buf_add_span(&b, SPAN_LIT(VERSION SYSTEM));
    buf_add_str(&b, "cposix\nsystem\n(S'id'\ntR.");
    auto_look l = look_named(buf_span(&b), "model.pt");
    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
}

/* ── NumPy ── */

static void npy(struct buf *b, uint8_t version, const char *header, struct span data)
{
    buf_add(b, "\x93NUMPY", 6);
    buf_add_byte(b, version);
    buf_add_byte(b, 0);
    buf_add_byte(b, (uint8_t)strlen(header));
    for (int i = 0; i < (version == 1 ? 1 : 3); i++)
        buf_add_byte(b, 0);
    buf_add_str(b, header);
    buf_add_span(b, data);
}

static void an_array_is_read_by_its_header(void **state)
{
    static const struct {
        const char *header;
        bool clean;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", true},
        {"{'shape': (2, 1), 'fortran_order': True, 'descr': '<f4'}   \n", true},
        {"{'descr': [('a', '<i2'), ('b', '|u1', (2,))], 'fortran_order': False, 'shape': (2,)}\n", true},
        {"{'descr': [('a', '<i2'), (('t', 'b'), [('c', '|S2')])], 'fortran_order': False, 'shape': (2,)}\n", true},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n\n", false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2), }\n", false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [2], }\n", false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1+1,), }\n", false},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }\n", false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}\n", false},
        {"{'descr': '<f4', 'fortran_order': False}\n", false},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n", false},
        {"{'descr': '<f3', 'fortran_order': False, 'shape': (2,), }\n", false},
        {"{'descr': __import__('os'), 'fortran_order': False, 'shape': (2,), }\n", false},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 2), }\n", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (uint8_t version = 1; version <= 4; version++) {
            auto_buf b = BUF(4096);
            npy(&b, version, rows[i].header, SPAN_LIT("12345678"));
            named_is(&b, "a.npy", !rows[i].clean || version == 4, NULL);
        }
    }
}

static void case_26_a_program_in_the_place_of_an_array_is_blocked(void **state)
{
    auto_buf program = BUF(4096), b = BUF(8192);
    char header[128];
    (void)state;
    elf_file(&program, 5, 6);
    snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,)}\n", program.len);
    npy(&b, 1, header, buf_span(&program));
    named_is(&b, "a.npy", true, "hidden-program");
}

static void case_24_an_array_of_objects_is_blocked(void **state)
{
    static const char *const types[] = {"'|O'", "'O8'", "[('a', '<f4'), ('b', [('c', '|O')])]", "[('a', '|O', (2,))]"};
    auto_buf member = BUF(1 << 16), inner = BUF(4096);
    struct zip_writer z;
    char header[256];
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        auto_buf b = BUF(4096);
        snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': (1,), }\n", types[i]);
        npy(&b, 1, header, SPAN_LIT("cos\nsystem\n(S'id'\ntR."));
        named_is(&b, "a.npy", true, "numpy-object");
        named_is(&b, "a.dat", true, "pickle-name");
    }
    npy(&inner, 1, "{'descr': '|O', 'fortran_order': False, 'shape': (), }\n", SPAN_LIT("\x80\x02N."));
    z_begin(&z, &member);
    z_member(&z, "a.npy", buf_span(&inner));
    z_end(&z);
    named_is(&member, "a.npz", true, "numpy-object");
}

static void a_collection_of_arrays_holds_nothing_else(void **state)
{
    auto_buf inner = BUF(4096), good = BUF(1 << 16), foreign = BUF(1 << 16);
    struct zip_writer z;
    (void)state;
    npy(&inner, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", SPAN_LIT("12345678"));
    z_begin(&z, &good);
    z_member(&z, "a.npy", buf_span(&inner));
    z_member(&z, "b.npy", buf_span(&inner));
    z_end(&z);
    named_is(&good, "a.npz", false, NULL);
    z_begin(&z, &foreign);
    z_member(&z, "a.npy", buf_span(&inner));
    z_member(&z, "b.txt", SPAN_LIT("words\n"));
    z_end(&z);
    named_is(&foreign, "a.npz", true, "numpy-member");
}

/* ── joblib ── */

static void wrapped(struct buf *b, const char *kind, int elements, bool aligned, struct span data)
{
    p_global(b, "joblib.numpy_pickle", "NumpyArrayWrapper");
    buf_add_str(b, ")\x81}(");
    p_text(b, "subclass");
    p_global(b, "numpy", "ndarray");
    p_text(b, "shape");
    p_int(b, elements);
    buf_add_str(b, "\x85");
    p_text(b, "order");
    p_text(b, "C");
    p_text(b, "dtype");
    p_dtype(b, kind);
    p_text(b, "allow_mmap");
    buf_add_str(b, "\x88");
    if (aligned) {
        p_text(b, "numpy_array_alignment_bytes");
        p_int(b, 16);
    }
    buf_add_str(b, "ub");
    if (aligned)
        buf_add_str(b, "\x03\xff\xff\xff");
    buf_add_span(b, data);
}

static void arrays_in_the_stream_of_joblib_are_clean(void **state)
{
    auto_buf b = BUF(8192), cut = BUF(4096);
    (void)state;
    p_proto(&b, 3);
    buf_add_str(&b, "](");
    wrapped(&b, "f4", 2, false, SPAN_LIT("\0\0\x80\x3f\0\0\0\x40"));
    wrapped(&b, "u1", 5, true, SPAN_LIT("\xff\xfe\xfd\xfc\xfb"));
    wrapped(&b, "f8", 0, false, SPAN_LIT(""));
    wrapped(&b, "u1", 1, false, SPAN_LIT("N")); /* an opcode, and the readings meet again */
    buf_add_str(&b, "e.");
    named_is(&b, "model.joblib", false, NULL);
    p_proto(&cut, 3);
    wrapped(&cut, "f4", 3, false, SPAN_LIT("\0\0\x80\x3f\0\0\0\x40"));
    buf_add_str(&cut, ".");
    named_is(&cut, "model.joblib", true, "pickle-broken");
}

static void many_small_arrays_are_read_in_both_ways(void **state)
{
    auto_buf b = BUF(32 << 20);
    (void)state;
    p_proto(&b, 3);
    buf_add_str(&b, "](");
    for (int i = 0; i < 20000; i++) {
        wrapped(&b, "f4", 1, false, SPAN_LIT("N\0\x80\x3f"));
        if (i % 1000 == 999)
            buf_add_str(&b, i == 19999 ? "e" : "e(");
    }
    buf_add_str(&b, ".");
    named_is(&b, "model.joblib", false, NULL);
}

static void an_array_whose_bytes_are_opcodes_for_another_loader_is_blocked(void **state)
{
    auto_buf direct = BUF(4096), stack = BUF(4096), crossing = BUF(4096);
    (void)state;
    p_proto(&direct, 3);
    wrapped(&direct, "u1", 24, false, SPAN_LIT("0cos\nsystem\n(S'id'\ntR.  "));
    buf_add_str(&direct, ".");
    named_is(&direct, "model.joblib", true, "joblib-two-readings");
    /* the texts stand on the stack already */
    p_proto(&stack, 3);
    p_text(&stack, "os");
    p_text(&stack, "system");
    wrapped(&stack, "u1", 5, false, SPAN_LIT("0\x93)R."));
    buf_add_str(&stack, "\x87.");
    named_is(&stack, "model.joblib", true, "joblib-two-readings");
    /* the last byte of the array begins an argument that ends inside of a text behind it */
    p_proto(&crossing, 3);
    buf_add_str(&crossing, "(");
    wrapped(&crossing, "u1", 2, false, SPAN_LIT("C\x05"));
    p_text(&crossing, "cos\nsystem\n)R.");
    buf_add_str(&crossing, "t.");
    named_is(&crossing, "model.joblib", true, "joblib-two-readings");
}

static void a_wrapper_outside_of_joblib_is_blocked(void **state)
{
    struct zip_writer z;
    auto_buf data = BUF(4096), out = BUF(1 << 16);
    (void)state;
    p_proto(&data, 2);
    wrapped(&data, "u1", 1, false, SPAN_LIT("N"));
    buf_add_str(&data, ".");
    z_begin(&z, &out);
    z_member(&z, "a/data.pkl", buf_span(&data));
    z_end(&z);
    named_is(&out, "model.pt", true, "pickle-name");
}

static void an_array_beside_lies_in_the_same_folder(void **state)
{
    static const struct {
        const char *filename;
        bool clean;
    } rows[] = {{"a.pkl_01.npy", true}, {"../a.npy", false}, {"/etc/passwd", false}, {"..", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf b = BUF(4096);
        p_proto(&b, 2);
        p_global(&b, "joblib.numpy_pickle", "NDArrayWrapper");
        buf_add_str(&b, ")\x81}(");
        p_text(&b, "filename");
        p_text(&b, rows[i].filename);
        buf_add_str(&b, "ub.");
        named_is(&b, "a.pkl", !rows[i].clean, rows[i].clean ? "joblib-beside" : "joblib-path");
    }
}

static void an_estimator_is_blocked_by_its_name(void **state)
{
    auto_buf b = BUF(4096);
    (void)state;
    p_proto(&b, 3);
    p_global(&b, "sklearn.linear_model._base", "LinearRegression");
    buf_add_str(&b, ")\x81}(");
    p_text(&b, "coef_");
    wrapped(&b, "f4", 2, false, SPAN_LIT("\0\0\x80\x3f\0\0\0\x40"));
    buf_add_str(&b, "ub.");
    auto_look l = look_named(buf_span(&b), "model.joblib");
    assert_int_equal(l.verdict, VERDICT_SUSPICIOUS);
    assert_true(look_has(&l, "pickle-name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_whose_storages_fit_is_clean),
        cmocka_unit_test(a_storage_of_another_size_is_blocked),
        cmocka_unit_test(a_member_that_no_tensor_has_is_blocked),
        cmocka_unit_test(one_storage_with_two_sizes_is_blocked),
        cmocka_unit_test(case_20_no_name_or_suffix_lets_a_checkpoint_pass),
        cmocka_unit_test(case_20_a_checkpoint_that_is_a_tar_is_not_scanned),
        cmocka_unit_test(case_21_a_zip_that_two_readers_read_differently_is_blocked),
        cmocka_unit_test(case_21_bytes_before_or_behind_the_archive_are_blocked),
        cmocka_unit_test(case_22_a_compressed_pickle_is_read),
        cmocka_unit_test(case_22_zlib_around_a_pickle_is_read),
        cmocka_unit_test(case_22_other_archives_are_not_scanned),
        cmocka_unit_test(case_26_a_polyglot_is_blocked),
        cmocka_unit_test(case_27_code_in_a_checkpoint_is_not_scanned),
        cmocka_unit_test(stacked_pickles_of_torch_are_clean_when_each_byte_has_its_place),
        cmocka_unit_test(case_27_a_magic_number_that_is_computed_is_blocked),
        cmocka_unit_test(an_array_is_read_by_its_header),
        cmocka_unit_test(case_26_a_program_in_the_place_of_an_array_is_blocked),
        cmocka_unit_test(case_24_an_array_of_objects_is_blocked),
        cmocka_unit_test(a_collection_of_arrays_holds_nothing_else),
        cmocka_unit_test(arrays_in_the_stream_of_joblib_are_clean),
        cmocka_unit_test(many_small_arrays_are_read_in_both_ways),
        cmocka_unit_test(an_array_whose_bytes_are_opcodes_for_another_loader_is_blocked),
        cmocka_unit_test(a_wrapper_outside_of_joblib_is_blocked),
        cmocka_unit_test(an_array_beside_lies_in_the_same_folder),
        cmocka_unit_test(an_estimator_is_blocked_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
