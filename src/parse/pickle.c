/* Tells a pickle from other bytes by walking its opcodes without meaning (CPython, pickletools). No judgement: a pickle
 * of any kind needs a scanner. */
#include "parse/pickle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "parse/pickle_names.h"
#include "parse/sniff.h"
#include "util/auto.h"

/* What follows an opcode. */
enum argument {
    NO_OPCODE,
    NOTHING,
    BYTES_1,
    BYTES_2,
    BYTES_4,
    BYTES_8,
    LENGTH_1, /* a length of so many bytes, and then as many bytes as it says */
    LENGTH_4,
    LENGTH_8,
    LINE,
    TWO_LINES,
};

static const uint8_t ARGUMENTS[256] = {
    ['('] = NOTHING,   [')'] = NOTHING,   ['.'] = NOTHING,   ['0'] = NOTHING,   ['1'] = NOTHING,  ['2'] = NOTHING,
    ['B'] = LENGTH_4,  ['C'] = LENGTH_1,  ['F'] = LINE,      ['G'] = BYTES_8,   ['I'] = LINE,     ['J'] = BYTES_4,
    ['K'] = BYTES_1,   ['L'] = LINE,      ['M'] = BYTES_2,   ['N'] = NOTHING,   ['P'] = LINE,     ['Q'] = NOTHING,
    ['R'] = NOTHING,   ['S'] = LINE,      ['T'] = LENGTH_4,  ['U'] = LENGTH_1,  ['V'] = LINE,     ['X'] = LENGTH_4,
    [']'] = NOTHING,   ['a'] = NOTHING,   ['b'] = NOTHING,   ['c'] = TWO_LINES, ['d'] = NOTHING,  ['e'] = NOTHING,
    ['g'] = LINE,      ['h'] = BYTES_1,   ['i'] = TWO_LINES, ['j'] = BYTES_4,   ['l'] = NOTHING,  ['o'] = NOTHING,
    ['p'] = LINE,      ['q'] = BYTES_1,   ['r'] = BYTES_4,   ['s'] = NOTHING,   ['t'] = NOTHING,  ['u'] = NOTHING,
    ['}'] = NOTHING,   [0x80] = BYTES_1,  [0x81] = NOTHING,  [0x82] = BYTES_1,  [0x83] = BYTES_2, [0x84] = BYTES_4,
    [0x85] = NOTHING,  [0x86] = NOTHING,  [0x87] = NOTHING,  [0x88] = NOTHING,  [0x89] = NOTHING, [0x8a] = LENGTH_1,
    [0x8b] = LENGTH_4, [0x8c] = LENGTH_1, [0x8d] = LENGTH_8, [0x8e] = LENGTH_8, [0x8f] = NOTHING, [0x90] = NOTHING,
    [0x91] = NOTHING,  [0x92] = NOTHING,  [0x93] = NOTHING,  [0x94] = NOTHING,  [0x95] = BYTES_8, [0x96] = LENGTH_8,
    [0x97] = NOTHING,  [0x98] = NOTHING,
};

static bool skip_length(struct span *s, enum argument kind)
{
    uint64_t len = 0;
    uint32_t len4;
    uint8_t len1;
    if (kind == LENGTH_1   ? !span_take_u8(s, &len1)
        : kind == LENGTH_4 ? !span_take_le32(s, &len4)
                           : !span_take_le64(s, &len))
        return false;
    if (kind != LENGTH_8)
        len = kind == LENGTH_1 ? len1 : len4;
    return len <= s->len && span_skip(s, (size_t)len);
}

static bool skip_argument(struct span *s, enum argument kind)
{
    struct span line;
    switch (kind) {
    case NOTHING:
        return true;
    case BYTES_1:
        return span_skip(s, 1);
    case BYTES_2:
        return span_skip(s, 2);
    case BYTES_4:
        return span_skip(s, 4);
    case BYTES_8:
        return span_skip(s, 8);
    case LINE:
        return span_take_until(s, '\n', &line);
    case TWO_LINES:
        return span_take_until(s, '\n', &line) && span_take_until(s, '\n', &line);
    case LENGTH_1:
    case LENGTH_4:
    case LENGTH_8:
        return skip_length(s, kind);
    case NO_OPCODE:
        break;
    }
    return false;
}

/* What an opcode does to the stack: items that it needs, and how many there are more (or fewer) afterwards. Those that
 * take everything above the topmost mark are in `to_mark`. */
struct effect {
    uint8_t opcodes[24];
    uint8_t needs;
    int8_t change;
    bool to_mark;
};

