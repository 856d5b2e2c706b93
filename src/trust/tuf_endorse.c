/* "This contour trusts that station", signed by the contour: so a station that somebody wrote into state.db is found.
 */
#include <string.h>

#include "trust/statement.h"
#include "trust/tuf_state.h"

#define ENDORSEMENT_FILE "station.intoto.json"
#define ENDORSEMENT_MAX  8192U

int tuf_root_endorse(struct db *db, const char *station, const struct private_key *contour, int64_t now_s,
                     struct err *e)
{
    struct digest fingerprint;
    struct json_out w;
    auto_buf predicate = BUF(256), line = BUF(ENDORSEMENT_MAX);
    if (!digest_from_hex(span_str(station), &fingerprint))
        return err_set(e, ERR_USAGE, 0, "\"%.70s\" is no fingerprint", station);
    json_out_init(&w, &predicate);
    json_out_object(&w);
    json_put_time(&w, "added", now_s);
    json_out_object_end(&w);
    if (statement_sign("root", &fingerprint, PREDICATE_TRUST_ROOT, buf_span(&predicate), contour, &line, NULL, e) < 0)
        return -1;
    return db_trust_set(db, station, ENDORSEMENT_FILE, 1, buf_span(&line), e);
}

int tuf_root_endorsed(struct db *db, const char *station, struct child *parser, const struct public_key *contour,
                      struct err *e)
{
    struct digest fingerprint;
    struct err why = {0};
    auto_buf line = BUF(ENDORSEMENT_MAX);
    auto_statement s = {0};
    if (digest_from_hex(span_str(station), &fingerprint) &&
        db_trust_get(db, station, ENDORSEMENT_FILE, NULL, &line, &why) == 0 &&
        statement_verify(parser, buf_span(&line), &contour, 1, &fingerprint, PREDICATE_TRUST_ROOT, &s, &why) == 0)
        return 0;
    if (why.code != ERR_INPUT && why.code != ERR_LIMIT && why.code != ERR_NOTFOUND && why.code != ERR_NONE)
        return err_set(e, why.code, why.sys_errno, "%s", why.msg);
    err_set(e, ERR_DENIED, 0, "station %.16s stands in state.db, but this contour did not sign that it trusts it",
            station);
    return err_hint(e, "Add its root again by `airlock trust root add`, after comparing the fingerprint, and find out "
                       "who wrote to state.db");
}
