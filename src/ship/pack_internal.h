/* One packing under way: what was read, what was put into the store. */
#pragma once

#include "ship/pack.h"
#include "ship/pack_spec.h"
#include "ship/packages.h"
#include "ship/release_internal.h"

/* A file that went in: for inventory and provenance. */
struct pack_input {
    char *name;       /* owned; path in the image, or the file's own name */
    const char *part; /* "model", "engine", "prompts", … */
    struct digest digest;
    uint64_t size;
    bool executable;
    const struct package *package; /* of a package: borrowed from the document; else NULL */
    char *purl;                    /* owned; of a package that has one */
};

/* A package on its way in. */
struct pack_package {
    struct package package;
    const char *file;    /* borrowed; relative to release.yaml; NULL: it lies in the store, out of a collection */
    unsigned line;       /* of release.yaml */
    struct buf metadata; /* of a wheel */
    char *identity;      /* owned (parse/package.h); set when all are compared */
};

/* Collections that one release.yaml names, and what the station signs about a release: of each collection how it came
 * to be, and three statements more. */
#define PACK_COLLECTIONS_MAX 32U
#define PACK_STATEMENTS_MAX  (3U + PACK_COLLECTIONS_MAX)

struct packing {
    struct site *s;
    struct pack_spec spec;
    const char *name; /* of release.yaml, for messages */
    int dir;          /* the folder of release.yaml */
    const struct ship_progress *progress;
    const struct pack_rule *rule; /* or NULL */
    bool unchecked;
    struct pack_input *inputs; /* owned */
    size_t input_count;
    struct digest definition; /* of release.yaml's bytes */
    struct release_blob model, model_config, model_manifest, engine_manifest, config_manifest, index; /* owned */
    struct pack_package *packages; /* owned; moved into `document` when they are put */
    size_t package_count;
    struct packages document;
    struct packages collected; /* all of the collections that release.yaml names, other groups included */
    struct digest used[PACK_COLLECTIONS_MAX]; /* manifests of those collections */
    size_t used_count;
    const char **groups;                   /* owned; that travel, NULL-terminated; set by the look */
    struct release_blob packages_manifest; /* without a digest when the release brings none */
    const char *architecture;              /* of the engine image; static, or `architecture_text` */
    char architecture_text[33];
};

void packing_fini(struct packing *p);

/* Is what release.yaml names what a contour takes in? The weights, the texts, the prompt set and the suite are read as
 * they will be read there, before a byte is stored: a version that was packed cannot be mended. ERR_INPUT with the line
 * of release.yaml, or with file and line of the prompt set or suite; with p->unchecked a remark. Adds to out->remarks.
 */
int pack_check(struct packing *p, struct child *parser, struct pack_result *out, struct err *e);

/* The same for its packages, which are remembered in p->packages. */
int pack_packages_look(struct packing *p, struct child *parser, struct pack_result *out, struct err *e);
void pack_packages_fini(struct packing *p);
int pack_collections_look(struct packing *p, struct child *parser, struct pack_result *out, struct err *e);
struct pack_package *pack_new_package(struct packing *p, const char *file, unsigned line);
/* What no contour would admit: an error, or with --unchecked a remark. */
int pack_blocked(struct packing *p, const struct pack_package *x, const char *what, struct pack_result *out,
                 struct err *e);

/* Adds a remark. */
void pack_remark(struct pack_result *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first finding that blocks of what a look replied, printable, as "where: what". */
void pack_say_finding(const json_t *reply, char *out, size_t size);

/* The last part of a path: what a file is called. */
const char *packing_name(const char *path);

/* Opens a file that release.yaml names. ERR_NOTFOUND, ERR_INPUT (no regular file). */
int packing_open(const struct packing *p, const char *key, const char *file, uint64_t *size, struct err *e);

/* Copies exactly `size` bytes of fd into the writer and, if not NULL, the hash. ERR_INPUT when the file changed while
 * it was read. */
int packing_copy(const struct packing *p, int fd, const char *file, uint64_t size, struct blob_writer *w,
                 struct sha256 *h, struct err *e);

/* Puts a file, or bytes, as one blob. The caller runs release_blob_fini. put_file remembers it as an input. */
int packing_store_file(struct packing *p, const char *key, const char *file, const char *media_type,
                       struct release_blob *out, struct err *e);
int packing_put_file(struct packing *p, const char *key, const char *file, const char *media_type,
                     struct release_blob *out, struct err *e);
int packing_put_text(struct packing *p, struct buf *text, const char *media_type, struct release_blob *out,
                     struct err *e); /* a document without a name; *text may have failed */
int packing_put_bytes(struct packing *p, struct span bytes, const char *media_type, const char *name,
                      struct release_blob *out, struct err *e);

/* Remembers an input. */
void packing_input(struct packing *p, const char *name, const char *part, const struct digest *digest, uint64_t size,
                   bool executable);

/* The release configuration (docs/formats/release-config.schema.json), out of p->spec and the model's file name. */
void pack_write_config(const struct packing *p, struct buf *out);

/* Makes p->model, the files beside it, and p->model_manifest (CNCF ModelPack). */
int pack_model(struct packing *p, struct err *e);

/* Makes p->engine_manifest: out of a program and files, or of an OCI layout. */
int pack_engine(struct packing *p, struct err *e);

/* Puts the packages that were looked at, makes p->document and p->packages_manifest. */
int pack_packages(struct packing *p, struct err *e);

/* Signs provenance, inventory and release statement, and of each collection that packages came from how it was
 * collected; puts each with its attachment manifest. */
struct pack_statement {
    const char *predicate_type;
    struct buf envelope; /* owned */
    struct digest id;    /* of the envelope */
    struct release_blob manifest;
};
int pack_attest(struct packing *p, const struct release *r, struct pack_statement out[PACK_STATEMENTS_MAX],
                size_t *count, struct err *e);
