/* Text into an HTML page: the one way in for words that we did not write ourselves. Hard rule: what comes out holds no
 * markup, is well-formed UTF-8, and reads in the order in which it stands: characters that turn the direction of text
 * round, and control characters, are shown as U+FFFD like bytes that are no UTF-8. Good between tags and in quoted
 * attributes (HTML Living Standard, 13.1.2.3 and 13.1.4). */
#pragma once

#include "util/buf.h"

void html_add(struct buf *out, struct span text);

/* Formats, then escapes the whole. */
void html_printf(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_vprintf(struct buf *out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
