#include "registry/files_type.h"

#include <string.h>

#include "util/json.h"
#include "util/limits.h"

#define UNKNOWN "application/octet-stream"

/* No script, no markup, no style in any of them. */
static const char *const QUIET[] = {
    "application/gzip", "application/json", "application/pdf", "application/yaml", "application/zip",
    "image/jpeg",       "image/png",        "text/csv",        "text/markdown",    "text/plain",
};

void files_type(const char *about, char type[FILES_TYPE_SIZE])
{
    struct err e = {0};
    auto_json facts = json_parse(span_str(about), LIMIT_JSON_BYTES, "about", &e);
    const char *said = json_get_string(facts, "media-type", UNKNOWN);
    snprintf(type, FILES_TYPE_SIZE, UNKNOWN);
    for (size_t i = 0; i < ARRAY_LEN(QUIET); i++)
        if (strcmp(said, QUIET[i]) == 0)
            snprintf(type, FILES_TYPE_SIZE, "%s%s", QUIET[i],
                     strncmp(QUIET[i], "text/", 5) == 0 ? "; charset=utf-8" : "");
}

void files_path(const char *release, const struct package_row *row, struct buf *out)
{
    if (strcmp(row->name, release) != 0)
        buf_printf(out, "%s/", row->name);
    buf_add_str(out, row->filename);
}
