/* A record is a Statement of the contour's key about the SHA-256 of a person's DER public key, with the predicate
 * {"name", "role", "key": PEM, "added"}. What stands in the row beside it must agree, or the row is refused. */
#include "trust/people.h"

#include <string.h>

#include "trust/dsse_parts.h"
#include "trust/people_internal.h"
#include "trust/statement_internal.h"
#include "util/limits.h"

#define RECORD_MAX 16384U

static const char *const ROLE_NAMES[ROLES] = {
    [ROLE_VIEWER] = "viewer",
    [ROLE_CONSUMER] = "consumer",
    [ROLE_PUBLISHER] = "publisher",
    [ROLE_ENGINEER] = "engineer",
    [ROLE_DATA_OWNER] = "data-owner",
    [ROLE_PRODUCT_OWNER] = "product-owner",
    [ROLE_SECURITY_OFFICER] = "security-officer",
    [ROLE_AUDITOR] = "auditor",
    [ROLE_ADMINISTRATOR] = "administrator",
};

const char *role_name(enum role r)
{
    return ROLE_NAMES[r];
}

bool role_parse(const char *text, enum role *out)
{
    for (int i = 0; i < ROLES; i++)
        if (strcmp(text, ROLE_NAMES[i]) == 0) {
            *out = (enum role)i;
            return true;
        }
    return false;
}

void people_fini(struct people *p)
{
    for (size_t i = 0; i < p->count; i++)
        public_key_free(p->list[i].key);
    for (size_t i = 0; i < p->gone_count; i++)
        public_key_free(p->gone[i].key);
    free(p->list);
    free(p->gone);
    *p = (struct people){0};
}

/* ── names ── */

bool person_name_is_right(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= LIMIT_NAME_CHARS && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* What a name looks like at a glance: hyphens fall away, and letters that people take for one another become one. */
static void skeleton(const char *name, char out[LIMIT_NAME_CHARS + 1])
{
    size_t n = 0;
    for (const char *at = name; *at; at++) {
        if (strncmp(at, "rn", 2) == 0 || strncmp(at, "vv", 2) == 0) {
            out[n++] = *at == 'r' ? 'm' : 'w';
            at++;
        } else if (*at == '0') {
            out[n++] = 'o';
        } else if (*at == '1' || *at == 'i') {
            out[n++] = 'l';
        } else if (*at == '5') {
            out[n++] = 's';
        } else if (*at != '-') {
            out[n++] = *at;
        }
    }
    out[n] = '\0';
}

struct look_alike {
    const char *name;
    char skeleton[LIMIT_NAME_CHARS + 1];
    char found[LIMIT_NAME_CHARS + 1];
};

static int compare_look(void *arg, const struct person_row *row)
{
    struct look_alike *l = arg;
    char other[LIMIT_NAME_CHARS + 1];
    if (strcmp(row->name, l->name) == 0 || !person_name_is_right(row->name))
        return 0;
    skeleton(row->name, other);
    if (strcmp(other, l->skeleton) != 0)
        return 0;
    snprintf(l->found, sizeof l->found, "%s", row->name);
    return 1;
}

static int check_name(struct db *db, const char *name, struct err *e)
{
    if (!person_name_is_right(name))
        return err_set(e, ERR_DENIED, 0,
                       "\"%.70s\" cannot be a person's name; wanted a small letter, then small letters, digits and "
                       "hyphens, at most %u in all",
                       name, LIMIT_NAME_CHARS);
    struct look_alike l = {.name = name};
    skeleton(name, l.skeleton);
    int found = db_person_each(db, NULL, compare_look, &l, e);
    if (found > 0)
        return err_set(e, ERR_DENIED, 0,
                       "the name %s looks like %s, who is here already; two people need names that nobody confuses",
                       name, l.found);
    return found;
}

/* ── adding ── */

struct other_key {
    const struct digest *key;
    struct digest found;
};

static int compare_key(void *arg, const struct person_row *row)
{
    struct other_key *o = arg;
    if (row->revoked || digest_equal(&row->key_id, o->key))
        return 0;
    o->found = row->key_id;
    return 1;
}

/* With two keys a person could be locked out of one, or be taken for two. */
static int check_one_key(struct db *db, const char *name, const struct digest *key, struct err *e)
{
    struct other_key o = {.key = key};
    int found = db_person_each(db, name, compare_key, &o, e);
    if (found <= 0)
        return found;
    err_set(e, ERR_EXISTS, 0, "%s has the key %s; one person, one key", name, digest_hex(&o.found).text);
    return err_hint(e, "A person who lost the key is withdrawn first: `airlock person withdraw %s`", name);
}

static void write_predicate(struct buf *out, const char *name, enum role r, const char *pem, int64_t now_s)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "name", name);
    json_put_string(&w, "role", role_name(r));
    json_put_string(&w, "key", pem);
    json_put_time(&w, "added", now_s);
    json_out_object_end(&w);
}

