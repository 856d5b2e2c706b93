/* go.sum (Go Modules Reference, "go.sum files"): MODULE VERSION[/go.mod] HASH. The hash "h1:" is a SHA-256 over the
 * list of a module's files with their hashes, not of the file that is delivered: it is kept under its own name. */
#include "parse/lock.h"

#include <string.h>

#include "util/encode.h"

static bool take_word(struct span *line, struct span *word)
{
    if (!span_take_until(line, ' ', word)) {
        *word = *line;
        line->len = 0;
    }
    return word->len > 0;
}

static int each_line(struct span line, unsigned number, struct lock_out *o, struct err *e)
{
    struct span whole = line, module, version, hash;
    auto_buf name = BUF(1024), text = BUF(1024), raw = BUF(64);
    char hex[65];
    if (!take_word(&line, &module) || !take_word(&line, &version) || !take_word(&line, &hash) || line.len ||
        version.ptr[0] != 'v')
        return err_set(e, ERR_INPUT, 0, "%s:%u: \"%.*s\" is not MODULE VERSION HASH", o->file, number,
                       (int)(whole.len > 80 ? 80 : whole.len), (const char *)whole.ptr);
    if (span_ends(version, SPAN_LIT("/go.mod")))
        return 0; /* asked for, not built in */
    bool known = span_take_prefix(&hash, SPAN_LIT("h1:")) && base64_decode(hash, false, &raw) && raw.len == 32;
    buf_add_span(&name, module);
    buf_add_span(&text, version);
    const struct lock_item item = {
        .ecosystem = "golang", .name = buf_str(&name), .version = buf_str(&text), .group = o->group, .line = number};
    if (known)
        hex_encode(buf_span(&raw), hex);
    return lock_entry(o, &item, known ? "h1" : NULL, known ? span_str(hex) : (struct span){0}, NULL, NULL, e);
}

int lock_gosum(struct span text, struct lock_out *o, struct err *e)
{
    return lock_lines(text, o, each_line, e);
}
