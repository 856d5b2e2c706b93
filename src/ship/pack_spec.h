/* release.yaml, read: what a person asks to be packed (docs/formats/release.yaml.md). Strict: an unknown key is an
 * error that names file, line and the nearest known key. */
#pragma once

#include "parse/yaml.h"

struct pack_file {
    const char *path; /* in the image, without the leading slash; or in the model's folder */
    const char *file; /* on this machine, relative to release.yaml */
    unsigned line;
};

/* All strings are borrowed from `root`. */
struct pack_spec {
    struct yaml *root;
    const char *name, *version, *owner, *description;
    const char *model_file, *model_name, *model_licence, *model_source; /* source may be NULL */
    const char *model_repository;  /* "owner/name" or "name"; NULL: the release's name */
    struct pack_file *model_files; /* owned; beside the weights, sorted by path */
    size_t model_file_count;
    const char *program, *image; /* exactly one */
    struct pack_file *files;     /* owned; sorted by path */
    size_t file_count;
    const char **command; /* owned */
    size_t command_count;
    const struct yaml *environment; /* a map, or NULL */
    const struct yaml *packages;    /* a map, or NULL */
    const char *prompts, *suite, *card, *licence, *changes;
};

/* `name` names the file in messages. */
int pack_spec_parse(struct span text, const char *name, struct pack_spec *out, struct err *e);
void pack_spec_fini(struct pack_spec *spec);
#define auto_pack_spec AUTO(pack_spec_fini) struct pack_spec
