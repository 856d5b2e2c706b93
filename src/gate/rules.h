/* The rules of the gates, inside this folder: a table of name, when it applies, and function. A rule answers one
 * question about the facts, with a sentence. Hard rule: a rule that cannot find what it looks for says no. */
#pragma once

#include "gate/hardware.h"
#include "gate/verdict.h"
#include "ship/release.h"

/* What the answer is for. A verdict is asked for (judge); a pointer is about to move (move), which also wants the
 * verdict; an engine is about to run (run), which wants signatures, verdict and checks again, and no ages: an approved
 * model keeps running when its scan grows old. */
enum occasion { OCCASION_JUDGE, OCCASION_MOVE, OCCASION_RUN };

struct facts {
    enum occasion occasion;
    const struct release *release;
    const struct policy *policy;
    const struct policy_environment *env;
    const struct evidence *ev;
    const char *contour; /* id */
    int64_t now_s;
    struct hardware host; /* elsewhere: what the newest of its checks ran on */
    bool elsewhere;       /* not in the contour: from a passport alone */
};

/* Runs every rule that applies; appends to out->reasons and sets out->passed. */
void rules_run(const struct facts *f, struct verdict *out);

/* Rules with files of their own: about people, and about what was found. */
bool rule_scan(const struct facts *f, char *text, size_t size);
bool rule_advisories(const struct facts *f, char *text, size_t size);
bool rule_licences(const struct facts *f, char *text, size_t size);
bool rule_scanners(const struct facts *f, char *text, size_t size);
bool rule_request(const struct facts *f, char *text, size_t size);
bool rule_approvals(const struct facts *f, char *text, size_t size);

/* Did this scan of the contour pass, or do waivers cover, here and now, all that it found? Then *ends_s is when the
 * first of them ends (INT64_MAX: none is needed); else `why` names what stays. */
bool scan_passes(const struct facts *f, const struct evidence_line *scan, int64_t *ends_s, char *why, size_t size);

/* What speaks against a release in a line: failed cases, attempts, findings; "" when nothing is said. */
void line_detail(const struct evidence_line *line, char *text, size_t size);

/* Does the environment ask for this kind of check, so that a rule of its own looks at it? */
bool asks_for_check(const struct policy_environment *env, const char *type);

/* The verdict that must be there for an environment: intake for sandbox and test, trust for prod. */
const struct evidence_line *closing_line(const struct evidence *ev, const char *environment);

/* Is this verdict of the contour itself, about this release, PASSED, and are all its inputs there? */
bool closing_holds(const struct facts *f, const struct evidence_line *line, char *text, size_t size);

/* "urn:airlock:contour:ID", and the resource that a verdict is about. */
void verifier_id(const char *contour, struct buf *out);
void resource_uri(const char *contour, enum gate g, const char *environment, const struct release *r, struct buf *out);
