/* The scene of the gate's tests: a contour, a release, people, and evidence made one piece at a time. */
#pragma once

#include "contour.h"
#include "gate/approval.h"
#include "gate/verdict.h"

extern struct test_contour t;
extern struct release r;
extern struct private_key *station, *ines, *pavel, *sofia, *mallory;

struct private_key *new_key(void);
void ok(int result, const struct err *e);
void add_person(const char *name, enum role role, const struct private_key *key);
void line_by(const struct private_key *key, const char *type, const char *predicate);
void arrived(void);
void scanned(const char *result, int64_t age_s);
void stood_in(const char *environment);
void ran_on(const char *type, const char *result, const char *environment, const struct digest *engine,
            const char *hardware);
void ran(const char *type, const char *result, const char *environment);
int set_up(void **state);
int tear_down(void **state);
struct verdict judged(enum gate g, const char *environment);
const struct verdict_reason *reason_of(const struct verdict *v, const char *rule);
void fails_for(const struct verdict *v, const char *rule, const char *words);
void passes(const struct verdict *v);
void asked_by(const struct private_key *key);
int approve(const struct private_key *key, const struct approval_wish *wish, struct err *e);
void approved_by(const struct private_key *key);
void ready_for_approval(void);
void refused_as(int result, const struct err *e, enum err_code code, const char *words);
void attacker(const char *sql, struct span blob, const struct digest *id, const struct digest *subject);
