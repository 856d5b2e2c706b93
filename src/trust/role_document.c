#include "trust/role_document.h"

#include <string.h>

#include "trust/tuf_state.h"
#include "util/clock.h"

/* ── signing ── */

static int keep_targets(void *arg, const char *file, struct span bytes, struct err *e)
{
    struct buf *targets = arg;
    if (!span_ends(span_str(file), SPAN_LIT(".targets.json")))
        return 0;
    buf_add_span(targets, bytes);
    return buf_check(targets, file, e);
}

int role_document_sign(const struct tuf_signer *s, enum tuf_role role, const struct digest *station, int64_t now_s,
                       int64_t expires_s, const char *name, const struct digest *subject, const char *predicate_type,
                       struct span predicate, struct buf *out, struct err *e)
{
    auto_buf targets = BUF(ROLE_DOCUMENT_BYTES), line = BUF(ROLE_DOCUMENT_BYTES);
    struct json_out w;
    if (tuf_write_set(s, (uint64_t)now_s, expires_s, NULL, 0, keep_targets, &targets, e) < 0 ||
        statement_sign(name, subject, predicate_type, predicate, s->keys[role], &line, NULL, e) < 0)
        return -1;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", ROLE_DOCUMENT_SCHEMA);
    json_put_string(&w, "role", tuf_role_name(role));
    json_put_string(&w, "station", digest_hex(station).text);
    json_put_string(&w, "targets", buf_str(&targets));
    json_put_string(&w, "statement", buf_str(&line));
    json_out_object_end(&w);
    buf_add_byte(out, '\n');
    return buf_check(out, "the signature", e);
}

/* ── verifying ── */

static int check_expiry(const struct tuf_meta *meta, int64_t now_s, struct err *e)
{
    if (meta->expires_s > now_s)
        return 0;
    err_set(e, ERR_DENIED, 0, "/targets: expired at %s, and it is %s", time_text(meta->expires_s).text,
            time_text(now_s).text);
    return err_hint(e, "Ask the station for a new one; if the date is wrong, set the clock");
}

/* Whom the station's targets metadata delegates the role to; `bytes` are verified against its root. */
static int read_delegations(struct child *parser, const struct tuf_state *state, struct span bytes, const char *what,
                            int64_t now_s, struct tuf_delegations *out, struct err *e)
{
    auto_tuf_signed s = {0};
    auto_tuf_meta meta = {0};
    if (tuf_signed_open(parser, bytes, what, &s, e) < 0 ||
        tuf_signed_by(&s, &state->root.holders[TUF_TARGETS], what, "targets", e) < 0 ||
        tuf_meta_read(&s, bytes, "targets", what, &meta, e) < 0)
        return -1;
    if (now_s > 0 && check_expiry(&meta, now_s, e) < 0)
        return -1;
    return tuf_delegations_read(&meta, what, out, e);
}

/* What a shipment brought counts, however old: a key that was taken away since stays away. */
static int find_delegations(struct db *db, struct child *parser, const char *station, const char *carried,
                            int64_t now_s, struct tuf_delegations *out, struct err *e)
{
    auto_tuf_state state = {0};
    auto_buf accepted = BUF(LIMIT_TUF_TARGETS_BYTES);
    struct err absent = {0};
    if (tuf_state_load(db, station, parser, &state, e) < 0)
        return -1;
    if (db_trust_get(db, station, "targets.json", NULL, &accepted, &absent) == 0)
        return read_delegations(parser, &state, buf_span(&accepted), "the station's accepted targets.json", 0, out, e);
    if (absent.code != ERR_NOTFOUND)
        return err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    return read_delegations(parser, &state, span_str(carried), "/targets", now_s, out, e);
}

static int verify_by(struct child *parser, const struct public_key *const keys[], size_t count, uint64_t threshold,
                     const char *line, enum tuf_role role, const struct digest *subject, const char *predicate_type,
                     struct statement *out, struct err *e)
{
    if (count == 0)
        return err_set(e, ERR_INPUT, 0, "the station delegates the role %s to no key", tuf_role_name(role));
    if (statement_verify(parser, span_str(line), keys, count, subject, predicate_type, out, e) < 0)
        return err_prefix(e, "/statement, by the keys of the station's role %s", tuf_role_name(role));
    if ((uint64_t)__builtin_popcountll(out->signers) >= threshold)
        return 0;
    statement_fini(out);
    return err_set(e, ERR_INPUT, 0, "/statement: too few of the %zu keys of the role %s signed it, wanted %llu", count,
                   tuf_role_name(role), (unsigned long long)threshold);
}

