/* A helper process in which hostile bytes are read: this program, re-executed as a role. Requests and replies go over
 * one socket, length-prefixed and capped (LIMIT_MESSAGE_BYTES); files go as descriptors and are mapped read-only by the
 * child. A child that crashes, hangs or answers nonsense is killed, and the call ends with ERR_UNDECIDED: never with
 * "clean". Hard rule: the parent believes nothing of a reply but its bytes. */
#pragma once

#include <stddef.h>

#include "sandbox/role.h"
#include "util/buf.h"
#include "util/json.h"

/* What a child can be asked: pure functions, no I/O. `input` is the file or the bytes of the request, `arg` a small
 * parameter (JSON or a word, as the op says). Errors travel back with code and message. */
struct child_op {
    const char *name;
    int (*run)(struct span input, struct span arg, struct buf *reply, struct err *e);
};

struct child_request {
    const char *op;
    int fd;            /* the file to read, or -1: then `input` is sent */
    struct span input; /* at most LIMIT_MESSAGE_BYTES / 2 */
    struct span arg;
    int timeout_ms;
};

struct child;

/* Starts a child. It is cheap (some milliseconds); one child may serve many calls, one after the other. NULL:
 * ERR_SYSTEM, ERR_IO. */
struct child *child_start(enum sandbox_role role, struct err *e);

/* The same for ROLE_UNPACK, which writes below the directory `dir` (kept by a copy) and nowhere else; its operations
 * get the descriptor from child_dir(). */
struct child *child_start_in(enum sandbox_role role, int dir, struct err *e);

/* Asks. 0 and the reply's bytes in *reply, or -1: the op's own error, or ERR_UNDECIDED when the child died or ran out
 * of time or memory (the next call then starts a fresh one). Not safe from two threads at once. */
int child_call(struct child *c, const struct child_request *request, struct buf *reply, struct err *e);

/* Asks, and reads the reply as one JSON document. The op "json" of src/parse gives back any JSON document in normal
 * form: how a document that came from outside is read without parsing its bytes here. New reference, or NULL. */
json_t *child_call_json(struct child *c, const struct child_request *request, const char *what, struct err *e);

void child_stop(struct child *c); /* NULL is fine */

/* The child's side: confines itself, then answers requests on descriptor `sock` until it is closed. Returns the exit
 * status. */
int child_main(enum sandbox_role role, int sock, const struct child_op *ops, size_t count);

/* The child's side: its operation has read `input` up to an offset, and is in no hurry to come back. Where that is the
 * file at hand, what lies before no longer counts as this process's memory; read again, it is there as before. */
void child_input_passed(struct span input, uint64_t offset);

/* The child's side: the directory that ROLE_UNPACK was given, or -1. */
int child_dir(void);

/* How many children may well work at once: one a processor, 16 at most (each may hold memory up to its limit); one
 * where calls run in this process. */
unsigned child_parallel(void);

/* For unit tests and sanitizer builds, which cannot live under the filters: calls made after this run `ops` in this
 * very process. */
void child_use_inline(const struct child_op *ops, size_t count);
