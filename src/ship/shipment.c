#include "ship/shipment.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "trust/statement.h"
#include "util/file.h"
#include "util/limits.h"
#include "util/log.h"

struct folder {
    uint64_t number;
    char name[128];
    bool found;
};

static int take_folder(void *arg, const struct shipment_row *row)
{
    struct folder *f = arg;
    f->found = true;
    snprintf(f->name, sizeof f->name, "quarantine/%.110s", row->folder);
    return 0;
}

struct blobs *shipment_blobs(struct site *s, uint64_t number, struct err *e)
{
    struct folder f = {.number = number};
    if (number == 0 || db_shipment_each(s->db, number, take_folder, &f, e) != 0) {
        if (number == 0)
            err_set(e, ERR_NOTFOUND, 0, "shipments count from 1");
        return NULL;
    }
    if (!f.found) {
        err_set(e, ERR_NOTFOUND, 0, "there is no shipment:%llu here", (unsigned long long)number);
        err_hint(e, "`airlock status` lists what was received");
        return NULL;
    }
    return blobs_open(s->dir, f.name, e);
}

struct blobs *release_blobs(struct site *s, const struct release_row *row, struct err *e)
{
    if (row->discarded) {
        err_set(e, ERR_NOTFOUND, 0, "%s:%s was discarded: its bytes are gone", row->name, row->version);
        err_hint(e, "Receive it again, or promote another version");
        return NULL;
    }
    if (row->admitted || (row->shipment == 0 && s->config.kind == SITE_STATION))
        return blobs_open(s->dir, "store", e);
    if (row->shipment == 0)
        return blobs_open(s->dir, PUSHED_FOLDER, e);
    return shipment_blobs(s, row->shipment, e);
}

/* ── the station's key ── */

struct searching {
    struct site *s;
    struct child *parser;
    const struct digest *release;
    struct public_key *key;
};

static struct public_key *key_of_receipt(const json_t *predicate)
{
    const json_t *row = json_array_get(json_object_get(predicate, "keys"), 0);
    const char *pem = json_get_string(row, "pem", "");
    struct err ignored = {0};
    return public_key_parse(span_str(pem), "receipt", &ignored);
}

static int look_at_receipt(void *arg, const struct evidence_row *row)
{
    struct searching *f = arg;
    auto_statement st = {0};
    struct err ignored = {0};
    const struct public_key *keys[] = {f->s->public_key};
    if (statement_verify(f->parser, row->envelope, keys, 1, f->release, PREDICATE_RECEIPT, &st, &ignored) < 0)
        return 0;
    f->key = key_of_receipt(st.predicate);
    return f->key ? 1 : 0;
}

struct public_key *release_station_key(struct site *s, const struct digest *release, struct err *e)
{
    if (s->config.kind == SITE_STATION)
        return public_key_copy(s->public_key);
    struct searching f = {.s = s, .parser = site_parser(s, e), .release = release};
    if (!f.parser || db_evidence_each(s->db, release, PREDICATE_RECEIPT, look_at_receipt, &f, e) < 0)
        return NULL;
    if (!f.key)
        err_set(e, ERR_NOTFOUND, 0, "no receipt of this contour names the station's key for %s",
                digest_text(release).text);
    return f.key;
}

/* ── leftovers ── */

struct named {
    char (*list)[128];
    size_t count;
};

static int keep_name(void *arg, const struct shipment_row *row)
{
    struct named *n = arg;
    char(*grown)[128] = reallocarray(n->list, n->count + 1, sizeof *grown);
    if (!grown)
        abort();
    n->list = grown;
    snprintf(n->list[n->count++], sizeof *n->list, "%.120s", row->folder);
    return 0;
}

static bool is_named(const struct named *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->list[i], name) == 0)
            return true;
    return false;
}

static int tidy(int quarantine, const struct named *n, bool quiet, unsigned *removed, struct err *e)
{
    int copy = dir_open(quarantine, ".", e);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        if (copy >= 0)
            close(copy);
        return copy < 0 ? -1 : err_set(e, ERR_IO, errno, "quarantine");
    }
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(d));) {
        if (entry->d_name[0] == '.' || is_named(n, entry->d_name))
            continue;
        result = tree_remove(quarantine, entry->d_name, e);
        if (result == 0 && !quiet)
            log_event(EV_LEFTOVER_REMOVED, "folder", entry->d_name, NULL);
        if (result == 0 && removed)
            ++*removed;
    }
    closedir(d);
    return result;
}

int quarantine_tidy_locked(struct site *s, int quarantine, bool quiet, unsigned *removed, struct err *e)
{
    struct named n = {0};
    int result = db_shipment_each(s->db, 0, keep_name, &n, e) != 0 ? -1 : tidy(quarantine, &n, quiet, removed, e);
    free(n.list);
    return result;
}

int quarantine_tidy(struct site *s, unsigned *removed, struct err *e)
{
    auto_fd quarantine = dir_open(s->dir, "quarantine", e);
    if (quarantine < 0)
        return -1;
    auto_fd lock = file_lock(quarantine, ".lock", false, e);
    return lock < 0 ? -1 : quarantine_tidy_locked(s, quarantine, false, removed, e);
}

struct release *release_of_row(struct site *s, const struct blobs *b, const struct release_row *row, struct err *e)
{
    struct child *parser = site_parser(s, e);
    auto_release r = parser ? release_read(b, parser, &row->digest, e) : NULL;
    if (!r || (strcmp(r->name, row->name) == 0 && strcmp(r->version, row->version) == 0))
        return ptr_steal(&r);
    err_set(e, ERR_INPUT, 0, "state.db calls %s %s:%s, and what the station signed is %s:%s",
            digest_text(&row->digest).text, row->name, row->version, r->name, r->version);
    err_hint(e, "Somebody changed the row; run `airlock fsck`");
    return NULL;
}