static const struct effect EFFECTS[] = {
    {")FGIJKLMNPSTUVBCX]cgjh}", 0, 1, false},
    {{0x82, 0x83, 0x84, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x96, 0x97}, 0, 1, false},
    {{0x80, 0x95}, 0, 0, false},
    {{'Q', 'p', 'q', 'r', 0x85, 0x94, 0x98}, 1, 0, false},
    {{'2'}, 1, 1, false},
    {{'0'}, 1, -1, false},
    {{'a', 'b', 'R', 0x81, 0x86, 0x93}, 2, -1, false},
    {{'s', 0x87, 0x92}, 3, -2, false},
    {{'t', 'l', 'd', 'i', 'o', 0x91}, 0, 1, true},
    {{'e', 'u', 0x90}, 1, 0, true}, /* what they add to must lie below the mark */
    {{'1'}, 0, 0, true},
};

struct stack {
    size_t depth, marks, room;
    size_t *at_mark; /* owned */
};

static const struct effect *effect_of(uint8_t opcode)
{
    for (size_t i = 0; i < ARRAY_LEN(EFFECTS); i++)
        if (memchr(EFFECTS[i].opcodes, opcode, sizeof(EFFECTS[i].opcodes)))
            return &EFFECTS[i];
    return NULL;
}

/* More marks than any text begins with by chance: the machine says what is wrong with them. */
#define MARKS_MAX (1U << 20)

static bool push_mark(struct stack *s)
{
    if (s->marks == s->room) {
        s->room = s->room ? s->room * 2 : 64;
        s->at_mark = realloc(s->at_mark, s->room * sizeof *s->at_mark);
        if (!s->at_mark)
            abort();
    }
    s->at_mark[s->marks++] = s->depth;
    return true;
}

/* False where a real machine would stop with an error. */
static bool apply(struct stack *s, uint8_t opcode)
{
    const struct effect *effect = effect_of(opcode);
    if (opcode == '(')
        return push_mark(s);
    if (!effect)
        return false;
    if (opcode == '0' && s->marks > 0 && s->at_mark[s->marks - 1] == s->depth) {
        s->marks--; /* as CPython's C code has it */
        return true;
    }
    if (effect->to_mark) {
        if (s->marks == 0)
            return false;
        s->depth = s->at_mark[--s->marks];
    }
    if (s->depth < effect->needs)
        return false;
    s->depth = (size_t)((ssize_t)s->depth + effect->change);
    return true;
}

static bool calls(uint8_t opcode)
{
    return opcode == 'R' || opcode == 'i' || opcode == 'o' || opcode == 'b' || opcode == 0x81 || opcode == 0x92;
}

/* "c" and "i" are letters of texts too: what follows them in a pickle are a module and a name. */
static bool names_follow(struct span s)
{
    struct span lines[2];
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (!span_take_until(&s, '\n', &lines[i]) || lines[i].len == 0 || lines[i].len > 256)
            return false;
        for (size_t k = 0; k < lines[i].len; k++) {
            uint8_t c = lines[i].ptr[k];
            bool fine = c == '_' || c == '.' || c == '-' || c >= 0x80 || (c >= '0' && c <= '9') ||
                        ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
            if (!fine)
                return false;
        }
    }
    return true;
}

/* An import that is known to be bad has done its work before whatever comes next. */
static bool names_danger(struct span s)
{
    struct span module, name;
    return span_take_until(&s, '\n', &module) && span_take_until(&s, '\n', &name) && pickle_name_danger(module, name);
}

/* Names that are looked up: what has more of them and no call is no pickle that does something. */
#define IMPORTS_MAX 1000U

/* What a walk came across. */
struct walk {
    bool named, called, stopped; /* a name, a call after it (or a name that is enough), STOP with a value */
};

static struct walk walk(struct span bytes, size_t *budget)
{
    uint8_t opcode;
    struct stack stack = {0};
    struct walk w = {0};
    size_t imports = 0;
    for (; *budget > 0 && span_take_u8(&bytes, &opcode); --*budget) {
        if (opcode == '.') {
            w.stopped = stack.depth >= 1 && (w.named || bytes.len <= 1);
            break;
        }
        bool names = opcode == 'c' || opcode == 'i';
        struct span start = bytes;
        if ((names && !names_follow(bytes)) || !apply(&stack, opcode) ||
            !skip_argument(&bytes, (enum argument)ARGUMENTS[opcode]))
            break;
        w.named |= names || opcode == 0x93 || (opcode >= 0x82 && opcode <= 0x84);
        w.called |= w.named && calls(opcode);
        w.called |= names && imports++ < IMPORTS_MAX && names_danger(start);
        w.called |= stack.marks >= MARKS_MAX;
        if (w.called)
            break;
    }
    free(stack.at_mark);
    return w;
}

bool pickle_walks_to_import(struct span bytes, size_t *budget)
{
    struct walk w = walk(bytes, budget);
    return w.called || (w.named && w.stopped);
}

bool sniff_is_pickle(struct span file)
{
    size_t budget = SIZE_MAX; /* each opcode is a byte at least */
    if (file.len >= 2 && file.ptr[0] == 0x80 && file.ptr[1] >= 1 && file.ptr[1] <= 5)
        return true;
    struct walk w = walk(file, &budget);
    return w.called || (w.stopped && file.len > 1);
}
