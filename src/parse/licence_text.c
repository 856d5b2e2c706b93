#include "parse/licence_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse/licence_prints.h"

#define WORDS       5U   /* in a print */
#define ENOUGH      78U  /* percent of a text's prints that must be there: names of people and years differ */
#define COVERED     75U  /* percent of a file's words that make it the text of a licence … */
#define BESIDE_MAX  150U /* … and no more words than these may stand beside it: a rider is longer than a greeting */
#define REACH       3U   /* steps between two prints are seldom more */
#define PRINT_COUNT (sizeof PRINTS / sizeof *PRINTS)

struct words {
    struct buf text;  /* normal words, a blank behind each */
    uint32_t *starts; /* owned; of each word in `text` */
    size_t count, room;
};

struct found {
    unsigned licence, matched;
};

/* ── words ── */

static struct span take_line(struct span *rest)
{
    struct span line;
    if (!span_take_until(rest, '\n', &line)) {
        line = *rest;
        span_skip(rest, rest->len);
    }
    return line;
}

static struct span take_word(struct span *line)
{
    size_t len = 0;
    struct span word = {0};
    while (line->len && !isalnum(*line->ptr))
        span_skip(line, 1);
    while (len < line->len && isalnum(line->ptr[len]))
        len++;
    span_take(line, len, &word);
    return word;
}

static bool is_word(struct span word, const char *text)
{
    return word.len == strlen(text) && strncasecmp((const char *)word.ptr, text, word.len) == 0;
}

/* "Copyright (c) 2024 …", "(c) 2024", "All rights reserved." */
static bool is_notice(struct span line)
{
    struct span first = take_word(&line), second = take_word(&line), third = take_word(&line);
    bool number = second.len && isdigit(*second.ptr);
    if (is_word(first, "copyright"))
        return second.len == 0 || number || is_word(second, "c") || is_word(second, "year") || is_word(second, "yyyy");
    return (is_word(first, "c") && number) ||
           (is_word(first, "all") && is_word(second, "rights") && is_word(third, "reserved"));
}

static void add_word(struct words *w, struct span word)
{
    static const char *const same[][2] = {{"licence", "license"}, {"licences", "licenses"}, {"https", "http"}};
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        if (is_word(word, same[i][0]))
            word = span_str(same[i][1]);
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 1024;
        w->starts = reallocarray(w->starts, w->room, sizeof *w->starts);
        if (!w->starts)
            abort();
    }
    w->starts[w->count++] = (uint32_t)w->text.len;
    for (size_t i = 0; i < word.len; i++)
        buf_add_byte(&w->text, (uint8_t)tolower(word.ptr[i]));
    buf_add_byte(&w->text, ' ');
}

static void words_of(struct span file, struct words *w)
{
    struct span rest = file, word;
    if (rest.len > LICENCE_FILE_BYTES)
        rest.len = LICENCE_FILE_BYTES;
    while (rest.len) {
        struct span line = take_line(&rest);
        if (is_notice(line))
            continue;
        while ((word = take_word(&line)).len)
            add_word(w, word);
    }
}

static void words_fini(struct words *w)
{
    buf_fini(&w->text);
    free(w->starts);
}

/* Of the words from `at` on: FNV-1a, stirred. */
static uint32_t print_at(const struct words *w, size_t at)
{
    size_t end = (at + WORDS < w->count ? w->starts[at + WORDS] : w->text.len) - 1;
    uint32_t h = 2166136261U;
    for (size_t i = w->starts[at]; i < end; i++)
        h = (h ^ w->text.ptr[i]) * 16777619U;
    h ^= h >> 16;
    h *= 0x7feb352dU;
    h ^= h >> 15;
    h *= 0x846ca68bU;
    return h ^ h >> 16;
}

/* ── prints ── */

