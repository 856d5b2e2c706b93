#include "parse/copyright.h"

#include <ctype.h>
#include <string.h>

#include "parse/licence_text.h"
#include "parse/text.h"

#define NAMES_MAX    64U
#define LICENCES_MAX 2048U /* bytes of what is written */

struct names {
    struct span list[NAMES_MAX]; /* borrowed */
    size_t count;
};

static struct span trim(struct span s)
{
    while (s.len && isspace(s.ptr[0]))
        span_skip(&s, 1);
    while (s.len && isspace(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Words that may stand in a short name or in "GPL-2+ or MIT". */
static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] >= 0x80 || (!isalnum(s.ptr[i]) && !strchr(" -+.,()", s.ptr[i])))
            return false;
    return s.len > 0 && s.len <= 60;
}

static void keep(struct names *n, struct span name)
{
    for (size_t i = 0; i < n->count; i++)
        if (span_equal(n->list[i], name))
            return;
    if (n->count < NAMES_MAX && is_name(name))
        n->list[n->count++] = name;
}

static void take_reference(struct names *n, struct span line)
{
    static const char folder[] = "/usr/share/common-licenses/";
    const uint8_t *at = line.len ? memmem(line.ptr, line.len, folder, sizeof folder - 1) : NULL;
    if (!at)
        return;
    struct span rest = span_of(at + sizeof folder - 1, line.len - (size_t)(at - line.ptr) - (sizeof folder - 1));
    size_t len = 0;
    while (len < rest.len && (isalnum(rest.ptr[len]) || rest.ptr[len] == '-' || rest.ptr[len] == '.'))
        len++;
    while (len && rest.ptr[len - 1] == '.') /* the end of a sentence */
        len--;
    keep(n, span_of(rest.ptr, len));
}

/* NAME of "usr/share/doc/NAME/copyright". */
static struct span owner_of(const char *path)
{
    const char *end = strrchr(path, '/'), *start = end;
    while (start && start > path && start[-1] != '/')
        start--;
    return start ? span_of(start, (size_t)(end - start)) : (struct span){0};
}

void copyright_read(struct span file, struct inventory *v)
{
    struct names fields = {0}, references = {0};
    struct span line, whole = file;
    auto_buf text = BUF(LICENCES_MAX);
    while (inventory_line(&file, &line)) {
        struct span value = line;
        if (span_take_prefix(&value, SPAN_LIT("License:")))
            keep(&fields, trim(value));
        else
            take_reference(&references, line);
    }
    const struct names *n = fields.count ? &fields : &references;
    for (size_t i = 0; i < n->count && buf_ok(&text); i++) {
        bool group = memmem(n->list[i].ptr, n->list[i].len, " or ", 4) != NULL;
        buf_add_str(&text, i ? " AND " : "");
        buf_add_str(&text, group && n->count > 1 ? "(" : "");
        buf_add_span(&text, n->list[i]);
        buf_add_str(&text, group && n->count > 1 ? ")" : "");
    }
    if (n->count == 0)
        licence_text_read(whole, &text);
    if (text.len && buf_ok(&text))
        inventory_licence(v, "deb", owner_of(v->path), buf_span(&text));
}
