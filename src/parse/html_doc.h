/* Documents that a browser shows: HTML, XHTML, SVG, and the HTML in Markdown. What runs in them, what they fetch, where
 * they post to. Hard rule: read to the end as a browser reads; what is active in any of two possible readings is
 * active. One finding a rule and file, with the count and the first place. */
#pragma once

#include "parse/report.h"

/* By name (html, htm, xhtml, svg) or, without a suffix, by its first words. `file` is text. */
bool html_doc_is(struct span file, const char *name);

/* Rules, of a shipped document: html-script, html-event, html-script-url, html-style-script, html-frame, html-form,
 * html-refresh, html-base, html-entity, html-instruction, html-charset (medium); html-local-frame, html-external,
 * html-unfinished (low). `vouched`: it stands with its package, and all of that is one remark, html-active. */
void html_doc_check(struct span file, bool vouched, struct report *r);

/* The same for the HTML in a Markdown document (CommonMark 0.31, 4.6 and 6.6) and for its links. Code is left out. */
void html_markdown_check(struct span file, bool vouched, struct report *r);
