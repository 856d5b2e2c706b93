/* The pickle machine: what weights need passes, and each known trick with its opcodes is blocked. The numbers are those
 * of the list of bypasses; every input is made here. */
#include "look.h"
#include "pickles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "parse/pickle_machine.h"

#define ROW(text)                \
    {                            \
        (text), sizeof(text) - 1 \
    }

/* ── B. the machine ── */

static void case_10_two_ways_to_count_the_memo_are_blocked(void **state)
{
    auto_buf mixed = BUF(256), unset = BUF(256), twice = BUF(256), far = BUF(256);
    (void)state;
    buf_add_span(&mixed, SPAN_LIT("\x80\x04]\x94q\x05h\x05\x86."));
    is_blocked(&mixed, "pickle-memo");
    buf_add_span(&unset, SPAN_LIT("\x80\x02h\x07."));
    is_blocked(&unset, "pickle-memo");
    buf_add_span(&twice, SPAN_LIT("\x80\x02]q\x00]q\x00\x86."));
    is_blocked(&twice, "pickle-memo");
    buf_add_span(&far, SPAN_LIT("\x80\x02]r\xff\xff\xff\xff."));
    is_blocked(&far, "pickle-broken");
}

static void case_11_operands_that_are_not_the_last_two_texts_are_read_from_the_stack(void **state)
{
    auto_buf decoy = BUF(512), first = BUF(256), dup = BUF(256);
    (void)state;
    /* os and system go to the memo and are popped; torch.LongStorage is what a linear reader sees */
    buf_add_str(&decoy, "S'os'\np1\n0S'system'\np2\n0S'torch'\n0S'LongStorage'\n0g1\ng2\n\x93(S'id'\ntR.");
    auto_look l = look_pickle(&decoy);
    assert_true(verdict_blocks(l.verdict));
    assert_non_null(strstr(message_of(&l, "pickle-name"), "os.system"));
    buf_add_str(&first, "S'os'\nS'system'\n\x93(S'id'\ntR.");
    is_blocked(&first, "pickle-name");
    p_proto(&dup, 4);
    p_text(&dup, "timeit");
    buf_add_str(&dup, "2\x93)R.");
    is_blocked(&dup, "pickle-name");
}

static void case_11_operands_that_a_call_computed_are_blocked(void **state)
{
    auto_buf b = BUF(512);
    (void)state;
    p_proto(&b, 4);
    p_global(&b, "_codecs", "encode");
    p_text(&b, "os");
    p_text(&b, "latin1");
    buf_add_str(&b, "\x86R");
    p_text(&b, "system");
    buf_add_str(&b, "\x93)R.");
    is_blocked(&b, "pickle-name");
}

static void case_12_values_of_another_type_are_blocked(void **state)
{
    auto_buf number = BUF(256), bytes = BUF(256), key = BUF(256), call = BUF(256);
    (void)state;
    buf_add_span(&number, SPAN_LIT("\x80\x04K\x01\x8c\x06system\x93."));
    is_blocked(&number, "pickle-name");
    buf_add(&bytes,
            "\x80\x04"
            "C\x02os\x8c\x06system\x93.",
            16);
    is_blocked(&bytes, "pickle-name");
    buf_add_span(&key, SPAN_LIT("\x80\x05}\x96\x01\0\0\0\0\0\0\0xK\x01s."));
    is_blocked(&key, "pickle-type");
    p_global(&call, "collections", "OrderedDict");
    buf_add_str(&call, "S'no tuple'\nR.");
    is_blocked(&call, "pickle-call");
}

static void case_13_calls_without_reduce_are_blocked(void **state)
{
    auto_buf obj = BUF(256), inst = BUF(256);
    (void)state;
    buf_add_str(&obj, "(cos\nsystem\nS'id'\no0N.");
    is_blocked(&obj, "pickle-opcode");
    buf_add_str(&inst, "(S'id'\nicollections\nOrderedDict\n.");
    is_blocked(&inst, "pickle-opcode");
}

