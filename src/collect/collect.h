/* Collecting: collect.yaml (docs/formats/collect.yaml.md) becomes a collection in the station's store. Every set's lock
 * file is read first, and one entry that floats ends it all before anybody was asked for anything. Then each client
 * fetches what is pinned, in a box that reaches the named upstreams (collect/client.h); each file is held against its
 * lock here. Hard rule: what no lock pins does not come in; nothing that came is run. */
#pragma once

#include "site/site.h"

/* A line an ecosystem of the answer. */
struct collect_line {
    char ecosystem[16];
    size_t files;
    uint64_t bytes;
};
#define COLLECT_LINES_MAX 8U

struct collect_host {
    char host[256];
    unsigned port;
    size_t connections;
    uint64_t sent, received;
};
#define COLLECT_HOSTS_MAX 64U

#define COLLECT_REMARKS_MAX 32U

struct collect_result {
    char name[65];
    struct digest digest; /* of the collection's manifest */
    bool already;         /* the very same one stood in the store */
    size_t files;
    uint64_t bytes;
    struct collect_line lines[COLLECT_LINES_MAX];
    size_t line_count;
    struct collect_host hosts[COLLECT_HOSTS_MAX]; /* that were contacted */
    size_t host_count;
    /* What a person should know: left out by a marker; asked for and refused. Printable, a sentence each. */
    char remarks[COLLECT_REMARKS_MAX][512];
    size_t remark_count;
};

struct collect_progress {
    void *arg;
    void (*step)(void *arg, const char *what); /* "pip: requirements.txt"; may be NULL */
};

/* Collects. Paths in the file are relative to its folder. ERR_INPUT names the lock file's line and how to pin, or the
 * file that no lock pins, or what an upstream did; ERR_NOTFOUND a file or a client that is missing; ERR_BUSY when
 * somebody collects in this station right now. After any failure the store and the rows are as they were. */
int collect(struct site *station, const char *file, const struct collect_progress *progress, struct collect_result *out,
            struct err *e);
