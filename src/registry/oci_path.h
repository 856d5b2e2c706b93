/* Paths of the OCI distribution API (distribution-spec 1.1, "Endpoints"): the repository's name begins with the
 * environment and may have any number of parts behind it, so a path is read from its end. Pure. */
#pragma once

#include "util/digest512.h"

enum oci_what { OCI_BASE, OCI_MANIFEST, OCI_BLOB, OCI_UPLOAD, OCI_TAGS, OCI_REFERRERS };

#define OCI_NAME_CHARS 200U /* of a repository without its environment; clients stop at 255 with the host's name */
#define OCI_UPLOAD_ID  32U  /* hex digits */

/* A digest as a client writes it. */
struct oci_digest {
    bool is_512;
    struct digest sha256;    /* set unless is_512 */
    struct digest512 sha512; /* set if is_512 */
};
bool oci_digest_parse(struct span text, struct oci_digest *out);
struct digest512_text oci_digest_text(const struct oci_digest *d);

struct oci_path {
    enum oci_what what;
    char environment[17];
    char name[OCI_NAME_CHARS + 1];            /* "assistant", "assistant/model" */
    char repository[17 + OCI_NAME_CHARS + 1]; /* "sandbox/assistant" */
    bool by_digest;
    struct oci_digest digest;
    char tag[129];
    char upload[OCI_UPLOAD_ID + 1]; /* "": …/blobs/uploads/, where uploads begin */
};

/* "sandbox/assistant/model" into its parts; false when it is no name of a repository. */
bool oci_repository_parse(struct span text, struct oci_path *out);
/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
bool oci_tag_ok(const char *text);

/* `rest` is what follows /v2/. 0, or -1 with *code and *why for the client. */
int oci_path_parse(const char *rest, struct oci_path *out, const char **code, const char **why);
