#include "parse/sentencepiece.h"

#include <stdlib.h>
#include <string.h>

#include "parse/jinja.h"
#include "parse/protobuf.h"

enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_KIND = 3, NORMALIZER_TABLE = 2 };
enum { KIND_NORMAL = 1, KIND_UNKNOWN = 2, KIND_CONTROL = 3, KIND_USER = 4, KIND_UNUSED = 5, KIND_BYTE = 6 };

struct pieces {
    struct span *texts; /* owned; borrowed of the file */
    size_t count, room;
    size_t unknown; /* of the kind that stands for everything else */
};

static void check_piece(struct pb_walk *w, struct span message)
{
    struct pieces *p = w->arg;
    struct span text = pb_find_bytes(message, PIECE_TEXT);
    struct pb_field kind = {.value = KIND_NORMAL};
    (void)pb_find(message, PIECE_KIND, &kind);
    if (text.len == 0)
        report_finding(w->r, SEVERITY_HIGH, w->rule, w->at, "a piece without a text");
    if (kind.value < KIND_NORMAL || kind.value > KIND_BYTE)
        report_finding(w->r, SEVERITY_HIGH, w->rule, w->at, "a piece of a kind that does not exist");
    if ((kind.value == KIND_CONTROL || kind.value == KIND_USER) && jinja_has_hidden(text))
        report_finding(w->r, SEVERITY_MEDIUM, "config-token", w->at, "a special token with an invisible character");
    p->unknown += kind.value == KIND_UNKNOWN;
    if (p->count == LIMIT_PIECES)
        return;
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 1024;
        p->texts = reallocarray(p->texts, p->room, sizeof(*p->texts));
        if (!p->texts)
            abort();
    }
    p->texts[p->count++] = text;
}

/* The table of changes begins with the length of its first half, a trie of 32-bit units. */
static void check_normalizer(struct pb_walk *w, struct span message)
{
    struct span table = pb_find_bytes(message, NORMALIZER_TABLE), rest = table;
    uint32_t trie;
    if (table.len == 0)
        return;
    if (!span_take_le32(&rest, &trie) || trie > rest.len || trie % 4 != 0)
        report_finding(w->r, SEVERITY_HIGH, w->rule, w->at,
                       "a table of characters that is shorter than it says; readers would read behind it");
}

static const struct pb_field_type PIECE_FIELDS[] = {
    {PIECE_TEXT, PB_TEXT, false, "piece", NULL},
    {PIECE_SCORE, PB_FIXED32, false, "score", NULL},
    {PIECE_KIND, PB_INT, false, "type", NULL},
};
static const struct pb_type PIECE = {"SentencePiece", PIECE_FIELDS, ARRAY_LEN(PIECE_FIELDS), check_piece};

static const struct pb_field_type NORMALIZER_FIELDS[] = {
    {1, PB_TEXT, false, "name", NULL},
    {NORMALIZER_TABLE, PB_BYTES, false, "precompiled_charsmap", NULL},
    {3, PB_INT, false, "add_dummy_prefix", NULL},
    {4, PB_INT, false, "remove_extra_whitespaces", NULL},
    {5, PB_INT, false, "escape_whitespaces", NULL},
    {6, PB_TEXT, false, "normalization_rule_tsv", NULL},
};
static const struct pb_type NORMALIZER = {"NormalizerSpec", NORMALIZER_FIELDS, ARRAY_LEN(NORMALIZER_FIELDS),
                                          check_normalizer};

/* How it was trained, and texts that it was tried with: nothing that a reader goes by. */
static const struct pb_field_type MODEL_FIELDS[] = {
    {1, PB_MESSAGE, true, "pieces", &PIECE},
    {2, PB_SKIPPED, false, "trainer_spec", NULL},
    {3, PB_MESSAGE, false, "normalizer_spec", &NORMALIZER},
    {4, PB_SKIPPED, false, "self_test_data", NULL},
    {5, PB_MESSAGE, false, "denormalizer_spec", &NORMALIZER},
};
static const struct pb_type MODEL = {"ModelProto", MODEL_FIELDS, ARRAY_LEN(MODEL_FIELDS), NULL};

bool sentencepiece_is(struct span file)
{
    struct pb_field piece, text, score;
    const char *problem;
    return pb_next(&file, &piece, &problem) && piece.number == 1 && piece.wire == PB_WIRE_BYTES &&
           pb_next(&piece.bytes, &text, &problem) && text.number == PIECE_TEXT && text.wire == PB_WIRE_BYTES &&
           span_is_utf8(text.bytes) && pb_next(&piece.bytes, &score, &problem) && score.number == PIECE_SCORE &&
           score.wire == PB_WIRE_32;
}

static int by_text(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void check_pieces(struct pieces *p, struct report *r)
{
    if (p->count == LIMIT_PIECES)
        report_not_scanned(r, "sentencepiece-size", "pieces", "more than %u pieces", LIMIT_PIECES);
    if (p->unknown != 1)
        report_finding(r, SEVERITY_HIGH, "sentencepiece-broken", "pieces",
                       "%zu pieces stand for what is unknown; there is one", p->unknown);
    if (p->count)
        qsort(p->texts, p->count, sizeof(*p->texts), by_text);
    for (size_t i = 1; i < p->count; i++) {
        if (by_text(&p->texts[i - 1], &p->texts[i]) != 0)
            continue;
        report_finding(r, SEVERITY_HIGH, "config-token", "pieces", "two pieces have the same text: %.*s",
                       (int)(p->texts[i].len > 80 ? 80 : p->texts[i].len), (const char *)p->texts[i].ptr);
        return;
    }
}

void sentencepiece_check(struct span file, struct report *r)
{
    struct pieces p = {0};
    struct pb_walk w = {.r = r, .rule = "sentencepiece-broken", .arg = &p};
    if (pb_walk(&w, file, &MODEL) == 0)
        check_pieces(&p, r);
    json_put_uint(&r->facts, "tokens", p.count);
    free(p.texts);
}
