/* What the files of callers share. */
#pragma once

#include "gateway/callers.h"
#include "gateway/callers_porter.h"

struct porter *callers_porter(struct callers *c);

/* One record line; a failure is logged. */
void callers_write(struct callers *c, const struct buf *line);

/* Calls the providers. */
enum caller_answer callers_ask(struct callers *c, const struct caller_ask *ask, struct identity *out, struct err *e);

/* Records what was left out of minutes that are over, or of all. */
void callers_tell_left_out(struct callers *c, int64_t now_ms, bool all);
