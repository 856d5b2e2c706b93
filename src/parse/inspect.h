/* A look at one file, whatever it is: what the bytes are, whether the name agrees, the format's own reader, and for
 * archives the same again for each member. Hard rule: every way through ends in a verdict that something earned; "I do
 * not know" is "not-scanned". */
#pragma once

#include "parse/jinja.h"

/* Archives inside archives. */
#define LIMIT_INSPECT_DEPTH 4U

/* A member of an archive is held in memory while it is read. */
#define LIMIT_MEMBER_BYTES (512ULL << 20)

/* Of everything that comes out of one file, archives in archives together: bytes for each byte of the file, asked once
 * INSPECT_FREE_BYTES are out, and files. An image layer with all that is packed in it stays below 50. */
#define LIMIT_INSPECT_RATIO 500U
#define INSPECT_FREE_BYTES  (256ULL << 20)
#define LIMIT_INSPECT_FILES 2000000U

struct inspect_budget {
    uint64_t bytes, most;
    size_t files;
};

/* Told of each member of a tar: how a reader of packages sees what is in one. */
struct member_watch {
    /* A regular file. True: it stands with its package (see `stands`). `r` takes what is wrong with it. */
    bool (*file)(void *arg, const char *path, struct span bytes, struct report *r);
    void (*link)(void *arg, const char *path); /* a hard link; may be NULL */
    void *arg;
};

/* The other members of a package: byte code is held against its source. */
struct member_source {
    bool (*read)(void *arg, const char *path, struct buf *room, struct span *out); /* false: it is not there */
    void *arg;
    unsigned depth; /* of the members that they lie beside */
};

struct inventory;

struct inspect_options {
    const char *name; /* file name, or path in an archive: for its promise and for messages */
    bool layer;       /* a layer of a container image: whiteouts, package databases, links by its own root */
    bool executable;  /* its mode says that it may be run */
    unsigned depth;   /* archives around it */
    struct inspect_budget *budget; /* of the outermost file; NULL: this is it */
    bool apart; /* this process reads nothing after this: libhdf5, which has known faults, may be used (hdf5.h) */
    /* A file of a package, whose own list or whose digest in the packages document vouches for it (architecture.md,
     * decision 3): clean, unless it is a thing of its own (an archive, a program, weights) whose reader objects, or
     * hides what it is. */
    bool stands;
    bool system; /* lies in a package or in a layer: a system's file, nobody's prompts or data */
    /* Of a package's file; may be NULL. */
    const struct member_source *beside;

    const struct member_watch *watch; /* of a tar; may be NULL */
    struct inventory *inventory;      /* of a tar: takes the packages that its members are records of; may be NULL */
    const char *inventory_prefix;     /* stands before "!/" and the member's path there; NULL: nothing does */
    bool only_inventory;              /* of a tar: its members are not looked at besides */
    bool iso;                         /* the "tar" is an ISO 9660 image */
    struct template_rules templates;
    const struct yara_rules *yara; /* what the rules of the site say is found too; borrowed; may be NULL … */
    uint32_t yara_classes;         /* … of files of these classes: bit 1 << enum file_class */
};

/* Reads the member "yara" of the options of a look, {"ready", "database": sha256:…, "classes"}: the rules are those
 * that this process was given (yara_rules.h). ERR_NOTFOUND: it was given none, or others. */
int inspect_take_yara(const json_t *options, struct inspect_options *o, struct err *e);

/* Fills a report that was made by report_init. */
void inspect_bytes(struct span file, const struct inspect_options *o, struct report *r);

/* The same for a file inside of what `r` is about, an archive's member: findings get `path` in front. */
void inspect_inside(struct span file, const char *path, const struct inspect_options *o, struct report *r);

/* The op "inspect" of the parse role. arg: {"name", "layer"?, "digest"?, "apart"?,
 * "templates"?: [hex], "yara"?}. Reply: {"format", "class", "verdict", "findings", "facts"}; with "digest": true also
 * "sha256" of the very bytes that were looked at, in hex. ERR_INPUT: the arg. */
int inspect_op(struct span input, struct span arg, struct buf *reply, struct err *e);

/* The op "hash" of the parse role: {"sha256": hex} of the input; no arg. */
int hash_op(struct span input, struct span arg, struct buf *reply, struct err *e);

/* The libraries that unpack what is looked at, with their versions: what a verdict depends on besides this program. */
const char *inspect_libraries(void);