static int verify_by_holders(struct child *parser, const struct tuf_holders *h, const char *line, enum tuf_role role,
                             const struct digest *subject, const char *predicate_type, struct statement *out,
                             struct err *e)
{
    const struct public_key *keys[TUF_KEYS_MAX];
    for (size_t i = 0; i < h->count; i++)
        keys[i] = h->list[i].key;
    return verify_by(parser, keys, h->count, h->threshold, line, role, subject, predicate_type, out, e);
}

/* The members of a document, borrowed from it. */
struct parts {
    const char *targets, *line;
    char station[DIGEST_HEX_SIZE];
};

static int read_parts(const json_t *document, enum tuf_role role, struct parts *out, struct err *e)
{
    static const char *const known[] = {"schema", "role", "station", "targets", "statement", NULL};
    struct digest fingerprint;
    const char *schema = json_need_string(document, "schema", "", e);
    const char *says_role = schema ? json_need_string(document, "role", "", e) : NULL;
    const char *says_station = says_role ? json_need_string(document, "station", "", e) : NULL;
    out->targets = says_station ? json_need_string(document, "targets", "", e) : NULL;
    out->line = out->targets ? json_need_string(document, "statement", "", e) : NULL;
    if (!out->line || json_only_keys(document, known, "", e) < 0)
        return -1;
    if (strcmp(schema, ROLE_DOCUMENT_SCHEMA) != 0 || strcmp(says_role, tuf_role_name(role)) != 0)
        return err_set(e, ERR_INPUT, 0, "wanted " ROLE_DOCUMENT_SCHEMA " of the role %s, found %.60s of %.30s",
                       tuf_role_name(role), schema, says_role);
    if (!digest_from_hex(span_str(says_station), &fingerprint))
        return err_set(e, ERR_INPUT, 0, "/station: wanted the fingerprint of a root, 64 hex digits");
    snprintf(out->station, sizeof out->station, "%s", digest_hex(&fingerprint).text);
    return 0;
}

static json_t *open_document(struct child *parser, struct span document, enum tuf_role role, struct parts *out,
                             struct err *e)
{
    struct child_request request = {.op = "json", .fd = -1, .input = document, .timeout_ms = 20000};
    auto_json root = child_call_json(parser, &request, "signature", e);
    return root && read_parts(root, role, out, e) == 0 ? ptr_steal(&root) : NULL;
}

int role_document_verify(struct db *db, struct child *parser, const struct public_key *contour, struct span document,
                         enum tuf_role role, const struct digest *subject, const char *predicate_type, int64_t now_s,
                         struct statement *out, char station[DIGEST_HEX_SIZE], struct err *e)
{
    AUTO(tuf_delegations_fini) struct tuf_delegations delegated = {0};
    struct parts parts;
    *out = (struct statement){0};
    auto_json root = open_document(parser, document, role, &parts, e);
    if (!root || find_delegations(db, parser, parts.station, parts.targets, now_s, &delegated, e) < 0 ||
        tuf_root_endorsed(db, parts.station, parser, contour, e) < 0)
        return -1;
    snprintf(station, DIGEST_HEX_SIZE, "%s", parts.station);
    return verify_by_holders(parser, &delegated.holders[role], parts.line, role, subject, predicate_type, out, e);
}

static int same_station(const struct parts *parts, const char *station, struct err *e)
{
    if (strcmp(parts->station, station) == 0)
        return 0;
    return err_set(e, ERR_INPUT, 0, "/station: signed for the station %s, wanted %s", parts->station, station);
}

int role_document_verify_in(const struct tuf_update *update, const char *station, struct child *parser,
                            struct span document, enum tuf_role role, const struct digest *subject,
                            const char *predicate_type, struct statement *out, struct err *e)
{
    struct parts parts;
    *out = (struct statement){0};
    auto_json root = open_document(parser, document, role, &parts, e);
    if (!root || same_station(&parts, station, e) < 0)
        return -1;
    return verify_by_holders(parser, tuf_update_holders(update, role), parts.line, role, subject, predicate_type, out,
                             e);
}

int role_document_verify_own(const struct public_key *key, const char *station, struct child *parser,
                             struct span document, enum tuf_role role, const struct digest *subject,
                             const char *predicate_type, struct statement *out, struct err *e)
{
    struct parts parts;
    *out = (struct statement){0};
    auto_json root = open_document(parser, document, role, &parts, e);
    if (!root || same_station(&parts, station, e) < 0)
        return -1;
    return verify_by(parser, &key, 1, 1, parts.line, role, subject, predicate_type, out, e);
}
