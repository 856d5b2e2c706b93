#include "registry/npm_path.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "util/auto.h"

static const struct {
    const char *path;
    enum npm_what what;
} SERVICES[] = {
    {"-/ping", NPM_PING},
    {"-/whoami", NPM_WHOAMI},
    {"-/npm/v1/security/advisories/bulk", NPM_BULK},
    {"-/npm/v1/security/audits/quick", NPM_QUICK},
};

/* "name" or "@scope/name": nothing else has a slash. */
static bool take_name(const char *text, size_t len, struct npm_path *out)
{
    const char *slash = memchr(text, '/', len);
    if (len == 0 || len > NPM_NAME_MAX || text[len - 1] == '/')
        return false;
    if (slash && (text[0] != '@' || memchr(slash + 1, '/', len - (size_t)(slash + 1 - text))))
        return false;
    memcpy(out->name, text, len);
    return true;
}

/* `file` is BASE-VERSION.tgz */
static bool take_version(const char *file, struct npm_path *out)
{
    static const char suffix[] = ".tgz";
    const char *slash = strchr(out->name, '/'), *base = slash ? slash + 1 : out->name;
    size_t len = strlen(file), before = strlen(base) + 1;
    if (len < before + sizeof(suffix) || len - before - (sizeof(suffix) - 1) >= sizeof(out->version) ||
        strncmp(file, base, before - 1) != 0 || file[before - 1] != '-' ||
        strcmp(file + len - (sizeof(suffix) - 1), suffix) != 0)
        return false;
    memcpy(out->version, file + before, len - before - (sizeof(suffix) - 1));
    return true;
}

void npm_path_parse(const char *rest, struct npm_path *out)
{
    const char *file = strstr(rest, "/-/");
    *out = (struct npm_path){.what = NPM_UNKNOWN};
    if (rest[0] == '-' && rest[1] == '/') {
        for (size_t i = 0; i < ARRAY_LEN(SERVICES); i++)
            if (!strcmp(rest, SERVICES[i].path))
                out->what = SERVICES[i].what;
    } else if (!file) {
        if (take_name(rest, strlen(rest), out))
            out->what = NPM_DOCUMENT;
    } else if (take_name(rest, (size_t)(file - rest), out) && take_version(file + 3, out)) {
        out->what = NPM_TARBALL;
    }
}
