/* Taking back (distribution-spec 1.1, "Content Management"), as policy: who pushed something may take it back, until it
 * is part of a release that was taken in: that is nobody's to delete, 405 with the reason. */
#include <stdio.h>

#include "registry/push_internal.h"
#include "ship/release.h"

static void done(struct oci *o, const char *named)
{
    struct buf none = BUF(1);
    if (push_record(o, "delete", 202, named, 0) < 0)
        http_error(o->r, 503, NULL, "it was deleted, and the access log cannot be written");
    else
        http_answer(o->r, 202, NULL, &none);
}

static void unknown(struct oci *o, const char *named)
{
    push_refuse(o, "delete", named, 404, o->path.what == OCI_BLOB ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN",
                "%s holds no such %s", o->path.repository, o->path.what == OCI_BLOB ? "blob" : "manifest");
}

/* A release that was pushed and taken in is judged, or waits for it. True: answered. */
static bool is_of_release(struct oci *o, const struct oci_found *found)
{
    struct digest release;
    struct err e = {0};
    if (db_push_release_of(o->db, o->path.name, &found->id, &release, &e) == 0)
        push_refuse(
            o, "delete", found->named, 405, "UNSUPPORTED",
            "it is part of the release %s, which was taken in: a release is judged, promoted and rolled back, never "
            "deleted",
            digest_text(&release).text);
    else if (e.code != ERR_NOTFOUND)
        push_refuse_err(o, "delete", found->named, NULL, &e);
    return e.code != ERR_NOTFOUND;
}

static int remove_rows(struct oci *o, const struct oci_found *found, struct err *e)
{
    if (db_begin(o->db, e) < 0)
        return -1;
    auto_tx struct db *tx = o->db;
    int result = o->path.what == OCI_BLOB ? db_push_blob_remove(tx, &o->view, &found->id, e)
                 : o->path.by_digest      ? db_push_manifest_remove(tx, &o->view, &found->id, e)
                                          : db_push_tag_remove(tx, &o->view, o->path.tag, e);
    return result < 0 ? -1 : db_commit(tx, e);
}

static void take_back(struct oci *o, const struct oci_found *found)
{
    struct err e = {0};
    if (is_of_release(o, found))
        return;
    if (remove_rows(o, found, &e) < 0 || push_file_drop(o->g->pushing, o->db, &found->id, &e) < 0)
        push_refuse_err(o, "delete", found->named, NULL, &e);
    else
        done(o, found->named);
}

void push_delete_answer(struct oci *o)
{
    struct oci_found found = {0};
    struct err e = {0};
    int there = oci_db_take(o, &e);
    if (there == 0)
        there = o->path.what == OCI_BLOB ? oci_find_blob(o, &o->path.digest, &found, &e)
                : o->path.by_digest      ? oci_find_manifest(o, &o->path.digest, &found, &e)
                                         : oci_find_tag(o, o->path.tag, &found, &e);
    struct digest512_text asked = {""};
    if (o->path.by_digest)
        asked = oci_digest_text(&o->path.digest);
    if (there < 0)
        push_refuse_err(o, "delete", "", NULL, &e);
    else if (there == 0)
        unknown(o, asked.text);
    else
        take_back(o, &found);
}
