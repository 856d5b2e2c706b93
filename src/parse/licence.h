/* What packages and models say of their licence, made one expression of the SPDX licence list (spdx_licence.h): texts
 * of metadata in all the ways that people write them ("Apache 2.0", "GPLv3+", "License :: OSI Approved :: MIT
 * License"), and the texts of licence files beside them. Hard rule: what has two meanings ("BSD", "GPL", "Apache
 * Software License" without a version) has none here; nobody guesses. */
#pragma once

#include "util/buf.h"

#define LICENCE_MAX 2048U /* bytes of an expression */

/* Appends the expression that `text` means: an expression already (names in the list's letters, names that the list
 * has given up in their new form), a name that people use, or such names with and, or, with, "/" between them.
 * LicenseRef-… stay. False, with nothing appended: it has no meaning, or several. */
bool licence_expression(struct span text, struct buf *out);

/* The same, where a name that is none of these is the name of a text that stands in the same document (debian/copyright
 * 1.0): it becomes LicenseRef-NAME. */
bool licence_expression_own(struct span text, struct buf *out);

/* The part of a classifier of Python ("License :: OSI Approved :: MIT License") or any other text, trimmed. */
struct span licence_of_classifier(struct span text);

/* What is said and what the licence files beside it are (expressions; empty where unknown), as one. A file whose
 * licences the saying covers (its own text, the text of one branch) adds nothing; another adds " AND " its own, and
 * *differs is set. False, with nothing appended: nothing is known. */
bool licence_conclude(struct span said, const struct span *files, size_t count, struct buf *out, bool *differs);

/* What a model's own metadata names: as licence_expression, and a name that is none of these ("llama3.1") is a licence
 * of its own, LicenseRef-NAME. False: it says nothing ("other"), or has several meanings. */
bool licence_of_model(struct span text, struct buf *out);

/* The folder that a licence file speaks for: its own, without "licenses/…" and what else lies below of Python's
 * .dist-info. Appended; "" is the top. */
void licence_folder(const char *path, struct buf *out);

/* The licence that a model card names in its front matter (Hugging Face: license, license_name), as it stands there;
 * several are "A AND B". False: it names none. */
bool licence_of_card(struct span markdown, struct buf *out);
