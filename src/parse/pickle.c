/* Tells a pickle from other bytes by walking its opcodes without meaning (CPython, pickletools). No judgement: a pickle
 * of any kind needs a scanner. */
#include <string.h>
#include <sys/types.h>

#include "parse/sniff.h"
#include "util/auto.h"

/* How far a stream is followed: enough to be sure. */
#define OPCODES_MAX 4096U

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

#define MARKS_MAX 64U

struct stack {
    size_t depth, marks;
    size_t at_mark[MARKS_MAX];
};

static const struct effect *effect_of(uint8_t opcode)
{
    for (size_t i = 0; i < ARRAY_LEN(EFFECTS); i++)
        if (memchr(EFFECTS[i].opcodes, opcode, sizeof(EFFECTS[i].opcodes)))
            return &EFFECTS[i];
    return NULL;
}

/* False where a real machine would stop with an error. */
static bool apply(struct stack *s, uint8_t opcode)
{
    const struct effect *effect = effect_of(opcode);
    if (opcode == '(') {
        if (s->marks >= MARKS_MAX)
            return false;
        s->at_mark[s->marks++] = s->depth;
        return true;
    }
    if (!effect)
        return false;
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

bool sniff_is_pickle(struct span file)
{
    uint8_t opcode;
    struct stack stack = {0};
    bool binary = file.len >= 2 && file.ptr[0] == 0x80 && file.ptr[1] >= 1 && file.ptr[1] <= 5;
    bool named = false, called = false;
    if (binary)
        return true;
    for (size_t count = 0; count < OPCODES_MAX && span_take_u8(&file, &opcode); count++) {
        if (opcode == '.')
            return stack.depth >= 1 && (named || (count >= 1 && file.len <= 1));
        if (opcode == 'c' || opcode == 'i') {
            if (!names_follow(file))
                break;
            named = true;
        }
        if (!apply(&stack, opcode) || !skip_argument(&file, (enum argument)ARGUMENTS[opcode]))
            break;
        called |= named && calls(opcode);
    }
    return called;
}
