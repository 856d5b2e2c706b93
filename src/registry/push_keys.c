/* Whose attestations count on a release that was pushed. No shipment vouches for it, so the keys are those that a
 * station's TUF metadata vouched for when a shipment of it was received: they stand in the receipts that this contour
 * signed. A station that is not trusted any more gives none. */
#include <stdio.h>
#include <string.h>

#include "registry/push_keys.h"
#include "ship/shipment.h"
#include "trust/statement.h"
#include "trust/tuf.h"

struct collecting {
    struct site *s;
    struct child *parser;
    struct station_keys_known *out;
    struct err *e;
};

void station_keys_known_fini(struct station_keys_known *k)
{
    for (size_t i = 0; i < k->count; i++)
        public_key_free(k->keys[i].key);
}

static bool is_known(const struct station_keys_known *k, const struct public_key *key)
{
    for (size_t i = 0; i < k->count; i++)
        if (digest_equal(public_key_id(k->keys[i].key), public_key_id(key)))
            return true;
    return false;
}

static void keep(struct collecting *c, const json_t *predicate, const char *pem)
{
    struct err ignored = {0};
    const json_t *station = json_object_get(predicate, "station");
    const char *root = json_get_string(station, "root", "");
    struct public_key *key = public_key_parse(span_str(pem), "receipt", &ignored);
    if (!key)
        return;
    if (c->out->count == STATION_KEYS_MAX || is_known(c->out, key) ||
        tuf_root_endorsed(c->s->db, root, c->parser, c->s->public_key, &ignored) < 0) {
        public_key_free(key);
        return;
    }
    struct station_key *k = &c->out->keys[c->out->count++];
    k->key = key;
    snprintf(k->station, sizeof k->station, "%s", json_get_string(station, "name", ""));
    snprintf(k->root, sizeof k->root, "%s", root);
}

static int look(void *arg, const struct evidence_row *row)
{
    struct collecting *c = arg;
    auto_statement st = {0};
    struct err ignored = {0};
    const struct public_key *contour[] = {c->s->public_key};
    if (statement_verify(c->parser, row->envelope, contour, 1, &row->subject, PREDICATE_RECEIPT, &st, &ignored) < 0)
        return 0;
    const json_t *keys = json_object_get(st.predicate, "keys"), *one;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)keys, i, one) keep(c, st.predicate, json_get_string(one, "pem", ""));
    return 0;
}

int station_keys_known(struct site *s, struct child *parser, struct station_keys_known *out, struct err *e)
{
    struct collecting c = {s, parser, out, e};
    *out = (struct station_keys_known){0};
    return db_evidence_each(s->db, NULL, PREDICATE_RECEIPT, look, &c, e);
}
