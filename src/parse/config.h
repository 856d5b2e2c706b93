/* Configurations of models, whatever they are written in: settings that make a loader import, fetch or run something
 * are code by other means. Hard rule: a setting that names code is judged by what it names, never by the file it stands
 * in. */
#pragma once

#include "parse/jinja.h"

/* What the rules of one document share. */
struct config {
    const json_t *root; /* borrowed */
    const char *base;   /* the file's name without its folders */
    const struct template_rules *templates;
    bool settings_only; /* its templates were looked at already */
    struct report *r;
    char at[512]; /* JSON pointer */
};

/* Goes through a document. Writes its chat templates into the open array of r->facts. */
void config_check(const json_t *root, const char *base, const struct template_rules *templates, struct report *r);

/* The same for a document whose templates were looked at where they stand (YAML has lines). */
void config_settings_check(const json_t *root, struct report *r);

/* The rules for one member, wherever it stands (config_rules.c). c->at says where. */
void config_member_check(struct config *c, const char *key, const json_t *v);

/* The rules for the file as a whole, by its name (config_files.c): modules.json, model_index.json, vocabularies … */
void config_file_check(struct config *c);

/* A member that is on: neither missing, nor null, false, "", {} or []. */
bool config_is_set(const json_t *v);

/* A dotted name of Python: identifiers with single dots between them. */
bool config_is_dotted(const char *text);

/* Does the dotted name lie in the package (or is it that package)? */
bool config_is_in(const char *name, const char *package);

/* The text with what leads out of a folder or onto the network in it: "..", "://"; \ as in other systems. */
bool config_leads_out(const char *text);