/* The first of that value, or PRINT_COUNT. */
static size_t find_print(uint32_t value)
{
    size_t low = 0, high = PRINT_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (PRINTS[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < PRINT_COUNT && PRINTS[low] == value ? low : PRINT_COUNT;
}

static void match(const struct words *w, bool seen[PRINT_COUNT])
{
    for (size_t i = 0; i + WORDS <= w->count; i++) {
        uint32_t value = print_at(w, i);
        for (size_t p = find_print(value); p < PRINT_COUNT && PRINTS[p] == value; p++)
            seen[p] = true;
    }
}

/* Words that are there, less those that are missing: of two clauses and three, the text that was meant. */
static long weight(const struct found *f)
{
    return (2L * f->matched - LICENCES[f->licence].count) * LICENCES[f->licence].step;
}

static int by_weight(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    long left = weight(x), right = weight(y);
    return left == right ? (x->licence > y->licence) - (x->licence < y->licence) : left < right ? 1 : -1;
}

static size_t candidates(const bool seen[PRINT_COUNT], struct found list[ARRAY_LEN(LICENCES)])
{
    size_t count = 0;
    unsigned matched[ARRAY_LEN(LICENCES)] = {0};
    for (size_t p = 0; p < PRINT_COUNT; p++)
        matched[OWNERS[p]] += seen[p];
    for (unsigned i = 0; i < ARRAY_LEN(LICENCES); i++)
        if (matched[i] * 100 >= LICENCES[i].count * ENOUGH)
            list[count++] = (struct found){i, matched[i]};
    qsort(list, count, sizeof *list, by_weight);
    return count;
}

static bool has_print(unsigned licence, size_t of)
{
    for (size_t p = find_print(PRINTS[of]); p < PRINT_COUNT && PRINTS[p] == PRINTS[of]; p++)
        if (OWNERS[p] == licence)
            return true;
    return false;
}

/* Is most of what was seen of `less` the words of `more`: the text of two clauses in that of three? */
static bool is_part(const bool seen[PRINT_COUNT], unsigned less, unsigned more)
{
    size_t shared = 0, could = 0;
    for (size_t p = 0; p < PRINT_COUNT; p++) {
        if (OWNERS[p] != less || !seen[p] || PRINTS[p] % LICENCES[more].step)
            continue;
        could++;
        shared += has_print(more, p);
    }
    return 2 * shared > could;
}

static bool is_part_of_any(const bool seen[PRINT_COUNT], unsigned licence, const unsigned *taken, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(LICENCES[licence].id, LICENCES[taken[i]].id) == 0 || is_part(seen, licence, taken[i]))
            return true;
    return false;
}

/* How many of the words stand near a print of those that were taken: prints are a step apart on the average. */
static size_t words_covered(const struct words *w, const unsigned *taken, size_t count)
{
    size_t covered = 0, end = 0;
    for (size_t i = 0; i + WORDS <= w->count; i++) {
        uint32_t value = print_at(w, i);
        size_t reach = 0;
        for (size_t p = find_print(value); p < PRINT_COUNT && PRINTS[p] == value; p++)
            for (size_t k = 0; k < count; k++)
                if (OWNERS[p] == taken[k] && REACH * LICENCES[taken[k]].step > reach)
                    reach = REACH * LICENCES[taken[k]].step;
        if (reach == 0)
            continue;
        size_t from = i > reach ? i - reach : 0, to = i + WORDS + reach;
        if (to > w->count)
            to = w->count;
        if (from < end)
            from = end;
        if (to > from)
            covered += to - from;
        if (to > end)
            end = to;
    }
    return covered;
}

void licence_texts_find(struct span file, struct licence_texts *out)
{
    AUTO(words_fini) struct words w = {.text = BUF(2U * LICENCE_FILE_BYTES + 16)};
    bool seen[PRINT_COUNT] = {false};
    struct found list[ARRAY_LEN(LICENCES)];
    unsigned taken[LICENCE_TEXTS_MAX];
    *out = (struct licence_texts){0};
    words_of(file, &w);
    if (w.count < WORDS || !buf_ok(&w.text))
        return;
    match(&w, seen);
    size_t count = candidates(seen, list);
    for (size_t i = 0; i < count && out->count < LICENCE_TEXTS_MAX; i++) {
        if (is_part_of_any(seen, list[i].licence, taken, out->count))
            continue;
        taken[out->count] = list[i].licence;
        out->ids[out->count++] = LICENCES[list[i].licence].id;
    }
    size_t covered = words_covered(&w, taken, out->count);
    out->covered = (unsigned)(covered * 100 / w.count);
    out->beside = w.count - covered;
}

/* What takes back a part of what the text beside it gives. */
static bool has_rider(struct span file)
{
    static const char *const riders[] = {"commons clause", "Commons Clause", "COMMONS CLAUSE"};
    for (size_t i = 0; i < ARRAY_LEN(riders); i++)
        if (file.len && memmem(file.ptr, file.len, riders[i], strlen(riders[i])))
            return true;
    return false;
}

/* The one exception that has a text of its own, and the licence that it is to. */
static const char EXCEPTION[] = "GCC-exception-3.1", EXCEPTED[] = "GPL-3.0-only";

bool licence_text_read(struct span file, struct buf *out)
{
    struct licence_texts found;
    bool excepted = false, begun = false;
    licence_texts_find(file, &found);
    if (found.count == 0 || found.covered < COVERED || found.beside > BESIDE_MAX || has_rider(file))
        return false;
    for (size_t i = 0; i < found.count; i++)
        excepted |= strcmp(found.ids[i], EXCEPTION) == 0;
    for (size_t i = 0; i < found.count; i++) {
        bool with = excepted && strcmp(found.ids[i], EXCEPTED) == 0;
        if (strcmp(found.ids[i], EXCEPTION) == 0)
            continue;
        buf_printf(out, "%s%s%s%s", begun ? " AND " : "", found.ids[i], with ? " WITH " : "", with ? EXCEPTION : "");
        begun = true;
    }
    return begun;
}

bool licence_file_named(const char *path)
{
    static const char *const names[] = {"license", "licence", "copying", "unlicense", "unlicence", "mit-license"};
    static const char *const programs[] = {".py", ".js", ".ts", ".json", ".c", ".h", ".html", ".so", ".pyc", ".map"};
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (span_ends(span_str(base), span_str(programs[i])))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strncasecmp(base, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}