static void case_14_a_second_pickle_behind_the_first_is_read_and_blocked(void **state)
{
    auto_buf second = BUF(512), harmless = BUF(256), junk = BUF(256), broken = BUF(256);
    (void)state;
    buf_add_str(&second, "\x80\x02].\x80\x02");
    p_global(&second, "requests.api", "get");
    buf_add_str(&second, ")R.");
    auto_look l = look_pickle(&second);
    assert_int_equal(l.verdict, VERDICT_MALICIOUS);
    assert_true(look_has(&l, "pickle-trailing") && look_has(&l, "pickle-name"));
    buf_add_str(&harmless, "\x80\x02].\x80\x02].");
    is_blocked(&harmless, "pickle-trailing");
    buf_add_str(&junk, "\x80\x02].\xff");
    is_blocked(&junk, "pickle-trailing");
    buf_add_str(&broken, "\x80\x02");
    p_global(&broken, "builtins", "exec");
    buf_add_str(&broken, "(X\xff\xff");
    auto_look tail = look_pickle(&broken);
    assert_int_equal(tail.verdict, VERDICT_MALICIOUS);
    assert_true(look_has(&tail, "pickle-broken"));
}

static void case_15_an_argument_across_the_end_of_its_frame_is_blocked(void **state)
{
    auto_buf crossing = BUF(256), beyond = BUF(256), nested = BUF(256), early = BUF(256);
    (void)state;
    p_proto(&crossing, 4);
    p_frame(&crossing, 3); /* ends inside of the text */
    buf_add(&crossing,
            "\x8c\x0a"
            "cos\nsystem.",
            13);
    is_blocked(&crossing, "pickle-frame");
    p_proto(&beyond, 4);
    p_frame(&beyond, 1000);
    buf_add_str(&beyond, "].");
    is_blocked(&beyond, "pickle-broken");
    p_proto(&nested, 4);
    p_frame(&nested, 11);
    p_frame(&nested, 2);
    buf_add_str(&nested, "].");
    is_blocked(&nested, "pickle-frame");
    p_proto(&early, 4);
    p_frame(&early, 3);
    buf_add_str(&early, "].N");
    is_blocked(&early, "pickle-frame");
}

static void case_16_bombs_are_blocked(void **state)
{
    auto_buf laughs = BUF(4096), dup = BUF(256), digits = BUF(1 << 20), length = BUF(256), big = BUF(20000),
             mappings = BUF(4096), deep = BUF(8192);
    (void)state;
    buf_add_str(&laughs, "\x80\x02");
    for (unsigned level = 0; level < 10; level++) { /* lists of ten references to the list before */
        buf_add_str(&laughs, "](");
        for (int i = 0; i < 10 && level > 0; i++) {
            buf_add_byte(&laughs, 'h');
            buf_add_byte(&laughs, (uint8_t)(level - 1));
        }
        if (level == 0)
            buf_add_str(&laughs, "K\x01");
        buf_add_str(&laughs, "eq");
        buf_add_byte(&laughs, (uint8_t)level);
        if (level < 9)
            buf_add_str(&laughs, "0");
    }
    buf_add_str(&laughs, ".");
    is_blocked(&laughs, "pickle-bomb");
    p_proto(&mappings, 2);
    p_global(&mappings, "collections", "OrderedDict");
    buf_add_str(&mappings, "q\x7f)R"); /* ordered dicts of ten times the dict before */
    for (unsigned level = 0; level < 10; level++) {
        buf_add_byte(&mappings, 'q');
        buf_add_byte(&mappings, (uint8_t)level);
        buf_add_str(&mappings, "h\x7f)R(");
        for (int i = 0; i < 10; i++) {
            buf_add_byte(&mappings, 'K');
            buf_add_byte(&mappings, (uint8_t)i);
            buf_add_byte(&mappings, 'h');
            buf_add_byte(&mappings, (uint8_t)level);
        }
        buf_add_str(&mappings, "u");
    }
    buf_add_str(&mappings, ".");
    is_blocked(&mappings, "pickle-bomb");
    for (int i = 0; i < 2000; i++)
        buf_add_byte(&deep, ']');
    for (int i = 1; i < 2000; i++)
        buf_add_byte(&deep, 'a');
    buf_add_byte(&deep, '.');
    is_blocked(&deep, "pickle-depth");
    buf_add_str(&dup, "]22222222a.");
    is_blocked(&dup, "pickle-opcode");
    buf_add_str(&digits, "I");
    for (int i = 0; i < 500000; i++)
        buf_add_byte(&digits, '7');
    buf_add_str(&digits, "\n.");
    is_blocked(&digits, "pickle-bomb");
    buf_add(&length,
            "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"
            "abc",
            14);
    is_blocked(&length, "pickle-broken");
    buf_add_span(&big, SPAN_LIT("\x80\x02\x8b\x10\x27\0\0"));
    for (int i = 0; i < 10000; i++)
        buf_add_byte(&big, 0x55);
    buf_add_str(&big, ".");
    is_blocked(&big, "pickle-bomb");
}

