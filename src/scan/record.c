/* The report becomes evidence: predicate, inventory and ledger entry in one transaction. */
#include <stdio.h>

#include "scan/sbom_compare.h"
#include "trust/statement.h"
#include "util/limits.h"

static int write_entry(struct site *s, const struct release *release, const struct scan_report *r,
                       const struct digest *evidence, struct err *e)
{
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    struct json_out w;
    uint64_t seq;
    site_event(s, &w, &entry, "scan");
    json_put_digest(&w, "release", &release->digest);
    json_put_string(&w, "name", release->name);
    json_put_string(&w, "version", release->version);
    json_put_string(&w, "result", scan_result(r));
    json_put_digest(&w, "evidence", evidence);
    json_put_uint(&w, "files", r->count);
    return site_commit(s, &w, &seq, e);
}

int scan_record(struct site *s, const struct release *release, struct scan_report *r, struct digest *id, struct err *e)
{
    auto_buf predicate = BUF(LIMIT_PREDICATE_BYTES), sbom = BUF(LIMIT_PREDICATE_BYTES);
    struct digest evidence;
    char name[160];
    snprintf(name, sizeof(name), "%s:%s", release->name, release->version);
    if (scan_write_sbom(release, r, s->now_s, &sbom, e) < 0 ||
        scan_compare_sbom(s, release, buf_span(&sbom), r, e) < 0 ||
        scan_write_predicate(r, s->now_s, &predicate, e) < 0 || site_begin(s, e) < 0)
        return -1;
    if (site_evidence(s, name, &release->digest, PREDICATE_SCAN, "", scan_result(r), buf_span(&predicate), &evidence,
                      e) < 0 ||
        site_evidence(s, name, &release->digest, PREDICATE_CYCLONEDX, "", "", buf_span(&sbom), NULL, e) < 0 ||
        write_entry(s, release, r, &evidence, e) < 0) {
        site_rollback(s);
        return -1;
    }
    if (id)
        *id = evidence;
    return 0;
}
