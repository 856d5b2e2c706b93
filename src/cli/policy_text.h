/* A policy's text as people name it: a file, or shipment:N for the one that a shipment brought. An existing path wins.
 */
#pragma once

#include "cli/command.h"

/* Appends the text. With `site` NULL the contour is opened where it is needed. ERR_NOTFOUND, ERR_INPUT. */
int policy_text(struct invocation *in, struct site *site, const char *name, struct buf *out, struct err *e);
