/* What the readers of an inventory said, put together: layers over each other, packages that are one, claims beside
 * files. Between scan/inventory.h and those who read (inventory_path.c, inventory.c). Hard rule: only what lies in the
 * tree as it is at the end can own a file; what an upper layer took away is still listed, and marked. */
#pragma once

#include "scan/inventory.h"
#include "scan/text_map.h"

struct model_file {
    const char *path, *class; /* class: "elf", "script", "program" or "" */
    uint64_t size;
    unsigned mode;
    const char *hashes[3]; /* MD5, SHA-1, SHA-256 in hex; NULL: not hashed so */
    uint32_t layer;
    bool hidden;           /* an upper layer took it away or put another in its place */
    bool claimed, agrees;  /* a package claims it, with a hash; one that claims it has its hash */
    uint32_t owner;        /* the claim that agrees, or the first; index into claims */
    const char *sha512;    /* of a package file in a folder, else NULL */
    char *owned_hashes[2]; /* owned; where hashes[2] and sha512 of a folder's file stand */
};

struct model_package {
    const char *type, *namespace, *name, *version, *architecture, *source, *source_version, *licence, *channel;
    const char **found; /* owned; where it is said */
    size_t found_count;
    uint32_t layer; /* the first that has it */
    bool declared, removed;
    size_t agree, differ; /* its files */
    const char *vendored; /* "setuptools 65.5": the package that brings it, or NULL */
    const char *spdx;     /* the expression that `licence` is, or ""; after model_resolve: that is concluded */
    bool licence_differs; /* a licence file beside it says more than its record */
};

struct model_claim {
    uint32_t package; /* of `packages`; UINT32_MAX: none of that name is there */
    uint32_t next;    /* of the same path, index + 1; 0: the last */
    const char *path, *hex;
    int kind; /* of model_file.hashes; 3: another hash */
    enum hash hash;
    bool configuration;
};

struct inventory_store {
    char **texts; /* owned */
    size_t text_count, text_room;
    json_t *kept; /* an array: replies, whose texts are borrowed */
    struct model_file *files;
    size_t file_count, file_room;
    struct model_package *packages;
    size_t package_count, package_room, joined; /* joined: so many of the first are one each */
    struct model_claim *claims;
    size_t claim_count, claim_room;
    const char **layers; /* digests in hex, "" for a folder; owned list */
    size_t layer_count;
    struct text_map file_by_path, link_by_path, package_by_key, claim_by_path;
    const char **link_targets; /* owned list */
    size_t link_count, link_room;
    const json_t *system;         /* borrowed from kept */
    bool has_os_database, nested; /* nested: paths "x.tar!/y" */
    const json_t **pins;          /* owned list of arrays, borrowed from kept */
    size_t pin_count;
    const json_t **natives; /* owned list of rows */
    size_t native_count;
    const json_t **models; /* owned list of rows */
    size_t model_count;
    const json_t **licences; /* owned list of rows: files that say a licence, and packages' from beside their record */
    size_t licence_count, licence_room;
    /* what the document points to */
    struct sbom_component *components;
    size_t component_count, component_room;
    void **blocks; /* owned */
    size_t block_count, block_room;
    struct inventory_store *beside; /* of another image, whose texts are shown too; owned */
};

struct inventory_store *model_new(void);
void model_free(struct inventory_store *m);

/* Keeps another store for as long as this one. */
void model_keep(struct inventory_store *m, struct inventory_store *other);

/* A copy that lives as long as the store. */
const char *model_text(struct inventory_store *m, const char *text);
void *model_block(struct inventory_store *m, size_t size); /* zeroed */
/* list[count] has room: returns the list, grown. */
void *model_grown(void *list, size_t count, size_t *room, size_t size);

/* Begins a layer above those before. Its number. */
uint32_t model_layer(struct inventory_store *m, const char *digest_hex);

/* Takes the facts of a reply (keeps a reference): packages, claims, tree, links, removed, system, pins. Of a layer, all
 * of it in one; of a folder, a file at a time. */
void model_take(struct inventory_store *m, json_t *facts, uint32_t layer);

/* A file of a folder, whose hashes are not known yet. Returns its index. */
uint32_t model_file_add(struct inventory_store *m, const char *path, uint64_t size, unsigned mode, uint32_t layer);
void model_link_add(struct inventory_store *m, const char *path, const char *target);

/* After all that was taken: puts packages together that are one, and finds for each claim the file that it is about. */
void model_resolve(struct scan_inventory *v);

/* The first of the two alone: when packages were found after model_resolve. */
void model_join(struct inventory_store *m);

/* The claims about a file (model_claim.next leads on), or NULL. */
const struct model_claim *model_claims_of(const struct inventory_store *m, const char *path);

/* Which hashes the claims about a file ask for (HASH_BIT each), and holds them against the claims. The second writes to
 * that file alone: threads may share the store. */
unsigned model_hashes_wanted(const struct inventory_store *m, const struct model_file *f);
void model_check_hashes(const struct inventory_store *m, struct model_file *f, const struct hashes *hashes);

/* The same for every file that came with its hashes; then findings for what differs and what nobody owns. */
void model_verify(struct scan_inventory *v);

/* Holds package files and installed packages against what lock files pin. */
void model_pins(struct scan_inventory *v);

/* Concludes each package's licence (inventory_licences.c): part of model_resolve. */
void model_licences(struct inventory_store *m);

/* The licence of a model at this path, by its own file, its card and the licence files beside it; NULL: unknown. */
const char *model_licence_of(struct inventory_store *m, const char *path);

/* Fills v->sbom.components. */
void model_components(struct scan_inventory *v);

/* Adds a finding; texts are copied. */
void inventory_find(struct scan_inventory *v, enum severity severity, bool unread, const char *rule, const char *path,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Takes the findings of a helper's reply over. `path`: what was read. */
void inventory_take_findings(struct scan_inventory *v, const json_t *reply, const char *path);

static inline const char *package_text(const char *text)
{
    return text ? text : "";
}
