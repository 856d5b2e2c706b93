#include "parse/lock_python.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void lock_python_fini(struct lock_python *p)
{
    free(p->files);
    *p = (struct lock_python){0};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The last part of a URL's path, %2B decoded (RFC 3986, section 2.1). Too long: empty. */
static void last_part(const char *place, char *out, size_t size)
{
    size_t len = strcspn(place, "?#"), from = len, n = 0;
    while (from > 0 && place[from - 1] != '/' && place[from - 1] != '\\')
        from--;
    for (size_t i = from; i < len; i++) {
        char c = place[i];
        if (c == '%' && len - i > 2 && hex_digit(place[i + 1]) >= 0 && hex_digit(place[i + 2]) >= 0) {
            c = (char)(hex_digit(place[i + 1]) * 16 + hex_digit(place[i + 2]));
            i += 2;
        }
        if (n + 1 >= size || c == '\0' || c == '/') {
            n = 0;
            break;
        }
        out[n++] = c;
    }
    out[n] = '\0';
}

void lock_python_add(struct lock_python *p, const char *place, const char *hash)
{
    p->files = reallocarray(p->files, p->count + 1, sizeof *p->files);
    if (!p->files)
        abort();
    struct lock_python_file *f = &p->files[p->count++];
    bool is_url = strncmp(place, "http:", 5) == 0 || strncmp(place, "https:", 6) == 0;
    *f = (struct lock_python_file){.url = is_url ? place : NULL, .hash = hash ? hash : ""};
    last_part(place, f->filename, sizeof f->filename);
}

/* Why it is refused, or NULL. */
static const char *look(const struct lock_python *p, char *name, size_t size)
{
    struct span hex;
    if (!p->item.name || !lock_python_name(span_str(p->item.name), name, size))
        return "it has no name of a project";
    if (!p->item.version || !lock_python_version(span_str(p->item.version)))
        return "it has no version";
    if (p->count == 0)
        return "it has no file with a hash: another file under the same version would be taken";
    for (size_t i = 0; i < p->count; i++) {
        if (p->files[i].filename[0] == '\0')
            return "one of its files has no name";
        if (!lock_hash_split(span_str(p->files[i].hash), &hex))
            return "one of its files has no hash that is sha256, sha384 or sha512 in full length";
    }
    return NULL;
}

int lock_python_put(const struct lock_python *p, const char *how, struct lock_out *o, struct err *e)
{
    struct lock_item item = p->item;
    char name[129];
    const char *why = look(p, name, sizeof name);
    struct span hex;
    if (why)
        lock_refuse(o, item.line, p->text, how, "%s", why);
    bool named = item.name && item.version && lock_python_name(span_str(item.name), name, sizeof name) &&
                 lock_python_version(span_str(item.version));
    if (why && (!o->listing || !named))
        return 0;
    item.ecosystem = "pypi";
    item.name = name;
    if (lock_begin(o, &item, e) < 0)
        return -1;
    for (size_t i = 0; i < p->count; i++) {
        const char *alg = lock_hash_split(span_str(p->files[i].hash), &hex);
        if (alg)
            lock_hash(o, alg, hex);
    }
    lock_files(o);
    for (size_t i = 0; i < p->count; i++) {
        const char *alg = lock_hash_split(span_str(p->files[i].hash), &hex);
        if (alg)
            lock_file(o, span_str(p->files[i].filename), p->files[i].url, alg, hex);
    }
    lock_end(o);
    return 0;
}
