/* A real client (pip, npm, apt, skopeo, …) run once: in a box whose root is the host's programs and nothing of its
 * people, with relays to the places that were named, and with the recorders of src/silence, which say what else it
 * tried. Hard rule: a client has one folder that it may write, no home, no key, no network; what it leaves in that
 * folder is somebody's bytes. */
#pragma once

#include "collect/place.h"
#include "sandbox/relay.h"
#include "silence/silence.h"

#define CLIENT_WORK "/run/airlock" /* the folder that it may write, as it sees it; it starts in CLIENT_WORK/out */

struct client {
    const char *name;    /* "pip" */
    const char *program; /* "/usr/bin/pip3" */
    const char *package; /* Debian's, which brings it */
};

/* What a run was and what came of it, for the record. */
struct client_record {
    const struct client *client;
    char version[160]; /* the first line that it prints for --version, clean */
    char **argv;       /* owned */
    struct places places;
    struct relay_record relay;
    struct silence_result watched;
    int64_t started_s, ms;
    int status; /* wait status */
};

/* All runs of one collecting. */
struct clients {
    int staging; /* borrowed: the folder that all of it lies in */
    uint64_t limit_bytes, limit_s, idle_s;
    struct span authorities;    /* PEM, trusted besides the host's; borrowed */
    struct client_record *list; /* owned */
    size_t count;
    int root;   /* made at the first run; -1 before */
    int folder; /* of the run under way, and its number */
    unsigned number;
};

void clients_init(struct clients *c, int staging);
void clients_fini(struct clients *c);
#define auto_clients AUTO(clients_fini) struct clients

/* Makes the folder of the next run, with home, tmp and out in it; *work is what the client may write (the caller closes
 * it). It lasts as long as the staging folder. */
int client_prepare(struct clients *c, int *work, struct err *e);

struct client_order {
    const struct client *client;
    const char *const *argv; /* without the program; NULL-terminated */
    const char *const *env;  /* more "K=V"; NULL-terminated; may be NULL */
    const char *host, *home; /* what the box calls itself, and HOME; NULL: "collect", CLIENT_WORK/home */
    const struct places *places;
    const char *also; /* a folder that it sees at its own path; or NULL */
    int work;         /* of client_prepare */
    int keep_output;  /* file for its stdout; -1: into the same log as its stderr */
};

/* Runs it to its end. ERR_NOTFOUND: the program is not on this machine (and which package brings it); ERR_INPUT: it
 * failed, with its last words, or went over a limit, or asked for a place that collect.yaml does not name;
 * ERR_UNDECIDED: it went over a limit, and had no places, so that it only had something to decide; ERR_IO: a place
 * could not be reached; ERR_SYSTEM: no box on this host. */
int client_run(struct clients *c, const struct client_order *o, struct err *e);

/* Adds a next step to an error of client_run, in front of the lines that the client said. Returns -1. */
int client_hint(struct err *e, const char *text);
