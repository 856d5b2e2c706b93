/* Chat templates (Jinja): code that a model brings along. Judged in two ways: by the SHA-256 of the text against a list
 * of templates that people have read, and by a lexical check for what no chat template needs. The check can find a
 * template guilty; only the list makes one known. Hard rule: nothing here renders a template. */
#pragma once

#include "parse/report.h"

/* A chat template of a large tool-calling model has 30 KiB. */
#define LIMIT_TEMPLATE_BYTES (256U << 10)

/* What the caller allows besides the built-in list. */
struct template_rules {
    const struct digest *allowed; /* borrowed */
    size_t allowed_count;
    bool must_be_known; /* an unknown template is a finding that blocks (a release), not a remark (a look at a file) */
};

/* Checks one template and adds {"name", "sha256", "known"} to the open array of `w` (may be NULL). `at` says where it
 * stands. */
void jinja_check(struct span text, const char *name, const char *at, const struct template_rules *rules,
                 struct json_out *w, struct report *r);

/* The name of the model that a template in the built-in list belongs to, or NULL. */
const char *jinja_known(const struct digest *id);

/* Does the text hold characters that people do not see, or that turn the order of reading around? */
bool jinja_has_hidden(struct span text);
