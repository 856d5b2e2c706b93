/* Which system this is: os-release (os-release(5): assignments as a shell takes them, without expansion), and what
 * older systems have in its place (redhat-release, system-release-cpe, alpine-release, debian_version). Hard rule: it
 * is what the image says of itself; whoever relies on it says so. */
#pragma once

#include "parse/inventory.h"

/* Facts {"id", "version_id"?, "version_codename"?, "name"?, "pretty_name"?, "id_like"?, "cpe"?, "found"} into
 * v->system_json, unless a better file was read before. A finding for a file that is no text. */
void os_release_read(struct span file, struct inventory *v);

/* The value of KEY in an os-release file, unquoted, or "" (text.len 0). */
void os_release_value(struct span file, const char *key, struct buf *out);

/* "ID" and "version" out of a line such as "CentOS release 5.7 (Final)". False: none that is known. */
bool os_release_line(struct span line, const char **id, struct span *version);
