/* A look at one file, whatever it is: what the bytes are, whether the name agrees, the format's own reader, and for
 * archives the same again for each member. Hard rule: every way through ends in a verdict that something earned; "I do
 * not know" is "not-scanned". */
#pragma once

#include "parse/jinja.h"

/* Archives inside archives. */
#define LIMIT_INSPECT_DEPTH 4U

/* A member of an archive is held in memory while it is read. */
#define LIMIT_MEMBER_BYTES (512ULL << 20)

struct inspect_options {
    const char *name; /* file name, or path in an archive: for its promise and for messages */
    bool layer;       /* a layer of a container image: whiteouts, package databases, links by its own root */
    bool executable;  /* its mode says that it may be run */
    unsigned depth;   /* archives around it */
    struct template_rules templates;
};

/* Fills a report that was made by report_init. */
void inspect_bytes(struct span file, const struct inspect_options *o, struct report *r);

/* The op "inspect" of the parse role. arg: {"name", "layer"?, "digest"?, "known_templates_only"?, "templates"?: [hex]}.
 * Reply: {"format", "verdict", "findings", "facts"}; with "digest": true also "sha256" of the very bytes that were
 * looked at, in hex. ERR_INPUT: the arg. */
int inspect_op(struct span input, struct span arg, struct buf *reply, struct err *e);
