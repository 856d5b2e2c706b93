/* The paths of an archive: is a name safe by itself, where does a link lead, and does any member lie behind a symbolic
 * link of the same archive (which an unpacker might follow out of the tree). */
#pragma once

#include "util/buf.h"

/* What is wrong with a member's path, in words, or NULL. On success *out holds its normal form: no leading "./" or "/",
 * no empty parts. *absolute says that it began with a slash. */
const char *path_problem(const char *path, struct buf *out, bool *absolute);

/* What is wrong with the target of a symbolic link at `at` (normal form), or NULL. An absolute target is fine: it is
 * resolved inside the tree's own root. */
const char *symlink_problem(const char *at, const char *target);

/* The set of paths of one archive. */
struct path_set;
struct path_set *path_set_new(void);
void path_set_free(struct path_set *s);

enum path_kind { PATH_FOLDER, PATH_FILE, PATH_SYMLINK };

/* Adds a member. Returns the path (borrowed until the next call) of a symbolic link that stands before it or, for a
 * link, that other members stand behind; else NULL. Order does not matter. *again: a member of this very path is there
 * already, and not both are folders. *full is set when no more fit in. */
const char *path_set_add(struct path_set *s, const char *path, enum path_kind kind, bool *again, bool *full);
