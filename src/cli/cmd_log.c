#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/log_access.h"
#include "util/clock.h"
#include "util/limits.h"

#define LAST_DEFAULT 50U
#define WINDOW       512U /* entries, of one step back */

struct printing {
    struct invocation *in;
    const char *action; /* NULL: all */
    bool found;         /* an entry of this action */
    bool folds;         /* entries that bind access records are counted and left out */
    uint64_t folded, skip;
    struct buf others; /* the actions that were passed over: " init person-add " */
};

static void print_member(const char *key, const json_t *value)
{
    if (json_is_string(value))
        printf("  %s=%s", key, json_string_value(value));
    else if (json_is_integer(value))
        printf("  %s=%" JSON_INTEGER_FORMAT, key, json_integer_value(value));
    else if (json_is_boolean(value))
        printf("  %s=%s", key, json_is_true(value) ? "yes" : "no");
}

static void print_entry(uint64_t seq, int64_t time_s, const json_t *entry)
{
    const char *key;
    json_t *value;
    printf("%6llu  %s  %-14s %-14s", (unsigned long long)seq, time_text(time_s).text,
           json_get_string(entry, "actor", "?"), json_get_string(entry, "action", "?"));
    json_object_foreach((json_t *)entry, key, value)
    {
        if (strcmp(key, "time") != 0 && strcmp(key, "actor") != 0 && strcmp(key, "action") != 0)
            print_member(key, value);
    }
    putchar('\n');
}

static void put_entry(uint64_t seq, struct span entry)
{
    struct json_out j;
    auto_buf out = BUF(2U * LIMIT_LEDGER_ENTRY_BYTES);
    command_json(&j, &out, "log");
    json_put_uint(&j, "seq", seq);
    json_out_key(&j, "entry");
    json_out_raw(&j, entry);
    command_json_end(&j);
}

static void passed_over(struct printing *p, const char *action)
{
    auto_buf word = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    buf_printf(&word, " %s ", action);
    if (!strstr(buf_str(&p->others), buf_str(&word)))
        buf_add_str(&p->others, p->others.len ? buf_str(&word) + 1 : buf_str(&word));
}

/* Nothing was printed: a word mistyped looks the same as a thing that never happened. */
static void say_nothing_found(struct printing *p, bool all)
{
    if (!p->action || p->found || p->in->quiet)
        return;
    fprintf(stderr, "No entry of action \"%s\"%s. Actions found:%s\n", p->action,
            all ? "" : " among those looked at (--all looks at every one)",
            p->others.len ? buf_str(&p->others) : " none");
}

/* While it serves, there is one for every second in which somebody asked. Entries are written by us, without spaces. */
static bool is_batch(struct span text)
{
    static const char batch[] = "\"action\":\"access-batch\"";
    return memmem(text.ptr, text.len, batch, sizeof batch - 1) != NULL;
}

static int count_other(void *arg, uint64_t seq, int64_t time_s, struct span text)
{
    (void)seq;
    (void)time_s;
    *(uint64_t *)arg += !is_batch(text);
    return 0;
}

/* Where the last `last` entries that are no batches begin; *surplus of those behind it are too many. */
static int step_back(struct site *s, uint64_t size, uint64_t last, uint64_t *from, uint64_t *surplus, struct err *e)
{
    uint64_t found = 0;
    *from = size;
    while (*from > 0 && found < last) {
        uint64_t to = *from;
        *from = to > WINDOW ? to - WINDOW : 0;
        if (ledger_each(s->ledger, *from, to, count_other, &found, e) < 0)
            return -1;
    }
    *surplus = found > last ? found - last : 0;
    return 0;
}

static bool passes_by(struct printing *p, struct span text)
{
    if (!p->folds)
        return false;
    bool batch = is_batch(text);
    if (!batch && p->skip == 0)
        return false;
    if (!batch)
        p->skip--;
    else
        p->folded += p->skip == 0;
    return true;
}

static int each(void *arg, uint64_t seq, int64_t time_s, struct span text)
{
    struct printing *p = arg;
    struct err bad = {0};
    if (passes_by(p, text))
        return 0;
    auto_json entry = json_parse(text, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &bad);
    if (!entry) {
        printf("%6llu  NOT READABLE: %s; run `airlock ledger verify` and `airlock fsck`\n", (unsigned long long)seq,
               bad.msg);
        return 0;
    }
    if (p->action && strcmp(json_get_string(entry, "action", ""), p->action) != 0) {
        passed_over(p, json_get_string(entry, "action", "?"));
        return 0;
    }
    p->found = true;
    if (p->in->json)
        put_entry(seq, text);
    else
        print_entry(seq, time_s, entry);
    return 0;
}

static int run(struct invocation *in)
{
    struct err e = {0};
    uint64_t last = LAST_DEFAULT;
    const char *text = option_get(in, "last");
    struct printing p = {.in = in, .action = option_get(in, "action"), .others = BUF(8192)};
    if (text && !span_decimal(span_str(text), &last))
        return command_usage(in, "--last: wanted a number, found \"%.32s\"", text);
    auto_site s = command_site(in, -1, &e);
    if (!s)
        return command_fail(in, &e);
    if (option_given(in, "access"))
        return log_access(in, s, option_given(in, "all") ? UINT64_MAX : last, &e) < 0 ? command_fail(in, &e) : 0;
    uint64_t size = ledger_size(s->ledger);
    uint64_t from = option_given(in, "all") || last >= size ? 0 : size - last;
    p.folds = !in->json && !p.action && !option_given(in, "all") && !option_given(in, "batches");
    int result = p.folds ? step_back(s, size, last, &from, &p.skip, &e) : 0;
    if (result == 0)
        result = ledger_each(s->ledger, from, size, each, &p, &e);
    if (result == 0)
        say_nothing_found(&p, from == 0);
    if (result == 0 && p.folded && !in->quiet)
        printf("%llu access-batch entr%s between them not shown (--batches shows them, --access what they bind)\n",
               (unsigned long long)p.folded, p.folded == 1 ? "y is" : "ies are");
    buf_fini(&p.others);
    return result < 0 ? command_fail(in, &e) : 0;
}

const struct command CMD_LOG = {
    .name = "log",
    .usage = "[--last N | --all] [--batches] [--action NAME | --access]",
    .summary = "the ledger for people: who did what, when",
    .detail =
        "Prints the newest entries, oldest of them first; with --json one document a line. Entries that bind access "
        "records (access-batch) are for\npeople counted and left out, unless --batches, --all or --action asks for "
        "them. That nothing was changed "
        "or taken out is\nwhat `airlock ledger verify` proves.\n\n--access prints access records instead: who asked or "
        "pulled what (of a pull: what, its digest or path, bytes), which "
        "release answered, how many tokens, how long. A record appears within a second of its answer.\n`airlock ledger "
        "prove --access ID` proves one of them.",
    .options = {{"last", "N", "so many entries (default: 50)", false},
                {"all", NULL, "all entries", false},
                {"batches", NULL, "access-batch entries too", false},
                {"access", NULL, "access records: requests and pulls", false},
                {"action", "NAME", "only entries of this action, for example promote", false}},
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
