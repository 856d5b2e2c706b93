/* HTML, XHTML and SVG as tokens, as a browser cuts them (HTML Living Standard, 13.2.5), with every error passed over as
 * browsers do. Hard rule: reads to the last byte, whatever stands there; where two readings are possible (the content
 * of a raw element: text in HTML, markup in SVG) the caller gets the content as a token and may read it as markup. */
#pragma once

#include <stdbool.h>

#include "util/span.h"

enum html_kind {
    HTML_TEXT,
    HTML_TAG,         /* name and attributes */
    HTML_END_TAG,     /* likewise */
    HTML_COMMENT,     /* also what browsers take for one: "<!x>", "</ >" */
    HTML_DECLARATION, /* <!DOCTYPE …> */
    HTML_INSTRUCTION, /* <?…> */
    HTML_RAW,         /* what stands between <script>, <style>, <title>, <textarea> and the like and their end */
};

struct html_token {
    enum html_kind kind;
    struct span name;    /* of a tag, or of the element that the raw content is of; as written */
    struct span content; /* attributes of a tag; the inside of anything else */
    bool cut;            /* the file ended in it */
};

struct html_reader {
    struct span rest;
    struct span raw; /* the element whose raw content comes next; empty: none */
    bool flat;       /* nothing is raw: how SVG reads it */
};

/* False: the end. */
bool html_next(struct html_reader *h, struct html_token *out);

/* The next attribute of a tag's content; *value is empty when there is none. Character references stand as written. */
bool html_attribute(struct span *content, struct span *name, struct span *value);

/* The name without a prefix ("svg:script" is a script), compared in ASCII without case. */
bool html_is(struct span name, const char *wanted);

/* The beginning of a URL as a browser sees it: character references resolved, white space and controls taken out, small
 * letters, '\' as '/'. Returns the length; out gets a zero behind it. */
size_t html_url(struct span value, char *out, size_t size);
