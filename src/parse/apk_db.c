#include "parse/apk_db.h"

#include <ctype.h>

#include "parse/text.h"
#include "util/encode.h"

struct record {
    struct span name, version, architecture, origin, licence; /* borrowed */
    struct span folder, file, lines;                          /* lines: from the first F on */
    bool any;
};

bool apk_checksum(struct span text, enum hash *kind, struct buf *bytes)
{
    bool short_one = span_take_prefix(&text, SPAN_LIT("Q1"));
    if (!short_one && !span_take_prefix(&text, SPAN_LIT("Q2")))
        return false;
    *kind = short_one ? HASH_SHA1 : HASH_SHA256;
    buf_clear(bytes);
    return base64_decode(text, false, bytes) && bytes->len == hash_size(*kind);
}

static int wrong(struct inventory *v, struct span line, const char *what)
{
    return report_stop(v->r, SEVERITY_HIGH, "apk-record", v->path, "%s: %.*s", what,
                       (int)(line.len > 80 ? 80 : line.len), (const char *)line.ptr);
}

static int once(struct inventory *v, struct span *to, struct span value, struct span line)
{
    if (to->ptr)
        return wrong(v, line, "stands twice in one package");
    *to = value;
    return 0;
}

static int take_field(struct inventory *v, struct record *x, struct span line)
{
    if (line.len < 2 || !isalpha(line.ptr[0]) || line.ptr[1] != ':' || !text_is_text(line))
        return wrong(v, line, "a line that is no field of a package");
    struct span value = span_of(line.ptr + 2, line.len - 2);
    x->any = true;
    switch (line.ptr[0]) {
    case 'P':
        return once(v, &x->name, value, line);
    case 'V':
        return once(v, &x->version, value, line);
    case 'A':
        return once(v, &x->architecture, value, line);
    case 'o':
        return once(v, &x->origin, value, line);
    case 'L':
        return once(v, &x->licence, value, line);
    default:
        return 0;
    }
}

static int claim(struct inventory *v, struct span folder, struct span file, struct span checksum)
{
    auto_buf path = BUF(8192), bytes = BUF(64);
    enum hash kind = HASH_SHA1;
    if (checksum.len && !apk_checksum(checksum, &kind, &bytes))
        return wrong(v, checksum, "a checksum of a form that is not known");
    buf_add_span(&path, folder);
    if (folder.len)
        buf_add_byte(&path, '/');
    buf_add_span(&path, file);
    if (!buf_ok(&path))
        return wrong(v, file, "a path of more than 8192 bytes");
    return inventory_claim(v, buf_span(&path), kind, buf_span(&bytes), false);
}

/* F, then its R, each with its Z. */
static int put_claims(struct inventory *v, const struct record *x)
{
    struct span rest = x->lines, line, folder = {0}, file = {0}, checksum = {0};
    int result = 0;
    inventory_claims(v, "apk", x->name, x->version);
    while (result == 0 && inventory_line(&rest, &line)) {
        struct span value = span_of(line.ptr + 2, line.len - 2);
        if (line.ptr[0] == 'Z')
            checksum = value;
        if (line.ptr[0] != 'R' && line.ptr[0] != 'F')
            continue;
        if (file.ptr)
            result = claim(v, folder, file, checksum);
        file = line.ptr[0] == 'R' ? value : (struct span){0};
        folder = line.ptr[0] == 'F' ? value : folder;
        checksum = (struct span){0};
    }
    if (result == 0 && file.ptr)
        result = claim(v, folder, file, checksum);
    inventory_claims_end(v);
    return result;
}

static int put_record(struct inventory *v, const struct record *x)
{
    const struct found_package p = {.type = "apk",
                                    .name = x->name,
                                    .version = x->version,
                                    .architecture = x->architecture,
                                    .source = x->origin.len ? x->origin : x->name,
                                    .source_version = x->version,
                                    .licence = x->licence};
    if (inventory_put(v, &p) < 0)
        return -1;
    return x->lines.len ? put_claims(v, x) : 0;
}

void apk_db_read(struct span file, struct inventory *v)
{
    struct record x = {0};
    struct span line;
    for (struct span before = file; inventory_line(&file, &line); before = file) {
        if (line.len == 0) {
            if (x.any && put_record(v, &x) < 0)
                return;
            x = (struct record){0};
            continue;
        }
        if (take_field(v, &x, line) < 0)
            return;
        bool first_folder = line.ptr[0] == 'F' && !x.lines.ptr;
        if (first_folder)
            x.lines.ptr = before.ptr;
        if (x.lines.ptr)
            x.lines.len = (size_t)(line.ptr + line.len - x.lines.ptr);
    }
    if (x.any)
        put_record(v, &x);
}
