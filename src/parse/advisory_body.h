/* Which versions of a package an advisory is about: the body of a row (advisory_row.h), made of the events and versions
 * of a record, and held against a version (OSV schema, "Evaluation"). Events are put in the ecosystem's order when the
 * body is made, once; the order of equal versions stays as written. Pure. Hard rule: a range that cannot be ordered is
 * marked and decides nothing: it is never read as "not affected". */
#pragma once

#include "parse/advisory_row.h"
#include "parse/ecosystem.h"

struct body_event {
    enum advisory_event_kind kind;
    struct span version; /* empty: the beginning, or no limit */
};

/* Appends ranges and versions to a body in the making. */
struct body {
    const struct ecosystem *eco;
    unsigned flags;
    int severity; /* an enum advisory_severity, or -1: the record's */
    int tenths;
    unsigned range_count;
    struct buf ranges;
    struct span *versions; /* owned; borrowed texts */
    size_t version_count;
};

void body_init(struct body *b, const struct ecosystem *eco);
void body_fini(struct body *b);
#define auto_body AUTO(body_fini) struct body

/* Takes one range; `events` is put in order in place. False: more ranges than a body has room for. */
bool body_add_range(struct body *b, struct body_event *events, size_t count);
/* The texts must live until body_write. `count` at most ADVISORY_VERSIONS_MAX, once. */
void body_set_versions(struct body *b, const struct span *versions, size_t count);
void body_write(struct body *b, struct buf *out);

enum body_answer {
    BODY_NOT_AFFECTED,
    BODY_AFFECTED,
    BODY_UNDECIDED, /* *reason says why */
};

/* Is `version` (may be empty: not known) affected? *severity and *tenths: of this package alone, or -1 (the record's).
 * *fixed (of the body's bytes): the first version behind it that is not affected, or empty. False: the body is damaged.
 */
struct body_result {
    enum body_answer answer;
    const char *reason;
    int severity, tenths;
    struct span fixed;
};
bool body_evaluate(const struct ecosystem *eco, struct span body, struct span version, struct body_result *out);