static void case_16_a_call_that_takes_memory_is_blocked(void **state)
{
    auto_buf bytes = BUF(256), array = BUF(512), storage = BUF(256);
    (void)state;
    p_global(&bytes, "builtins", "bytearray");
    buf_add_str(&bytes, "(I1000000000000\ntR.");
    is_blocked(&bytes, "pickle-call");
    p_global(&array, "numpy.core.multiarray", "_reconstruct");
    buf_add_str(&array, "(cnumpy\nndarray\n(I1000000000000\ntS'b'\ntR.");
    is_blocked(&array, "pickle-call");
    p_global(&storage, "torch", "FloatStorage");
    buf_add_str(&storage, "(I1000000000000\ntR.");
    is_blocked(&storage, "pickle-call");
}

static void case_16_a_long_string_that_is_asked_about_again_and_again_ends(void **state)
{
    auto_buf b = BUF(8 << 20);
    (void)state;
    p_proto(&b, 2);
    buf_add_byte(&b, 'X');
    buf_add_le32(&b, 2 << 20);
    for (int i = 0; i < 2 << 20; i++)
        buf_add_byte(&b, 'a');
    buf_add_str(&b, "q\x01"
                    "0");
    for (int i = 0; i < 20000; i++) {
        p_global(&b, "_codecs", "encode");
        buf_add_str(&b, "h\x01");
        p_text(&b, "latin1");
        buf_add_str(&b, "\x86R\x85"
                        "0c__builtin__\nbytearray\nh\x01h\x01\x93"
                        "0h\x01\x85R0");
    }
    buf_add_str(&b, "N.");
    is_blocked(&b, NULL);
}

/* What stops a reader must not be what a loader steps over. */
static void case_17_what_makes_a_reader_stop_is_blocked(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        ROW("\x80\x02"
            "0cos\nsystem\n)R."),          /* POP of nothing */
        ROW("\x80\x02(0cos\nsystem\n)R."), /* POP takes a mark in C, nothing in Python */
        ROW("\x80\x02\x85."),              /* TUPLE1 of nothing */
        ROW("\x80\x02t."),                 /* TUPLE without a mark */
        ROW("\x80\x02N\x93."),             /* one operand */
        ROW("\x80\x06N."),                 /* a protocol of tomorrow */
        ROW("\x80\x02N\x80\x02."),         /* PROTO again */
        ROW("\x80\x02I12x\n."),            /* a number that is none */
        ROW("\x80\x02S'x\n."),             /* a quote is missing */
        ROW("\x80\x02X\x01\0\0\0\xff."),   /* no UTF-8 */
        ROW("\x80\x02"
            "F1.5.2\n."), /* no float */
        ROW("\x80\x02(K\x01"
            "d."),                /* a dict of three halves */
        ROW("\x80\x02V\\u12\n."), /* a broken escape */
        ROW("\x80\x02."),         /* STOP of nothing */
        ROW("\x80\x02NN."),       /* two values at the end */
        ROW("\x80\x02]K\x01"),    /* no STOP */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf b = BUF(256);
        buf_add(&b, rows[i].bytes, rows[i].len);
        is_blocked(&b, NULL);
    }
}

