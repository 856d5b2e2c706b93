#include "registry/pypi_path.h"

#include <stdio.h>
#include <string.h>

/* `text` is what follows "simple/": "", "NAME" or "NAME/". */
static void parse_simple(const char *text, struct pypi_path *out)
{
    size_t len = strcspn(text, "/");
    bool slash = text[len] == '/';
    if (len == 0) {
        out->what = PYPI_LIST;
        return;
    }
    if ((slash && text[len + 1] != 0) || !pypi_name(span_of(text, len), out->name))
        return;
    bool normalised = strlen(out->name) == len && !memcmp(out->name, text, len);
    out->what = slash && normalised ? PYPI_PROJECT : PYPI_MOVED;
    snprintf(out->location, sizeof(out->location), "%s%s/", slash ? "../" : "", out->name);
}

/* `text` is what follows "files/": "NAME/FILENAME". */
static void parse_file(const char *text, struct pypi_path *out)
{
    static const char suffix[] = ".metadata";
    const char *slash = strchr(text, '/');
    size_t name = slash ? (size_t)(slash - text) : 0, file = slash ? strlen(slash + 1) : 0;
    if (name == 0 || name >= sizeof(out->name) || file == 0 || file >= sizeof(out->filename) || strchr(slash + 1, '/'))
        return;
    memcpy(out->name, text, name);
    out->what = PYPI_FILE;
    if (file > sizeof(suffix) - 1 && !strcmp(slash + 1 + file - (sizeof(suffix) - 1), suffix)) {
        out->what = PYPI_METADATA;
        file -= sizeof(suffix) - 1;
    }
    memcpy(out->filename, slash + 1, file);
}

void pypi_path_parse(const char *rest, struct pypi_path *out)
{
    *out = (struct pypi_path){.what = PYPI_UNKNOWN};
    if (!strcmp(rest, "simple")) {
        out->what = PYPI_MOVED;
        snprintf(out->location, sizeof(out->location), "simple/");
    } else if (!strncmp(rest, "simple/", 7)) {
        parse_simple(rest + 7, out);
    } else if (!strncmp(rest, "files/", 6)) {
        parse_file(rest + 6, out);
    }
}
