/* Scanners of other people that a site may have beside our readers: ClamAV (scan/clamd.h) and YARA rules
 * (parse/yara_rules.h). Which class of file needs which is the policy's table (docs/formats/policy.md). Hard rule: a
 * file that an engine was asked for, and that it did not look at to its end, is "not-scanned", whatever else was found
 * of it. */
#pragma once

#include "parse/file_class.h"
#include "scan/clamd.h"
#include "util/json.h"

struct child;

enum scan_engine { ENGINE_CLAMAV, ENGINE_YARA, ENGINES };

const char *engine_name(enum scan_engine g); /* "clamav", "yara" */
bool engine_from_name(const char *name, enum scan_engine *out);

#define ENGINE_PATH_SIZE 512U

/* What a site asks for. All zeros: none. */
struct engines_wanted {
    char clamd[ENGINE_PATH_SIZE];  /* clamd's socket */
    char yara[ENGINE_PATH_SIZE];   /* a folder of rules, *.yar and *.yara, or one file of them */
    uint64_t age_s[ENGINES];       /* its data may be this old, in seconds, when a pointer moves */
    uint8_t classes[FILE_CLASSES]; /* bit 1 << enum scan_engine */
};

/* Does any class ask for it? */
bool engines_asked(const struct engines_wanted *w, enum scan_engine g);

/* Bits of the engines that a file of that class needs. What holds other files needs those of every class. */
unsigned engines_of_class(const struct engines_wanted *w, enum file_class c);

struct engine_state {
    bool asked, ready;
    char version[64];  /* "ClamAV 1.4.6", "YARA 4.2.3" */
    char database[80]; /* its number, "" when clamd knows none; of rules, the sha256:… of their texts and names */
    int64_t date_s;    /* of the database, or 0; of rules, of the file that was changed last */
    uint64_t rules;    /* of YARA: how many */
    char why[512];     /* not ready: why, and what to do */
};

struct engines {
    struct engines_wanted wanted;
    struct engine_state state[ENGINES];
    struct buf rules; /* owned: the bundle (parse/yara_rules.h) */
    struct digest rules_digest;
    int timeout_ms; /* of one look by clamd */
};

/* Finds out what is there, by trying. An engine that is not, or that does not work, is a state and no error. `parser`
 * compiles the rules. -1: ERR_SYSTEM, when no helper can be had. */
int engines_open(struct engines *out, const struct engines_wanted *w, struct child *parser, struct err *e);
bool engines_any(const struct engines *n); /* is one asked for? */
void engines_fini(struct engines *n);
#define auto_engines AUTO(engines_fini) struct engines

/* Adds to the `arg` of a look (parse/inspect.h; an object that is not empty; owned by the caller, replaced) what the
 * parse process has to do, and what else an answer depends on. */
void engines_add_arg(const struct engines *n, char **arg);

/* After a look that failed: did the process only miss the rules, and has it got them now? Then the look can be asked
 * again. */
bool engines_feed(const struct engines *n, struct child *child, struct err *why);

/* After a look: asks clamd where the class needs it, and writes into `reply` what each engine said, as its member
 * "engines": {"clamav": {"answer": "ok"|"found"|"not-looked", "text": …}}. Safe from any thread. */
void engines_look(const struct engines *n, int fd, json_t *reply);

/* Does a reply rest on an engine that could not look, or whose data have no version? Another time it may say something
 * else: such a reply is not remembered. */
bool engines_unsure(const json_t *reply);

/* Writes the member "engines" of a report's "scanner": an array with a line for each engine that was asked for. */
void engines_put_states(const struct engines *n, struct json_out *w);