static void add_pickle_of_eval(struct buf *b)
{
    p_proto(b, 4);
    p_stack_global(b, "builtins", "eval");
    p_text(b, "1");
    buf_add_str(b, "\x85R.");
}

static void nested_is_found(struct span value, bool text, const char *rule)
{
    auto_buf b = BUF(1 << 20);
    p_proto(&b, 4);
    buf_add_str(&b, "}");
    p_text(&b, "weights");
    if (text) {
        buf_add_byte(&b, 'X');
        buf_add_le32(&b, (uint32_t)value.len);
    } else {
        buf_add_byte(&b, 'B');
        buf_add_le32(&b, (uint32_t)value.len);
    }
    buf_add_span(&b, value);
    buf_add_str(&b, "s.");
    auto_look l = look_pickle(&b);
    assert_true(look_has(&l, rule));
}

static void case_18_a_pickle_inside_of_a_value_gives_a_warning(void **state)
{
    auto_buf inner = BUF(512), hex = BUF(2048), twice = BUF(2048), packed = BUF(2048), gz = BUF(2048);
    (void)state;
    add_pickle_of_eval(&inner);
    struct span raw = buf_span(&inner);
    nested_is_found(raw, false, "nested-pickle");
    for (size_t i = 0; i < raw.len; i++)
        buf_printf(&hex, "%02x", raw.ptr[i]);
    nested_is_found(buf_span(&hex), true, "nested-pickle");
    p_base64(&twice, raw);
    nested_is_found(buf_span(&twice), true, "nested-pickle");
    uLongf len = 1024;
    uint8_t *room = buf_room(&packed, len);
    assert_int_equal(compress2(room, &len, raw.ptr, raw.len, 9), Z_OK);
    buf_grown(&packed, len);
    nested_is_found(buf_span(&packed), false, "nested-pickle");
    buf_clear(&twice);
    p_base64(&twice, buf_span(&packed));
    nested_is_found(buf_span(&twice), true, "nested-pickle");
    gzip(&gz, raw);
    nested_is_found(buf_span(&gz), false, "nested-pickle");
    nested_is_found(SPAN_LIT("cos\nsystem\n(S'id'\ntR."), true, "nested-pickle");
    nested_is_found(SPAN_LIT("os.system('id')"), true, "nested-code");
    nested_is_found(SPAN_LIT("b3Muc3lzdGVtKCdpZCcpICMgYSBjYWxs"), true, "nested-code"); /* the same in base64 */
    nested_is_found(SPAN_LIT("\\x80\\x04\\x8c\\x08builtins\\x8c\\x04eval\\x93)R."), true, "nested-pickle");
    nested_is_found(SPAN_LIT("Y29zCnN5c3RlbQooUydpZCcKdFIu"), true, "nested-pickle"); /* of protocol 0, in base64 */
    nested_is_found(SPAN_LIT("x = 1; exec(x)"), true, "nested-code");
}

static void case_18_a_nested_pickle_that_imports_blocks_and_a_harmless_one_does_not(void **state)
{
    auto_buf bad = BUF(512), good = BUF(512);
    (void)state;
    buf_add(&bad,
            "\x80\x04"
            "C\x17",
            4);
    buf_add_str(&bad, "\x80\x02");
    p_global(&bad, "builtins", "eval");
    buf_add_str(&bad, ")R..");
    bad.ptr[3] = (uint8_t)(bad.len - 5);
    is_blocked(&bad, "nested-pickle");
    buf_add(&good,
            "\x80\x04"
            "C\x0a\x80\x02}X\x01\0\0\0ab..",
            15);
    good.ptr[3] = (uint8_t)(good.len - 5);
    auto_look l = look_pickle(&good);
    assert_false(verdict_blocks(l.verdict));
}

