/* collect.yaml, read: which places may be reached, and which lock files say what is fetched from them
 * (docs/formats/collect.yaml.md). Strict: an unknown key is an error that names file, line and the nearest known key.
 */
#pragma once

#include "collect/lock.h"
#include "collect/place.h"
#include "parse/yaml.h"

struct collect_pypi {
    const char *index; /* of the simple API, with a slash at its end; NULL: none named */
    const char **files;
    size_t file_count;
    const char *token_file; /* or NULL */
};

struct collect_npm {
    const char *registry, *token_file;
};

/* One archive of Debian's kind. */
struct collect_archive {
    const char *archive, *suite, *architecture, *keyring, *token_file;
    const char **components;
    size_t component_count;
};

struct collect_images {
    const char *registry; /* HOST or HOST:PORT */
    bool plain;           /* http, for a registry on this machine's loopback */
    const char *token_file;
};

struct collect_models {
    const char *endpoint, *token_file;
    const char *client; /* folder of a virtual environment with huggingface_hub */
};

struct collect_set {
    const char *group;
    enum lock_kind kind;
    const char *file;
    const char *python;     /* "3.11"; pypi kinds only */
    const char **platforms; /* of PEP 425; one run of the client each */
    size_t platform_count;
    const char **source; /* names that come as source */
    size_t source_count;
    const char **os, **cpu, **libc; /* npm, as node calls them; none: all */
    size_t os_count, cpu_count, libc_count;
    bool unbuilt; /* build: false: the sources travel as they are (collect/build.h) */
    unsigned line;
};

/* All strings are borrowed from `root`. */
struct collect_spec {
    struct yaml *root;
    const char *name;
    struct collect_pypi pypi;
    struct collect_npm npm;
    struct collect_archive *archives;
    size_t archive_count;
    struct collect_images images;
    struct collect_models models;
    const char *authorities; /* PEM: certificates that are trusted besides the host's; or NULL */
    struct collect_set *sets;
    size_t set_count;
    uint64_t limit_bytes, limit_s, idle_s; /* of one run of a client; 20 GiB, 2 hours, 60 s */
    void **lists;                          /* owned: the arrays above */
    size_t list_count;
};

/* `name` names the file in messages. */
int collect_spec_parse(struct span text, const char *name, struct collect_spec *out, struct err *e);
void collect_spec_fini(struct collect_spec *s);
#define auto_collect_spec AUTO(collect_spec_fini) struct collect_spec

/* A collection's name: a-z, 0-9 and -, as of a release. */
bool collect_name_ok(const char *name);
