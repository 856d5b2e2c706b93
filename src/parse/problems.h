/* What is wrong with a document, place by place: how checks of JSON documents speak. A place is a chain of steps on the
 * caller's stack, so that nothing is written as long as nothing is wrong; as text it is a JSON pointer (RFC 6901). */
#pragma once

#include <stdbool.h>

#include "util/json.h"

/* Problems that are kept; the rest is counted. */
#define PROBLEMS_MAX 100U

/* A pointer and a message that are longer end in "…". */
#define PROBLEM_TEXT_MAX 400U

struct place {
    const struct place *up; /* NULL: the document itself */
    const char *key;        /* of a member; NULL: an item */
    size_t index;           /* of an item */
};

struct problem {
    char *at;         /* owned: JSON pointer, "" for the document */
    const char *rule; /* "type", "bom-ref-unique"; static */
    char *message;    /* owned */
    size_t depth;     /* steps from the document to the place */
};

/* Begins with all members zero, but `max`. */
struct problems {
    struct problem *list; /* owned; those that are kept */
    size_t kept, count;   /* count: all of them */
    size_t max;           /* to keep; 0: only counted */
};

void problems_fini(struct problems *p);
#define auto_problems AUTO(problems_fini) struct problems

/* Adds one. Returns false, so that a check can end with it. */
bool problem_add(struct problems *p, const struct place *at, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a place that is text already ("" or "/a/b"). */
bool problem_add_at(struct problems *p, const char *at, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Moves all problems of `from` behind those of `to`. */
void problems_move(struct problems *to, struct problems *from);

size_t place_depth(const struct place *at);

/* Members "problem_count" (all) and "problems" ([{"at", "rule", "message"}]: those that are kept) into an open object;
 * `noun` is "problem" or "note". */
void problems_write(struct json_out *w, const char *noun, const struct problems *p);