static void case_18_a_bomb_of_wrappers_ends(void **state)
{
    auto_buf inner = BUF(1 << 20), outer = BUF(1 << 20);
    (void)state;
    add_pickle_of_eval(&inner);
    for (int depth = 0; depth < 10; depth++) {
        buf_clear(&outer);
        p_proto(&outer, 4);
        buf_add_byte(&outer, 'B');
        buf_add_le32(&outer, (uint32_t)inner.len);
        buf_add_span(&outer, buf_span(&inner));
        buf_add_str(&outer, ".");
        buf_clear(&inner);
        buf_add_span(&inner, buf_span(&outer));
    }
    is_blocked(&outer, "nested-pickle");
}

static void case_19_only_torchs_storages_may_be_persistent(void **state)
{
    static const char *const ids[] = {
        "(S'storage'\ncos\nsystem\nS'0'\nS'cpu'\nI1\ntQ.",
        "(S'module'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI1\ntQ.",
        "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI-1\ntQ.",
        "(S'storage'\nctorch\nTensor\nS'0'\nS'cpu'\nI1\ntQ.",
        "(S'storage'\nctorch\nFloatStorage\nS'../../0'\nS'cpu'\nI1\ntQ.",
        "(S'storage'\nctorch\nFloatStorage\nS'..'\nS'cpu'\nI1\ntQ.",
        "(S'storage'\nctorch\nFloatStorage\nS''\nS'cpu'\nI1\ntQ.",
        "(S'storage'\nctorch\nFloatStorage\nI0\nS'cpu'\nI1\ntQ.",
        "S'0'\nQ.",
        "P0\n.",
    };
    auto_buf good = BUF(256);
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        auto_buf b = BUF(256);
        p_proto(&b, 2);
        buf_add_str(&b, ids[i]);
        is_blocked(&b, NULL);
    }
    p_proto(&good, 2);
    buf_add_str(&good, "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI1\ntQ.");
    is_clean(&good);
}

/* ── what is honest ── */

static void plain_data_of_every_protocol_are_clean(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        ROW("(dp0\nS'a'\np1\n(lp2\nI1\naF2.5\naI01\naNas."),
        ROW("}q\x00(U\x01"
            "aq\x01]q\x02(K\x01G?\xf0\0\0\0\0\0\0eu."),
        ROW("\x80\x02}q\x00X\x01\0\0\0aq\x01\x88s."),
        ROW("\x80\x03"
            "C\x03"
            "abcq\x00."),
        ROW("\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94\x8c\x01"
            "a\x94K\x01s."),
        ROW("\x80\x04\x8f\x94(K\x01K\x02\x90."),
        ROW("\x80\x05\x96\x02\0\0\0\0\0\0\0hi\x94."),
        ROW("\x80\x02\x8a\x01\xff\x8b\x02\0\0\0\x01\x02J\xff\xff\xff\xff\x87."),
        ROW("I-5\n."),
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf b = BUF(256);
        buf_add(&b, rows[i].bytes, rows[i].len);
        is_clean(&b);
    }
}

