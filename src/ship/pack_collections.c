/* What `airlock collect` put into the station's store, on its way into a release: the newest collection of each name
 * that release.yaml gives, or the one with that digest, and of it the groups that travel. */
#include <string.h>

#include "parse/report.h"
#include "ship/pack_internal.h"
#include "store/db_collection.h"
#include "util/limits.h"

static const char *const DEFAULT_GROUPS[] = {"prod", NULL};

/* NAME, or NAME@sha256:… */
static int find(struct packing *p, const struct yaml *item, struct digest *out, struct err *e)
{
    const char *at = strchr(item->text, '@');
    char name[LIMIT_NAME_CHARS + 1];
    int64_t time_s;
    snprintf(name, sizeof name, "%.*s", at ? (int)(at - item->text) : (int)strlen(item->text), item->text);
    int result = at && digest_parse(span_str(at + 1), out, e) < 0 ? -1
                 : at                                             ? db_collection_find(p->s->db, name, out, &time_s, e)
                                                                  : db_collection_newest(p->s->db, name, out, e);
    if (result == 0)
        return 0;
    err_prefix(e, "%s:%u: packages: collections", p->name, item->line);
    return e && e->code == ERR_NOTFOUND ? err_hint(e, "`airlock collect FILE` makes one") : -1;
}

static int read_collection(struct packing *p, struct child *parser, const struct digest *manifest, struct packages *out,
                           struct err *e)
{
    struct release_blob d = {.digest = *manifest};
    auto_fd fd = blob_open(p->s->blobs, manifest, &d.size, e);
    auto_json document = fd < 0 ? NULL : release_document(p->s->blobs, parser, &d, "collection", e);
    const json_t *config = document ? json_need_object(document, "config", "", e) : NULL;
    struct digest id;
    if (!config || json_need_digest(config, "digest", "/config", &id, e) < 0)
        return err_prefix(e, "collection %s", digest_text(manifest).text);
    return packages_read(p->s->blobs, parser, &id, out, e);
}

static bool travels(const struct packing *p, const char *group)
{
    for (const char *const *g = p->groups; *g; g++)
        if (strcmp(*g, group) == 0)
            return true;
    return false;
}

static void take_groups(struct packing *p)
{
    const struct yaml *list = yaml_get(p->spec.packages, "groups");
    p->groups = calloc((list ? list->count : 1) + 1, sizeof *p->groups);
    if (!p->groups)
        abort();
    for (size_t i = 0; list && i < list->count; i++)
        p->groups[i] = list->items[i]->text;
    if (!list)
        memcpy(p->groups, DEFAULT_GROUPS, sizeof DEFAULT_GROUPS);
}

/* What is chosen is read once more, as a contour will. */
static int choose(struct packing *p, struct child *parser, const struct package *item, const struct yaml *from,
                  struct pack_result *out, struct err *e)
{
    struct package seen;
    auto_json reply = NULL;
    enum verdict verdict;
    uint64_t size;
    char what[400];
    bool plain = strcmp(item->ecosystem, "file") == 0 || strcmp(item->ecosystem, "hf") == 0;
    struct pack_package *x = pack_new_package(p, NULL, from->line);
    package_copy(item, &x->package);
    auto_fd fd = blob_open(p->s->blobs, &item->digest, &size, e);
    if (fd < 0)
        return err_prefix(e, "collection %s: %s", from->text, item->filename);
    if (package_look(parser, fd, item->filename, plain ? "file" : NULL, &seen, NULL, &reply, e) < 0)
        return err_prefix(e, "%s:%u: packages", p->name, from->line);
    bool same = digest_equal(&seen.digest, &item->digest);
    package_fini(&seen);
    if (!same)
        return err_set(e, ERR_INPUT, 0, "collection %s: %s was changed in the store", from->text, item->filename);
    if (!verdict_from_name(json_get_string(reply, "verdict", ""), &verdict))
        return err_set(e, ERR_UNDECIDED, 0, "%s: the parse process gave no verdict", item->filename);
    pack_say_finding(reply, what, sizeof what);
    return verdict_blocks(verdict) ? pack_blocked(p, x, what, out, e) : 0;
}

static int note_use(struct packing *p, const struct digest *manifest, const struct yaml *from, struct err *e)
{
    for (size_t i = 0; i < p->used_count; i++)
        if (digest_equal(&p->used[i], manifest))
            return err_set(e, ERR_INPUT, 0, "%s:%u: packages: collections: %s stands there twice", p->name, from->line,
                           from->text);
    if (p->used_count == PACK_COLLECTIONS_MAX)
        return err_set(e, ERR_LIMIT, 0, "%s:%u: packages: collections: more than %u", p->name, from->line,
                       PACK_COLLECTIONS_MAX);
    p->used[p->used_count++] = *manifest;
    return 0;
}

static int take_collection(struct packing *p, struct child *parser, const struct yaml *from, struct pack_result *out,
                           struct err *e)
{
    struct digest manifest;
    auto_packages all = {0};
    if (find(p, from, &manifest, e) < 0 || note_use(p, &manifest, from, e) < 0 ||
        read_collection(p, parser, &manifest, &all, e) < 0)
        return -1;
    for (size_t i = 0; i < all.count; i++)
        if (travels(p, all.items[i].group) && choose(p, parser, &all.items[i], from, out, e) < 0)
            return -1;
    for (size_t i = 0; i < all.evidence_count; i++)
        packages_add_evidence(&p->document, all.evidence[i].kind, all.evidence[i].name, &all.evidence[i].digest,
                              all.evidence[i].size);
    for (size_t i = 0; i < all.count; i++)
        packages_add(&p->collected, &all.items[i]);
    return 0;
}

int pack_collections_look(struct packing *p, struct child *parser, struct pack_result *out, struct err *e)
{
    const struct yaml *list = yaml_get(p->spec.packages, "collections");
    take_groups(p);
    for (size_t i = 0; list && i < list->count; i++)
        if (take_collection(p, parser, list->items[i], out, e) < 0)
            return -1;
    return 0;
}
