#include "gate/passport.h"

#include <string.h>

#include "gate/passport_internal.h"
#include "gate/rules.h"
#include "ship/release.h"
#include "util/clock.h"
#include "util/limits.h"

/* The verdict that closes: trust for prod; while there is none, intake. */
const struct evidence_line *passport_closing(const struct evidence *ev)
{
    const struct evidence_line *line = closing_line(ev, ENVIRONMENT_PROD);
    return line ? line : closing_line(ev, ENVIRONMENT_SANDBOX);
}

bool passport_lists(const struct evidence_line *closing, const struct digest *id)
{
    size_t i;
    json_t *item;
    struct digest d;
    json_array_foreach(json_object_get(closing->predicate, "inputAttestations"), i, item)
    {
        const char *hex = json_get_string(json_object_get(item, "digest"), "sha256", "");
        if (digest_from_hex(span_str(hex), &d) && digest_equal(&d, id))
            return true;
    }
    return false;
}

static int add_line(const struct evidence *ev, const char *hex, struct buf *out, struct err *e)
{
    struct digest id;
    const struct evidence_line *line = digest_from_hex(span_str(hex), &id) ? evidence_find(ev, &id) : NULL;
    if (!line) {
        err_set(e, ERR_INPUT, 0, "attestation sha256:%.64s, which the closing verdict lists, is not in state.db", hex);
        return err_hint(e,
                        "`airlock fsck` looks at everything; `airlock judge` closes the passport over what there is");
    }
    buf_add_span(out, buf_span(&line->envelope));
    buf_add_byte(out, '\n');
    return 0;
}

static int no_verdict(const struct release *r, struct err *e)
{
    err_set(e, ERR_NOTFOUND, 0, "%s:%s has no passport yet: no gate has judged it", r->name, r->version);
    return err_hint(e, "`airlock judge %s:%s --gate intake` makes the first verdict", r->name, r->version);
}

static void add_since(const struct evidence *ev, const struct evidence_line *closing, struct buf *out)
{
    for (size_t i = 0; i < ev->count; i++) {
        const struct evidence_line *line = &ev->lines[i];
        if (passport_after(closing, line) && passport_against(line))
            buf_printf(out, "%s by %s: %s (%s)\n", passport_words(line->type), passport_who(line), line->result,
                       time_text(line->time_s).text);
    }
}

int passport_lines(struct site *s, const struct release *r, struct buf *out, struct buf *since, struct err *e)
{
    auto_evidence ev = {0};
    if (evidence_load(s, &r->digest, &ev, e) < 0)
        return -1;
    const struct evidence_line *closing = passport_closing(&ev);
    if (!closing)
        return no_verdict(r, e);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(closing->predicate, "inputAttestations"), i, item)
    {
        if (add_line(&ev, json_get_string(json_object_get(item, "digest"), "sha256", ""), out, e) < 0)
            return -1;
    }
    buf_add_span(out, buf_span(&closing->envelope));
    buf_add_byte(out, '\n');
    add_since(&ev, closing, since);
    return buf_check(out, "passport", e) < 0 ? -1 : buf_check(since, "what came after the passport", e);
}
