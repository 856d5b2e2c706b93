/* Between child.c, which asks, and child_serve.c, which is the helper.
 *
 * Wire format, both ways over one stream socket; integers big-endian.
 *
 *     request: u32 length of op · u32 length of arg · u32 length of input · u32 has_file · u64 size of the file, then
 * op, arg and input; the file's descriptor travels with the first byte (SCM_RIGHTS)
 *
 *     reply:   u32 code (0, or an err_code) · u32 length, then the reply's bytes or the error's message
 *
 * The child says hello with an empty reply once it is confined, or with the error that kept it from that. */
#pragma once

#include "sandbox/child.h"

#define REQUEST_HEADER_BYTES 24U
#define REPLY_HEADER_BYTES   8U
#define OP_NAME_MAX          64U

/* The descriptors that a child is started with. */
#define CHILD_SOCK 3
#define CHILD_DIR  4

struct child_ops {
    const struct child_op *ops;
    size_t count;
};

/* Finds and runs an operation on bytes. */
int child_run(const struct child_ops *ops, struct span name, struct span input, struct span arg, struct buf *reply,
              struct err *e);

/* The same on a file, which is mapped for the time of the operation. */
int child_run_file(const struct child_ops *ops, struct span name, int fd, uint64_t size, struct span arg,
                   struct buf *reply, struct err *e);