int person_record(const char *name, enum role r, const struct public_key *key, const struct private_key *contour,
                  int64_t now_s, struct buf *record, struct err *e)
{
    auto_buf pem = BUF(1024), predicate = BUF(RECORD_MAX / 2);
    if (public_key_pem(key, &pem, e) < 0)
        return -1;
    write_predicate(&predicate, name, r, buf_str(&pem), now_s);
    return statement_sign(name, public_key_id(key), PREDICATE_PERSON, buf_span(&predicate), contour, record, NULL, e);
}

int person_add(struct db *db, const char *name, enum role r, const struct public_key *key,
               const struct private_key *contour, int64_t now_s, struct err *e)
{
    auto_buf record = BUF(RECORD_MAX);
    if (check_name(db, name, e) < 0 || check_one_key(db, name, public_key_id(key), e) < 0 ||
        person_record(name, r, key, contour, now_s, &record, e) < 0)
        return -1;
    struct person_row row = {
        .name = name,
        .role = role_name(r),
        .key_id = *public_key_id(key),
        .added_s = now_s,
        .record = buf_span(&record),
    };
    return db_person_add(db, &row, e);
}

/* ── loading ── */

struct loading {
    struct child *parser;
    const struct public_key *contour;
    struct people *out;
    size_t room;
    struct withdrawals withdrawn;
    struct err *e;
};

/* What the record itself says. */
static int read_record(const struct statement *s, struct person *out, struct err *e)
{
    const char *name = json_need_string(s->predicate, "name", "person: ", e);
    const char *role = name ? json_need_string(s->predicate, "role", "person: ", e) : NULL;
    const char *pem = role ? json_need_string(s->predicate, "key", "person: ", e) : NULL;
    if (!pem || json_need_time(s->predicate, "added", "person: ", &out->added_s, e) < 0)
        return -1;
    if (!person_name_is_right(name) || !role_parse(role, &out->role))
        return err_set(e, ERR_INPUT, 0, "person: name \"%.70s\" or role \"%.70s\" is none", name, role);
    snprintf(out->name, sizeof out->name, "%s", name);
    out->key = public_key_parse(span_str(pem), name, e);
    return out->key ? 0 : -1;
}

static bool row_agrees(const struct person_row *row, const struct person *p, const struct digest *subject)
{
    return strcmp(row->name, p->name) == 0 && strcmp(row->role, role_name(p->role)) == 0 &&
           digest_equal(&row->key_id, public_key_id(p->key)) && digest_equal(subject, public_key_id(p->key));
}

int person_verify(struct child *parser, const struct person_row *row, const struct public_key *contour,
                  struct person *out, struct err *e)
{
    auto_statement s = {0};
    *out = (struct person){0};
    if (statement_verify(parser, row->record, &contour, 1, NULL, PREDICATE_PERSON, &s, e) < 0)
        return err_prefix(e, "person %.64s, role %.32s", row->name, row->role);
    if (read_record(&s, out, e) == 0 && row_agrees(row, out, &s.subject))
        return 0;
    if (out->key)
        err_set(e, ERR_INPUT, 0, "the row says another name, role or key than its record, which is about %s, %s",
                out->name, role_name(out->role));
    public_key_free(out->key);
    *out = (struct person){0};
    return err_prefix(e, "person %.64s, role %.32s", row->name, row->role);
}

static void keep(struct loading *l, const struct person *p)
{
    if (l->out->count == l->room) {
        l->room = l->room ? 2 * l->room : 16;
        l->out->list = reallocarray(l->out->list, l->room, sizeof *l->out->list);
        if (!l->out->list)
            abort();
    }
    l->out->list[l->out->count++] = *p;
}

