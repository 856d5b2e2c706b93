/* The passport: all attestations of a release, one envelope a line (.intoto.jsonl), the last of them the verdict that
 * lists every other. Hard rule: such a file is not authenticated as a whole; the closing verdict's list is what makes
 * it so, and a line that was removed, changed or added is named. */
#pragma once

#include "gate/verdict.h"

/* The lines of `r`, closed by the newest trust verdict (intake, while there is no trust verdict). ERR_NOTFOUND: no
 * verdict yet. What came after that verdict and speaks against the release is not among them: *since names it, for
 * people, one thing a line. */
int passport_lines(struct site *s, const struct release *r, struct buf *out, struct buf *since, struct err *e);

/* The whole story, for a person and for a program. */
int passport_text(struct site *s, const struct release *r, struct buf *out, struct err *e);
int passport_json(struct site *s, const struct release *r, struct json_out *w,
                  struct err *e); /* members of an open object */

/* The same story as one HTML5 page to print on A4, sign and file: no script, nothing from outside, every text escaped.
 * Made for the time `s->now_s`. */
int passport_html(struct site *s, const struct release *r, struct buf *out, struct err *e);

struct passport_check {
    struct child *parser;
    const struct public_key *const *keys; /* each line must verify under one of them */
    size_t key_count;
    const struct digest *policy;  /* NULL, or what the closing verdict must name */
    const char *contour;          /* NULL, or the id that the verdict's verifier and resource must name */
    const struct digest *release; /* NULL, or the subject that all lines must have */

    const char *no_rules;                      /* NULL, or why a policy that was given is none */
    const struct policy *rules;                /* NULL, or by which to decide anew what the lines say … */
    int64_t at_s;                              /* … as it was at that time */
    const struct public_key *const *withdrawn; /* keys of people whose word counts no more; also among `keys` */
    size_t withdrawn_count;
    struct verdict *decided; /* with `rules`: filled; no reasons (count 0) where the lines are none to decide over */
};

/* Verifies a passport with keys alone. With `rules` the lines are decided anew, as the gate of the closing verdict
 * would for its environment: a FAILED there is said in *report, too. Who holds which role is what people signed of
 * themselves and the contour's verdict took; one key is one person. What is wrong is appended to *report, a line each.
 * 1: holds and PASSED; 0: not (see report); -1: could not be looked at. */
int passport_verify(struct span file, const char *name, const struct passport_check *c, struct buf *report,
                    struct err *e);
