#include "cli/rematched.h"

#include <stdio.h>

static void put(struct json_out *w, const struct rematched *r)
{
    json_out_object(w);
    json_put_string(w, "release", r->name);
    json_put_digest(w, "digest", &r->release);
    if (r->why[0]) {
        json_put_string(w, "reason", r->why);
    } else {
        json_put_string(w, "result", r->result);
        json_put_uint(w, "matches", r->hits);
        json_put_uint(w, "undecided", r->undecided);
        json_put_digest(w, "evidence", &r->evidence);
    }
    json_out_object_end(w);
}

struct telling {
    struct json_out *w;
    size_t count;
};

static void tell(void *arg, const struct rematched *r)
{
    struct telling *t = arg;
    t->count++;
    if (t->w)
        put(t->w, r);
    else if (r->why[0])
        printf("  %s  not matched: %s\n", r->name, r->why);
    else
        printf("  %s  %s: %zu matches, %llu undecided\n", r->name, r->result, r->hits,
               (unsigned long long)r->undecided);
}

int rematch_and_tell(struct site *s, const struct advisories_in_force *f, struct json_out *w, struct err *e)
{
    struct telling t = {.w = w};
    if (rematch_all(s, f, tell, &t, e) < 0)
        return -1;
    if (!w && t.count == 0)
        printf("  no release lies here yet\n");
    return 0;
}
