/* The regression suite of a release, run against a live engine on a unix socket, through the release's own prompts as
 * the gateway would send them. The result is an in-toto test-result attestation (v0.1) bound to release, engine,
 * prompts, suite, hardware and environment. Hard rule: a case that could not be judged is not passed. */
#pragma once

#include "gate/hardware.h"
#include "sandbox/door.h"
#include "site/site.h"

struct release;

enum assertion_kind {
    ASSERT_EQUALS,
    ASSERT_CONTAINS,
    ASSERT_NOT_CONTAINS,
    ASSERT_REGEX,
    ASSERT_JSON_SCHEMA,
    ASSERT_LATENCY_MS,
    ASSERTION_KINDS
};
const char *assertion_name(enum assertion_kind k); /* "not-contains" */

struct assertion {
    enum assertion_kind kind;
    char *text;     /* owned; equals, contains, not-contains, regex */
    json_t *schema; /* owned; json-schema */
    uint64_t latency_ms;
};

struct suite_case {
    char *name;
    json_t *messages; /* owned: [{"role": "user", "content": …}] */
    uint64_t max_tokens;
    struct assertion *assertions;
    size_t assertion_count;
};

struct suite {
    struct suite_case *cases;
    size_t count;
};
void suite_free(struct suite *s);

/* Reads a suite from the normal form (JSON) that the parse process makes of its YAML. Strict; `name` for messages. */
struct suite *suite_of_json(const json_t *root, const char *name, struct err *e);
/* Reads the suite of a release from its blobs. */
struct suite *suite_read(struct site *s, const struct blobs *b, const struct release *r, struct err *e);

struct case_result {
    const char *name; /* borrowed from the suite */
    bool passed;
    int64_t latency_ms;
    char *answer;  /* owned; at most some kilobytes of it */
    char why[512]; /* the first assertion that does not hold: wanted and found; "" when passed */
};

struct suite_result {
    struct suite *suite; /* owned */
    struct case_result *cases;
    size_t count, passed;
    int64_t started_s, took_ms;
    struct hardware hardware;
};
void suite_result_fini(struct suite_result *r);

/* Runs all cases one after the other against the engine behind `door`. 0: judged (see *out). -1: the suite could not be
 * read, the engine does not answer (ERR_UNDECIDED), or its socket is not its own (ERR_DENIED). */
int suite_run(struct site *s, const struct blobs *b, const struct release *r, struct door *door,
              struct suite_result *out, struct err *e);

/* The predicate (docs/formats/test-result.schema.json). */
void suite_predicate(const struct release *r, const char *environment, int64_t now_s, const struct suite_result *result,
                     struct buf *out);

/* Signs the result and stores it with its ledger entry "test". */
int suite_store(struct site *s, const struct release *r, const char *environment, const struct suite_result *result,
                struct digest *id, struct err *e);
