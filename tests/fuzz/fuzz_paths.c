/* Each line is a member: "path" or "path TAB target". Whatever is accepted lies below the tree, and stays what it is
 * when it is read again. */
#include <stdlib.h>
#include <string.h>

#include "parse/paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void member(struct path_set *set, char *line)
{
    auto_buf normal = BUF(8192), again = BUF(8192);
    bool absolute, twice, full;
    char *target = strchr(line, '\t');
    if (target)
        *target++ = '\0';
    if (path_problem(line, &normal, &absolute))
        return;
    const char *path = buf_str(&normal);
    if (path_problem(path, &again, &absolute) || absolute || strcmp(buf_str(&again), path) != 0)
        abort();
    if (strstr(path, "//") || path[0] == '/' || strncmp(path, "../", 3) == 0 || strstr(path, "/../"))
        abort();
    if (target)
        (void)symlink_problem(path, target);
    if (path[0])
        (void)path_set_add(set, path, target ? PATH_SYMLINK : PATH_FILE, &twice, &full);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), line;
    struct path_set *set = path_set_new();
    while (span_take_until(&rest, '\n', &line)) {
        auto_free char *text = NULL;
        text = calloc(1, line.len + 1);
        if (!text)
            abort();
        memcpy(text, line.ptr, line.len);
        member(set, text);
    }
    path_set_free(set);
    return 0;
}
