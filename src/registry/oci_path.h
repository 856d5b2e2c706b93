/* Paths of the OCI distribution API (distribution-spec 1.1, "Endpoints"), pulling only. Pure. */
#pragma once

#include "util/digest.h"

enum oci_what { OCI_BASE, OCI_MANIFEST, OCI_BLOB, OCI_TAGS, OCI_REFERRERS };

struct oci_path {
    enum oci_what what;
    char environment[17], name[65];
    bool by_digest;
    struct digest digest;
    char tag[129];
};

/* `rest` is what follows /v2/. 0, or -1 with *code and *why for the client. */
int oci_path_parse(const char *rest, struct oci_path *out, const char **code, const char **why);
