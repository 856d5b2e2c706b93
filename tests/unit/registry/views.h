/* A registry over a contour of rows, for tests of the mirrors: releases that stand in environments, packages that they
 * bring, requests as raw bytes. Tokens are PERSON.ROLE.ENVIRONMENT, and for a pattern of
 * repositories .PATTERN behind it; the environment "all" is every one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "registry/mirror.h"

/* Who signs apt's indexes; set before views_start. */
extern struct index_signer views_signer;

int views_start(void **state);
int views_stop(void **state);

/* A release NAME:VERSION that stands nowhere. */
struct digest views_release(const char *name, const char *version);
/* Moves the pointer, as promotion and rollback do. */
void views_point(const char *environment, const char *name, const struct digest *release);
/* One package file of a release, with `bytes` in the store. */
struct digest views_bring(const struct digest *release, const char *ecosystem, const char *name, const char *version,
                          const char *filename, const char *bytes, const char *about);
/* The same for a row that says more, or of whose bytes only the row speaks. */
void views_row(const struct digest *release, const struct package_row *row);
struct digest views_put(const char *bytes);
void views_begin(void); /* a transaction around many of these */
void views_commit(void);

/* One request with lines of headers (each with its CR LF); the answer lies in views_reply. Returns the status. */
extern char views_reply[16 << 20];
int views_ask(const char *token, const char *method, const char *path, const char *headers, const char *body);
uint16_t views_port(void);       /* for a test that speaks for itself */
int views_get(const char *path); /* as anna, consumer of every environment */
/* What the Host header says from now on. */
void views_host(const char *host);

void views_contains(const char *wanted);
void views_lacks(const char *unwanted);
const char *views_body(void);
/* The ETag of the last answer as a header line If-None-Match. */
const char *views_if_none_match(void);

/* The records so far hold this text. */
void views_recorded(const char *wanted);
void views_log_full(bool full);
