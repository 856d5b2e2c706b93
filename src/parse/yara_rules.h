/* YARA rules of the site, compiled and matched by libyara (BSD-3-Clause), out of memory: it opens no file and follows
 * no `include`. Hard rules: a set of rules of which one cannot be read is no set; a match that was broken off (too many
 * hits, out of time) has matched nothing, and says so. */
#pragma once

#include "parse/report.h"

/* Rules of one site: a public collection of 5,000 rules is some 6 MiB. */
#define LIMIT_YARA_BYTES (16U << 20)
#define LIMIT_YARA_FILES 4096U

/* Seconds that the rules may look at one file: a floor, and so many bytes a second. The usual rate is 100 MB/s. */
#define YARA_SECONDS          30U
#define YARA_BYTES_PER_SECOND (2U << 20)

struct yara_rules;

/* Compiles a bundle: for each file of rules be32 length of its name, be32 length of its text, name, text. Only the
 * modules elf, hash, math and pe may be imported: the others want files, or give another answer each time. The caller
 * frees it. NULL: ERR_INPUT "NAME:LINE: …", ERR_LIMIT. */
struct yara_rules *yara_rules_compile(struct span bundle, struct err *e);
void yara_rules_free(struct yara_rules *y); /* NULL is fine */
size_t yara_rules_count(const struct yara_rules *y);

/* Adds a finding "yara:RULE" for each rule that hits, at the first place where a string of it does. Its severity is
 * what the rule says in its meta: `severity` (info, low, medium, high, critical), else `score` (below 40 low, 60
 * medium, 90 high, else critical), else high. "not scanned" when the rules did not get to the end. */
void yara_rules_check(const struct yara_rules *y, struct span file, struct report *r);

/* The set that this process was given last, if its bundle has that digest; else NULL. It lives until the next
 * yara_rules_op. */
const struct yara_rules *yara_rules_kept(const struct digest *bundle);

/* The op "yara-rules": input: a bundle. Compiles and keeps it. Reply: {"sha256": hex of the bundle, "rules": count,
 * "version": of libyara}. Not safe from two threads at once. */
int yara_rules_op(struct span input, struct span arg, struct buf *reply, struct err *e);
