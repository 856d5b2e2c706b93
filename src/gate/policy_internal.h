/* Between the files of the policy. */
#pragma once

#include "gate/policy.h"
#include "parse/yaml.h"

#define META_POLICY        "policy"        /* sha256:… of the text that was signed last */
#define META_POLICY_BEFORE "policy_before" /* sha256:… of the one before, when `policy set` has set one */
#define META_POLICY_SIGNED "policy_signed" /* the newest text, in the contour's envelope; likewise */

/* Writes policy.yaml and its signature from META_POLICY_SIGNED. */
int policy_write(struct site *s, struct err *e);

/* "FILE:LINE: …", ERR_INPUT. Returns -1. */
int policy_bad(struct err *e, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The line of what stands under `key`, or of the map where nothing does. */
unsigned policy_line(const struct yaml *map, const char *key);

#define POLICY_AGE_LONGEST (366ULL * 86400)

/* The length of time under `key`, or the fallback's: more than nothing, at most POLICY_AGE_LONGEST or `longest_s`. */
int policy_age_within(const struct yaml *map, const char *key, const char *fallback, uint64_t longest_s,
                      const char *file, uint64_t *out, struct err *e);
int policy_age_or(const struct yaml *map, const char *key, const char *fallback, const char *file, uint64_t *out,
                  struct err *e);

/* The key `examples`; may be absent. */
int policy_examples_parse(const struct yaml *root, const char *file, struct policy *out, struct err *e);

/* The name of a requirement. False when it is none. */
bool policy_requirement(const char *name, unsigned *out);

/* The key `licences`; may be absent. */
int policy_licences_parse(const struct yaml *root, const char *file, struct policy_licences out[LICENCE_CLASSES],
                          struct err *e);

/* The key `scanners`; may be absent. */
int policy_scanners_parse(const struct yaml *root, const char *file, struct engines_wanted *out, struct err *e);

/* The keys `advisories` and `waivers`; both may be absent. */
int policy_findings_parse(const struct yaml *root, const char *file, struct policy_findings *out, struct err *e);