static void a_tensor_that_fits_its_storage_is_clean_and_a_larger_one_is_blocked(void **state)
{
    static const struct {
        int numel, offset, size, stride;
        bool fits;
    } rows[] = {{6, 0, 6, 1, true},   {6, 0, 3, 2, true},       {6, 3, 3, 1, true}, {6, 4, 3, 1, false},
                {6, 0, 7, 1, false},  {6, 0, 4, 2, false},      {0, 0, 0, 1, true}, {6, 0, 2, -1, false},
                {6, -1, 2, 1, false}, {1, 0, 1000000, 0, true}, {6, 6, 1, 1, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf b = BUF(1024);
        p_proto(&b, 2);
        p_tensor(&b, "FloatStorage", "0", rows[i].numel, rows[i].offset, rows[i].size, rows[i].stride);
        buf_add_str(&b, ".");
        if (rows[i].fits)
            is_clean(&b);
        else
            is_blocked(&b, "pickle-call");
    }
}

static void a_state_dict_with_its_metadata_is_clean(void **state)
{
    auto_buf b = BUF(4096);
    (void)state;
    p_proto(&b, 2);
    p_global(&b, "collections", "OrderedDict");
    buf_add_str(&b, ")R(");
    p_text(&b, "layer.weight");
    p_tensor(&b, "HalfStorage", "0", 6, 0, 6, 1);
    buf_add_str(&b, "u}");
    p_text(&b, "_metadata");
    p_global(&b, "collections", "OrderedDict");
    buf_add_str(&b, ")R(");
    p_text(&b, "");
    buf_add_str(&b, "}");
    p_text(&b, "version");
    buf_add_str(&b, "K\x01susb.");
    is_clean(&b);
}

/* _rebuild_from_type_v2(function, class, arguments, state) around a tensor; the state gets one attribute. */
static void write_from_type(struct buf *b, const char *function, const char *class, int size, const char *attribute)
{
    p_proto(b, 2);
    p_global(b, "torch._tensor", "_rebuild_from_type_v2");
    buf_add_str(b, "(");
    p_global(b, "torch._utils", function);
    p_global(b, "torch.nn.parameter", class);
    buf_add_str(b, "((");
    p_text(b, "storage");
    p_global(b, "torch", "FloatStorage");
    p_text(b, "0");
    p_text(b, "cpu");
    p_int(b, 6);
    buf_add_str(b, "tQ");
    p_int(b, 0);
    p_int(b, size);
    buf_add_str(b, "\x85K\x01\x85\x89Nt}");
    p_text(b, attribute);
    buf_add_str(b, "K\x01stR.");
}

static void a_tensor_of_a_class_is_held_to_the_same_rules(void **state)
{
    auto_buf good = BUF(1024), large = BUF(1024), dunder = BUF(1024), other = BUF(1024), class = BUF(1024);
    (void)state;
    write_from_type(&good, "_rebuild_tensor_v2", "Parameter", 6, "tag");
    is_clean(&good);
    write_from_type(&large, "_rebuild_tensor_v2", "Parameter", 7, "tag");
    is_blocked(&large, "pickle-call");
    write_from_type(&dunder, "_rebuild_tensor_v2", "Parameter", 6, "__class__");
    is_blocked(&dunder, "pickle-call");
    write_from_type(&other, "_load_anything", "Parameter", 6, "tag");
    is_blocked(&other, "pickle-name");
    write_from_type(&class, "_rebuild_tensor_v2", "UninitializedTensorMixin", 6, "tag");
    is_blocked(&class, "pickle-name");
}

static void every_type_of_torch_may_be_named(void **state)
{
    static const char *const names[] = {"bits8", "bits16", "bits1x8", "int1",
                                        "int7",  "uint1",  "uint4",   "float8_e8m0fnu"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        auto_buf b = BUF(256), called = BUF(256);
        p_proto(&b, 2);
        p_global(&b, "torch", names[i]);
        buf_add_str(&b, ".");
        is_clean(&b);
        p_proto(&called, 2);
        p_global(&called, "torch", names[i]);
        buf_add_str(&called, ")R.");
        is_blocked(&called, "pickle-call");
    }
}

static void what_numpy_and_python_2_write_is_clean(void **state)
{
    auto_buf scalar = BUF(1024), encoded = BUF(1024), set = BUF(1024), short_scalar = BUF(1024);
    (void)state;
    p_proto(&scalar, 3);
    p_global(&scalar, "numpy._core.multiarray", "scalar");
    p_dtype(&scalar, "f8");
    p_bytes(&scalar, 8);
    buf_add_str(&scalar, "\x86R.");
    is_clean(&scalar);
    p_proto(&short_scalar, 3);
    p_global(&short_scalar, "numpy._core.multiarray", "scalar");
    p_dtype(&short_scalar, "f8");
    p_bytes(&short_scalar, 7);
    buf_add_str(&short_scalar, "\x86R.");
    is_blocked(&short_scalar, "pickle-call");
    /* bytes in protocol 2: text that is encoded again, "\xe9" as two bytes of UTF-8 */
    p_proto(&encoded, 2);
    p_global(&encoded, "numpy.core.multiarray", "scalar");
    p_dtype(&encoded, "u2");
    p_global(&encoded, "_codecs", "encode");
    p_text(&encoded, "a\xc3\xa9");
    p_text(&encoded, "latin1");
    buf_add_str(&encoded, "\x86R\x86R.");
    is_clean(&encoded);
    p_proto(&set, 2);
    p_global(&set, "__builtin__", "set");
    buf_add_str(&set, "](K\x01K\x02"
                      "e\x85R.");
    is_clean(&set);
}

static void an_array_of_numpy_is_clean_when_its_bytes_have_its_size(void **state)
{
    (void)state;
    for (int bytes = 7; bytes <= 9; bytes++) {
        auto_buf b = BUF(1024);
        p_proto(&b, 2);
        p_array(&b, "f4", 2, (size_t)bytes);
        buf_add_str(&b, ".");
        if (bytes == 8)
            is_clean(&b);
        else
            is_blocked(&b, "pickle-build");
    }
}

/* In protocol 0 a dict gets its items one by one, with tuples in between. */
static void write_fields(struct buf *b, int fields, const char *kind)
{
    char name[32];
    p_global(b, "numpy.core.multiarray", "scalar");
    p_global(b, "numpy", "dtype");
    snprintf(name, sizeof name, "V%d", 4 * fields);
    p_text(b, name);
    buf_add_str(b, "I00\nI01\n\x87R(I3\nS'|'\nN(");
    for (int i = 0; i < fields; i++)
        buf_printf(b, "S'f%d'\n", i);
    buf_add_str(b, "t(d");
    for (int i = 0; i < fields; i++) {
        buf_printf(b, "S'f%d'\n(", i);
        p_dtype(b, kind);
        buf_printf(b, "I%d\nts", 4 * i);
    }
    buf_printf(b, "I%d\nI1\nI16\ntb", 4 * fields);
    p_bytes(b, (size_t)(4 * fields));
    buf_add_str(b, "\x86R.");
}

static void a_type_of_many_fields_is_seen_to_its_last_one(void **state)
{
    (void)state;
    for (int fields = 1; fields <= 60; fields += 7) {
        auto_buf good = BUF(65536), objects = BUF(65536);
        write_fields(&good, fields, "f4");
        is_clean(&good);
        write_fields(&objects, fields, "O4");
        is_blocked(&objects, "pickle-call");
    }
}

static void a_large_and_honest_pickle_is_clean(void **state)
{
    auto_buf b = BUF(8 << 20);
    (void)state;
    p_proto(&b, 2);
    buf_add_span(&b, SPAN_LIT("}q\x00("));
    for (unsigned i = 0; i < 60000; i++) {
        char key[32];
        snprintf(key, sizeof key, "token (%u", i); /* a bracket is no code */
        p_text(&b, key);
        buf_add_byte(&b, 'r');
        buf_add_le32(&b, i + 1);
        buf_add_byte(&b, 'J');
        buf_add_le32(&b, i);
        if (i % 1000 == 999)
            buf_add_str(&b, i == 59999 ? "u" : "u(");
    }
    buf_add_str(&b, ".");
    is_clean(&b);
}

/* ── names of files and standing ── */

static void a_renamed_pickle_never_passes(void **state)
{
    static const char *const names[] = {"a.txt", "a", "a.json", "a.png", "a.md", "a.conf", "a.py", "a.gif", "LICENSE"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (enum form form = 0; form < FORMS; form++) {
            auto_buf b = BUF(8192);
            call_in_form(&b, form, "os", "system");
            auto_look l = look_named(buf_span(&b), names[i]);
            if (!verdict_blocks(l.verdict))
                fail_msg("form %d as %s came out %s", form, names[i], verdict_name(l.verdict));
        }
    }
}

static void a_pickle_behind_the_magic_of_a_picture_never_passes(void **state)
{
    (void)state;
    /* "G" is a float of eight bytes */
    auto_look gif = look_named(SPAN_LIT("GIF89aXXX0cos\nsystem\n(S'id'\ntR."), "picture.gif");
    assert_true(verdict_blocks(gif.verdict));
    auto_look many = look_named(SPAN_LIT("(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
                                         "((((((((((((cos\nsystem\n(S'id'\ntR."),
                                "notes.txt");
    assert_true(verdict_blocks(many.verdict));
}

static void a_pickle_that_stands_with_its_package_keeps_its_low_remark(void **state)
{
    auto_buf b = BUF(512);
    (void)state;
    call_in_form(&b, GLOBAL_2, "lib2to3.pgen2.grammar", "Grammar");
    struct inspect_options o = {.name = "lib2to3/Grammar3.11.2.final.0.pickle", .stands = true};
    auto_look l = look_at(buf_span(&b), &o);
    assert_int_equal(l.verdict, VERDICT_CLEAN);
    assert_true(look_has(&l, "package-pickle"));
    o.name = "doc/readme.txt";
    auto_look hidden = look_at(buf_span(&b), &o);
    assert_true(verdict_blocks(hidden.verdict));
}

static void a_finding_tells_the_place_and_why(void **state)
{
    auto_buf b = BUF(512);
    (void)state;
    call_in_form(&b, GLOBAL_2, "os", "system");
    auto_look l = look_pickle(&b);
    assert_non_null(strstr(l.rules, "pickle-name@byte 2 "));
    assert_non_null(strstr(message_of(&l, "pickle-name"), "starts programs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_10_two_ways_to_count_the_memo_are_blocked),
        cmocka_unit_test(case_11_operands_that_are_not_the_last_two_texts_are_read_from_the_stack),
        cmocka_unit_test(case_11_operands_that_a_call_computed_are_blocked),
        cmocka_unit_test(case_12_values_of_another_type_are_blocked),
        cmocka_unit_test(case_13_calls_without_reduce_are_blocked),
        cmocka_unit_test(case_14_a_second_pickle_behind_the_first_is_read_and_blocked),
        cmocka_unit_test(case_15_an_argument_across_the_end_of_its_frame_is_blocked),
        cmocka_unit_test(case_16_bombs_are_blocked),
        cmocka_unit_test(case_16_a_call_that_takes_memory_is_blocked),
        cmocka_unit_test(case_16_a_long_string_that_is_asked_about_again_and_again_ends),
        cmocka_unit_test(case_17_what_makes_a_reader_stop_is_blocked),
        cmocka_unit_test(case_18_a_pickle_inside_of_a_value_gives_a_warning),
        cmocka_unit_test(case_18_a_nested_pickle_that_imports_blocks_and_a_harmless_one_does_not),
        cmocka_unit_test(case_18_a_bomb_of_wrappers_ends),
        cmocka_unit_test(case_19_only_torchs_storages_may_be_persistent),
        cmocka_unit_test(plain_data_of_every_protocol_are_clean),
        cmocka_unit_test(a_tensor_that_fits_its_storage_is_clean_and_a_larger_one_is_blocked),
        cmocka_unit_test(a_state_dict_with_its_metadata_is_clean),
        cmocka_unit_test(a_tensor_of_a_class_is_held_to_the_same_rules),
        cmocka_unit_test(every_type_of_torch_may_be_named),
        cmocka_unit_test(what_numpy_and_python_2_write_is_clean),
        cmocka_unit_test(an_array_of_numpy_is_clean_when_its_bytes_have_its_size),
        cmocka_unit_test(a_type_of_many_fields_is_seen_to_its_last_one),
        cmocka_unit_test(a_large_and_honest_pickle_is_clean),
        cmocka_unit_test(a_renamed_pickle_never_passes),
        cmocka_unit_test(a_pickle_behind_the_magic_of_a_picture_never_passes),
        cmocka_unit_test(a_pickle_that_stands_with_its_package_keeps_its_low_remark),
        cmocka_unit_test(a_finding_tells_the_place_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
