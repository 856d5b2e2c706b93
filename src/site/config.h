/* airlock.yaml: the configuration of a site. Strict: an unknown key is an error that names file, line and the nearest
 * known key. */
#pragma once

#include "site/site.h"

#define CONFIG_FILE "airlock.yaml"

/* Reads and checks the text of CONFIG_FILE. */
int config_parse(struct span text, struct config *out, struct err *e);

/* The text that init writes: every key with its default and a comment. */
void config_write(enum site_kind kind, const char *name, const char *id, const char *passphrase_file, struct buf *out);
