#include "cli/log_access.h"

#include <stdio.h>
#include <string.h>

#include "ledger/access.h"
#include "util/limits.h"

/* access_recent gives the newest first; people read downwards in time. */
struct records {
    char **list;
    size_t count, room;
};

static void records_fini(struct records *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->list[i]);
    free(r->list);
}

static int keep(void *arg, struct span record)
{
    struct records *r = arg;
    if (r->count == r->room)
        return 1;
    r->list[r->count++] = span_dup(record);
    return 0;
}

static void print_number(const json_t *j, const char *key, const char *unit)
{
    const json_t *value = json_object_get(j, key);
    if (json_is_integer(value))
        printf("  %" JSON_INTEGER_FORMAT " %s", json_integer_value(value), unit);
}

/* A request that has no record of another kind, or what was done about an address. */
static void print_at_the_door(const json_t *j)
{
    const char *person = json_get_string(j, "person", "");
    printf("%6" JSON_INTEGER_FORMAT "  %s  %-8s %s (%s)", json_integer_value(json_object_get(j, "id")),
           json_get_string(j, "time", "?"), json_get_string(j, "kind", "?"), *person ? person : "nobody known",
           json_get_string(j, "address", "?"));
    if (json_get_string(j, "path", NULL))
        printf("  %s %s", json_get_string(j, "method", "?"), json_get_string(j, "path", ""));
    print_number(j, "status", "");
    print_number(j, "failures", "wrong tokens");
    print_number(j, "seconds", "s locked");
    print_number(j, "count", "refusals not recorded");
    putchar('\n');
}

/* Of a pull, a push or a call of a mirror: what it was about, and how much of it. */
static void print_pulled(const json_t *j)
{
    static const char *const keys[] = {"action", "repository", "what", "object", "tag", "digest"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (json_get_string(j, keys[i], NULL))
            printf("  %s", json_get_string(j, keys[i], ""));
    print_number(j, "bytes", "bytes");
}

static void print_record(const char *text)
{
    struct err bad = {0};
    auto_json j = json_parse(span_str(text), LIMIT_JSON_BYTES, "access record", &bad);
    if (!j) {
        printf("NOT READABLE: %s; run `airlock fsck`\n", bad.msg);
        return;
    }
    if (json_get_string(j, "address", NULL)) {
        print_at_the_door(j);
        return;
    }
    printf("%6" JSON_INTEGER_FORMAT "  %s  %-8s %s (%s, %s)  %.19s", json_integer_value(json_object_get(j, "id")),
           json_get_string(j, "time", "?"), json_get_string(j, "kind", "?"), json_get_string(j, "person", "?"),
           json_get_string(j, "role", "?"), json_get_string(j, "environment", "?"),
           json_get_string(j, "release", "no release"));
    print_number(j, "status", "");
    print_number(j, "tokens_in", "tokens in");
    print_number(j, "tokens_out", "out");
    print_number(j, "total_ms", "ms");
    print_pulled(j);
    putchar('\n');
}

static void print_json(const char *text)
{
    struct json_out w;
    auto_buf out = BUF(LIMIT_JSON_BYTES);
    command_json(&w, &out, "access");
    json_out_key(&w, "record");
    json_out_raw(&w, span_str(text));
    command_json_end(&w);
}

int log_access(struct invocation *in, struct site *s, uint64_t last, struct err *e)
{
    AUTO(records_fini) struct records r = {.room = last < 1000000 ? (size_t)last : 1000000};
    r.list = calloc(r.room ? r.room : 1, sizeof *r.list);
    if (!r.list)
        abort();
    if (access_recent(s->dir, r.room, keep, &r, e) < 0)
        return -1;
    if (r.count == 0 && r.room > 0)
        fprintf(stderr, "No access records yet; serve writes them within a second of the answer.\n");
    for (size_t i = r.count; i-- > 0;) {
        if (in->json)
            print_json(r.list[i]);
        else
            print_record(r.list[i]);
    }
    return 0;
}
