#include "registry/pypi_path.h"

#include <stdio.h>
#include <string.h>

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_separator(char c)
{
    return c == '-' || c == '_' || c == '.';
}

bool pypi_name_normalise(const char *name, size_t len, char out[PYPI_NAME_MAX + 1])
{
    size_t n = 0;
    if (len == 0 || len > PYPI_NAME_MAX || !is_alnum(name[0]) || !is_alnum(name[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (is_separator(c)) {
            if (!is_separator(name[i - 1]))
                out[n++] = '-';
        } else if (is_alnum(c)) {
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        } else {
            return false;
        }
    }
    out[n] = 0;
    return true;
}

/* `text` is what follows "simple/": "", "NAME" or "NAME/". */
static void parse_simple(const char *text, struct pypi_path *out)
{
    size_t len = strcspn(text, "/");
    bool slash = text[len] == '/';
    if (len == 0) {
        out->what = PYPI_LIST;
        return;
    }
    if ((slash && text[len + 1] != 0) || !pypi_name_normalise(text, len, out->name))
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
    if (name == 0 || name > PYPI_NAME_MAX || file == 0 || file >= sizeof(out->filename) || strchr(slash + 1, '/'))
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
