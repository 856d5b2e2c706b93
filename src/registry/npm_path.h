/* What a path below /npm/ENVIRONMENT/ asks for. Pure. */
#pragma once

/* The longest name that npm takes (validate-npm-package-name). */
#define NPM_NAME_MAX 214U

enum npm_what {
    NPM_UNKNOWN,
    NPM_DOCUMENT, /* NAME or @SCOPE/NAME */
    NPM_TARBALL,  /* NAME/-/BASE-VERSION.tgz, BASE being the name without its scope */
    NPM_PING,     /* -/ping */
    NPM_WHOAMI,   /* -/whoami */
    NPM_BULK,     /* -/npm/v1/security/advisories/bulk */
    NPM_QUICK,    /* -/npm/v1/security/audits/quick */
};

struct npm_path {
    enum npm_what what;
    char name[NPM_NAME_MAX + 1];
    char version[257]; /* NPM_TARBALL; npm takes versions of up to 256 characters */
};

/* `rest` is what follows the environment, decoded (so a scope's %2f is a slash), without a leading slash. */
void npm_path_parse(const char *rest, struct npm_path *out);
