/* Chat templates (Jinja): code that a model brings along. Each is read whole (jinja_parse.h) and held to the part of
 * the language that chat templates need (jinja_rules.h); one whose SHA-256 is on a list of templates that people have
 * read passes as it is (docs/decisions/0019-chat-templates.md). Hard rule: nothing here renders a template. */
#pragma once

#include "parse/report.h"

/* What the caller allows besides the built-in list. */
struct template_rules {
    const struct digest *allowed; /* borrowed */
    size_t allowed_count;
};

/* Checks one template and adds {"name", "sha256", "known", "allowed"} to the open array of `w` (may be NULL). `at` says
 * where it stands. */
void jinja_check(struct span text, const char *name, const char *at, const struct template_rules *rules,
                 struct json_out *w, struct report *r);

/* Checks a text that looks like a template, in a place where nobody is known to render one: only what reaches for
 * Python's machinery weighs. */
void jinja_check_text(struct span text, const char *name, const char *at, const struct template_rules *rules,
                      struct json_out *w, struct report *r);

/* Does the text have a tag of Jinja in it? */
bool jinja_has_tags(struct span text);

/* The name of the model that a template in the built-in list belongs to, or NULL. */
const char *jinja_known(const struct digest *id);

/* Does the text hold characters that people do not see, or that turn the order of reading around? */
bool jinja_has_hidden(struct span text);