static int load_one(void *arg, const struct person_row *row)
{
    struct loading *l = arg;
    struct person p;
    if (row->revoked)
        return 0;
    if (person_verify(l->parser, row, l->contour, &p, l->e) == 0) {
        if (!withdrawals_have(&l->withdrawn, p.name, public_key_id(p.key))) {
            keep(l, &p);
            return 0;
        }
        people_refuse(l->out, "%s is withdrawn with this key, and stands in state.db as if not", p.name);
        public_key_free(p.key);
        return 0;
    }
    if (l->e->code != ERR_INPUT && l->e->code != ERR_LIMIT)
        return -1; /* the parser is the trouble, not the row */
    l->out->refused++;
    return 0;
}

static bool key_is_shared(const struct people *p, size_t i)
{
    for (size_t j = 0; j < p->count; j++)
        if (strcmp(p->list[i].name, p->list[j].name) != 0 &&
            digest_equal(public_key_id(p->list[i].key), public_key_id(p->list[j].key)))
            return true;
    return false;
}

/* One key under two names: an old record was put back after the key had got another owner. Nobody can say whose
 * signature it makes, so it makes nobody's. */
static void refuse_shared_keys(struct people *p)
{
    struct people kept = *p;
    kept.list = calloc(p->count + 1, sizeof *kept.list);
    kept.count = 0;
    if (!kept.list)
        abort();
    for (size_t i = 0; i < p->count; i++) {
        if (key_is_shared(p, i)) {
            kept.refused++;
        } else {
            kept.list[kept.count] = p->list[i];
            kept.list[kept.count++].key = public_key_copy(p->list[i].key);
        }
    }
    for (size_t i = 0; i < p->count; i++)
        public_key_free(p->list[i].key);
    free(p->list);
    *p = kept;
}

static int compare_people(const void *a, const void *b)
{
    const struct person *x = a, *y = b;
    int by_name = strcmp(x->name, y->name);
    return by_name ? by_name : (int)x->role - (int)y->role;
}

int people_load(struct db *db, struct child *parser, const struct public_key *contour, struct people *out,
                struct err *e)
{
    struct err scratch;
    *out = (struct people){0};
    struct loading l = {.parser = parser, .contour = contour, .out = out, .e = e ? e : &scratch};
    int result = withdrawals_load(db, parser, contour, &l.withdrawn, out, e);
    if (result == 0)
        result = db_person_each(db, NULL, load_one, &l, e);
    withdrawals_fini(&l.withdrawn);
    if (result < 0) {
        people_fini(out);
        return -1;
    }
    refuse_shared_keys(out);
    qsort(out->list, out->count, sizeof *out->list, compare_people);
    return 0;
}

/* ── who signed ── */

/* The one person whose key signed; *others when a second person's did too. */
static const struct person *find_signer(const struct person *list, size_t count, const struct dsse_parts *parts,
                                        bool *others)
{
    const struct person *found = NULL;
    *others = false;
    for (size_t i = 0; i < count; i++) {
        if (!dsse_signed_by(parts, list[i].key, DSSE_DER))
            continue;
        if (found && strcmp(found->name, list[i].name) != 0)
            *others = true;
        if (!found)
            found = &list[i];
    }
    return found;
}

const struct person *people_signer(const struct people *p, struct child *parser, struct span envelope,
                                   const struct digest *subject, const char *predicate_type, struct statement *out,
                                   struct err *e)
{
    auto_dsse_parts parts = {0};
    bool others;
    *out = (struct statement){0};
    if (dsse_take_apart(parser, envelope, &parts, e) < 0)
        return NULL;
    const struct person *who = find_signer(p->list, p->count, &parts, &others);
    if (!who)
        who = find_signer(p->gone, p->gone_count, &parts, &others);
    if (!who || others) {
        err_set(e, ERR_DENIED, 0,
                who ? "more than one person signed it; each signs a statement of their own"
                    : "no person of this contour signed it; `airlock trust show` lists the people and their keys");
        return NULL;
    }
    if (!span_equal_str(parts.type, DSSE_INTOTO_TYPE)) {
        err_set(e, ERR_INPUT, 0, "%s signed something that is no in-toto Statement", who->name);
        return NULL;
    }
    return statement_read(parts.payload, subject, predicate_type, out, e) < 0 ? NULL : who;
}

static bool holds(const struct person *list, size_t count, const char *name, enum role r)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].role == r && strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

bool people_has_role(const struct people *p, const char *name, enum role r)
{
    return holds(p->list, p->count, name, r);
}

bool people_had_role(const struct people *p, const char *name, enum role r)
{
    return holds(p->gone, p->gone_count, name, r);
}
