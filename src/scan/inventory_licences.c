/* Licences of what was found: each package's by its record and the licence files of its folder, each model's by its own
 * file, its card and the licence files beside it. Readers have made expressions of all of them (parse/licence.h). */
#include <stdlib.h>
#include <string.h>

#include "parse/inventory.h"
#include "parse/licence.h"
#include "scan/inventory_model.h"

#define FILES_MAX 64U /* of one folder */

/* Rows by what they speak for: "folder/PATH", or "TYPE\nNAME". */
struct index {
    struct text_map first; /* number of the first row, from there on by `next` */
    uint32_t *next;        /* owned; index + 1, 0: the last */
};

static void index_fini(struct index *x)
{
    text_map_fini(&x->first);
    free(x->next);
}

static void key_of(const json_t *row, struct buf *out)
{
    const char *path = json_get_string(row, "path", NULL);
    if (path) {
        buf_add_str(out, "folder/");
        licence_folder(path, out);
    } else {
        buf_printf(out, "%s\n%s", json_get_string(row, "type", ""), json_get_string(row, "name", ""));
    }
}

static void index_rows(struct inventory_store *m, struct index *x)
{
    x->next = calloc(m->licence_count + 1, sizeof *x->next);
    if (!x->next)
        abort();
    for (size_t i = m->licence_count; i-- > 0;) {
        auto_buf key = BUF(16384);
        uint32_t first;
        key_of(m->licences[i], &key);
        if (text_map_get(&x->first, buf_str(&key), &first))
            x->next[i] = first + 1;
        text_map_put(&x->first, model_text(m, buf_str(&key)), (uint32_t)i);
    }
}

static size_t files_of(const struct inventory_store *m, const struct index *x, const char *found,
                       struct span files[FILES_MAX])
{
    auto_buf key = BUF(16384);
    size_t count = 0;
    uint32_t row;
    buf_add_str(&key, "folder/");
    licence_folder(found, &key);
    if (!text_map_get(&x->first, buf_str(&key), &row))
        return 0;
    for (uint32_t i = row + 1; i && count < FILES_MAX; i = x->next[i - 1])
        if (!json_object_get(m->licences[i - 1], "card"))
            files[count++] = span_str(json_get_string(m->licences[i - 1], "spdx", ""));
    return count;
}

/* Packages of one source share a folder of documents: then that of the others is a link to it. */
static const char *doc_owner(const struct inventory_store *m, const struct model_package *p)
{
    auto_buf path = BUF(4096);
    uint32_t number;
    buf_printf(&path, "usr/share/doc/%s", p->name);
    if (strcmp(p->type, "deb") != 0 || !text_map_get(&m->link_by_path, buf_str(&path), &number))
        return p->name;
    const char *target = m->link_targets[number], *slash = strrchr(target, '/');
    return slash ? slash + 1 : target;
}

static void conclude(struct inventory_store *m, const struct index *x, struct model_package *p)
{
    struct span files[FILES_MAX];
    auto_buf key = BUF(4096), made = BUF(LICENCE_MAX);
    uint32_t row;
    buf_printf(&key, "%s\n%s", p->type, doc_owner(m, p));
    if (!p->licence[0] && text_map_get(&x->first, buf_str(&key), &row)) {
        p->licence = json_get_string(m->licences[row], "licence", "");
        p->spdx = json_get_string(m->licences[row], "spdx", "");
    }
    size_t count = files_of(m, x, p->found[0], files);
    if (count && licence_conclude(span_str(p->spdx), files, count, &made, &p->licence_differs))
        p->spdx = model_text(m, buf_str(&made));
}

void model_licences(struct inventory_store *m)
{
    AUTO(index_fini) struct index x = {0};
    if (m->licence_count == 0)
        return;
    index_rows(m, &x);
    for (size_t i = 0; i < m->package_count; i++)
        conclude(m, &x, &m->packages[i]);
}

/* ── models ── */

static bool is_beside(const char *path, const char *model)
{
    auto_buf folder = BUF(16384);
    const char *slash = strrchr(model, '/');
    size_t len = slash ? (size_t)(slash - model) : 0;
    licence_folder(path, &folder);
    return folder.len == len && memcmp(buf_str(&folder), model, len) == 0;
}

/* Words count before texts: the model's own file says what that one is, a card or a configuration speaks for all beside
 * it. Several words that differ hold together. */
const char *model_licence_of(struct inventory_store *m, const char *path)
{
    struct span said[FILES_MAX], files[FILES_MAX];
    size_t said_count = 0, count = 0;
    auto_buf words = BUF(LICENCE_MAX), made = BUF(LICENCE_MAX);
    bool differs;
    for (size_t i = 0; i < m->licence_count; i++) {
        const json_t *row = m->licences[i];
        const char *at = json_get_string(row, "path", NULL);
        bool card = json_object_get(row, "card") != NULL;
        if (!at || (card && inventory_is_model(at) ? strcmp(at, path) != 0 : !is_beside(at, path)))
            continue;
        if (card && said_count < FILES_MAX)
            said[said_count++] = span_str(json_get_string(row, "spdx", ""));
        else if (!card && count < FILES_MAX)
            files[count++] = span_str(json_get_string(row, "spdx", ""));
    }
    licence_conclude((struct span){0}, said, said_count, &words, &differs);
    return licence_conclude(buf_span(&words), files, count, &made, &differs) ? model_text(m, buf_str(&made)) : NULL;
}
