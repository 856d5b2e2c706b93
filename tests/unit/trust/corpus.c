#include "corpus.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool find_archive(char *path, size_t room)
{
    const char *source = getenv("AIRLOCK_SOURCE"), *shared = getenv("AIRLOCK_SHARED");
    const struct {
        const char *base, *rest;
    } places[] = {{shared, "corpora"}, {source, "shared/corpora"}, {source, "../shared/corpora"}};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (!places[i].base)
            continue;
        snprintf(path, room, "%s/%s/trust.tar.gz", places[i].base, places[i].rest);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

bool corpus_present(void)
{
    char path[4096];
    if (find_archive(path, sizeof path))
        return true;
    print_message("# SKIPPED: shared/corpora/trust.tar.gz is not there (AIRLOCK_SHARED names the folder above it); the "
                  "vectors of others were NOT run\n");
    return false;
}

static void read_member(struct archive *a, struct archive_entry *entry, struct buf *out)
{
    size_t size = (size_t)archive_entry_size(entry);
    uint8_t *room = buf_room(out, size);
    assert_non_null(room);
    assert_int_equal(archive_read_data(a, room, size), size);
    buf_grown(out, size);
}

void corpus_read(const char *member, struct buf *out)
{
    char path[4096];
    assert_true(find_archive(path, sizeof path));
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    archive_read_support_filter_gzip(a);
    archive_read_support_format_tar(a);
    assert_int_equal(archive_read_open_filename(a, path, 65536), ARCHIVE_OK);
    bool found = false;
    while (!found && archive_read_next_header(a, &entry) == ARCHIVE_OK)
        if ((found = strcmp(archive_entry_pathname(entry), member) == 0))
            read_member(a, entry, out);
    archive_read_free(a);
    if (!found)
        fail_msg("%s holds no %s", path, member);
}

json_t *corpus_json(const char *member)
{
    auto_buf text = BUF(64U << 20);
    struct err e;
    corpus_read(member, &text);
    json_t *j = json_parse(buf_span(&text), text.len, member, &e);
    if (!j)
        fail_msg("%s", e.msg);
    return j;
}
