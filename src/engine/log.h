/* What an engine prints: taken from a pipe by a thread of its own, written to `log` in its folder, which starts again
 * as `log.1` when it is full, and its last lines kept for messages. Hard rule: an engine that prints without end fills
 * no disk, and one that prints is never stopped by us. */
#pragma once

#include "util/buf.h"

#define ENGINE_LOG_BYTES (1U << 20) /* of one file; two are kept */
#define ENGINE_LOG_TAIL  2048U      /* bytes that are kept for messages */

struct engine_log;

/* Starts it; *output is the end for the engine, which the caller closes. `dir` is copied. */
struct engine_log *engine_log_start(int dir, int *output, struct err *e);

/* The last lines, at most `lines`, joined by " | " and with control bytes replaced; "" when nothing was printed. Waits
 * a moment for the end of the stream when `ended`. Safe from any thread. */
void engine_log_tail(struct engine_log *l, unsigned lines, bool ended, struct buf *out);

/* Reads what is still there and ends. NULL is fine. */
void engine_log_stop(struct engine_log *l);
