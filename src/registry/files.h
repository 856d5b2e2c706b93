/* The view of files: what releases bring besides packages (documentation, data), by name and by digest.
 *
 *     /files/ENVIRONMENT/                     what there is: HTML for people, JSON (docs/formats/files.schema.json) by
 * Accept /files/ENVIRONMENT/PATH                 the file that the releases standing there bring under this path
 *     /files/ENVIRONMENT/RELEASE/PATH         the one that this release brings; always one
 *     /files/ENVIRONMENT/sha256:HEX           any package or file of the environment
 *
 * Hard rule: nothing that comes from a release is shown by a browser in this server's name: it is a download, of a type
 * that browsers do not run. */
#pragma once

#include "registry/mirror.h"

extern const struct mirror_view FILES_VIEW;
