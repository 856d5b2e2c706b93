/* A policy and advisories out of a shipment: a station that signs and lists them wrongly, in one way after the other,
 * and a contour that then takes nothing at all. The media are made by the station's own writer, bent before it writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gate/policy_proposal.h"
#include "gate/policy_set.h"
#include "parse/ops.h"
#include "scan/advisories_store.h"
#include "ship/ship_internal.h"
#include "trust/role_document.h"
#include "util/clock.h"
#include "util/file.h"

static struct {
    char path[64];
    struct site *station, *contour;
    struct buf snapshot; /* bytes */
    struct digest snapshot_id;
    json_t *shown; /* what is in it */
    uint64_t sequence;
    struct station_keys keys; /* unsealed once: that is slow */
    struct digest fingerprint;
} t;

static void must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

/* ── two sites that know each other ── */

static struct site *site_at(const char *name, enum site_kind kind)
{
    struct err e = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/%s", t.path, name);
    must(site_init(path, kind, name, NULL, &e), &e);
    struct site *s = site_open(path, (int)kind, &e);
    if (!s)
        fail_msg("%s", e.msg);
    return s;
}

static void introduce(void)
{
    struct err e = {0};
    struct digest fingerprint;
    struct contour_identity c;
    struct json_out w;
    auto_buf identity = BUF(65536), root = BUF(65536), entry = BUF(65536);
    char path[96];
    json_out_init(&w, &identity);
    json_out_object(&w);
    json_put_string(&w, "schema", "airlock/identity/1");
    must(identity_write(t.contour, &w, &e), &e);
    json_out_object_end(&w);
    snprintf(path, sizeof path, "%s/identity.json", t.path);
    must(file_write(AT_FDCWD, path, buf_span(&identity), 0644, &e), &e);
    must(station_make_root(t.station, &fingerprint, &e), &e);
    must(station_contour_add(t.station, path, &c, &e), &e);
    must(file_read(t.station->dir, "root.json", &root, &e), &e);
    must(site_begin(t.contour, &e), &e);
    site_event(t.contour, &w, &entry, "trust-root-add");
    must(tuf_root_add(t.contour->db, site_parser(t.contour, &e), buf_span(&root), digest_hex(&fingerprint).text, &e),
         &e);
    must(tuf_root_endorse(t.contour->db, digest_hex(&fingerprint).text, site_key(t.contour, &e), t.contour->now_s, &e),
         &e);
    must(site_commit(t.contour, &w, NULL, &e), &e);
}

static void compile_snapshot(void)
{
    static const char record[] =
        "{\"id\":\"PYSEC-1\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"ecosystem\":\"PyPI\","
        "\"name\":\"demo\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{\"introduced\":\"0\"}]}]}]}";
    struct err e = {0};
    char path[96];
    char *paths[] = {path};
    auto_advisories_compiled compiled = {0};
    struct child *parser = site_parser(t.station, &e);
    snprintf(path, sizeof path, "%s/record.json", t.path);
    must(file_write(AT_FDCWD, path, span_str(record), 0644, &e), &e);
    auto_fd fd = memfd_create("snapshot", MFD_CLOEXEC);
    must(advisories_compile(parser, paths, 1, t.station->now_s, fd, NULL, &compiled, &e), &e);
    t.shown = advisories_show(parser, fd, true, &e);
    assert_non_null(t.shown);
    t.snapshot = BUF(1U << 20);
    uint8_t *room = buf_room(&t.snapshot, compiled.bytes);
    assert_int_equal(pread(fd, room, compiled.bytes, 0), (ssize_t)compiled.bytes);
    buf_grown(&t.snapshot, compiled.bytes);
    t.snapshot_id = compiled.digest;
}

static int set_up(void **state)
{
    (void)state;
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    memset(&t, 0, sizeof t);
    snprintf(t.path, sizeof t.path, "/tmp/airlock-carry-XXXXXX");
    assert_non_null(mkdtemp(t.path));
    t.station = site_at("station", SITE_STATION);
    t.contour = site_at("contour", SITE_CONTOUR);
    introduce();
    compile_snapshot();
    struct err e = {0};
    must(policy_install(t.contour, &e), &e);
    must(station_keys_load(t.station, &t.keys, &e), &e);
    must(station_fingerprint(t.station, &t.fingerprint, &e), &e);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct err e = {0};
    station_keys_fini(&t.keys);
    site_close(t.station);
    site_close(t.contour);
    buf_fini(&t.snapshot);
    json_decref(t.shown);
    return tree_remove(AT_FDCWD, t.path, &e);
}

/* ── what the station says, and how it is bent ── */

struct wish {
    enum tuf_role role, signed_by, listed_as; /* which artifact; whose key signs its document; who signs for the blob */
    struct span bytes;
    json_t *predicate;     /* owned by the test */
    const char *about;     /* the document is about these bytes; NULL: about the right ones */
    const char *said_role; /* written into the document; NULL: who signed */
    int64_t date_s;
};

static json_t *times(int64_t issued_s, int64_t expires_s)
{
    return json_pack("{s:s, s:s}", "issued", time_text(issued_s).text, "expires", time_text(expires_s).text);
}

static struct wish good_policy(void)
{
    int64_t now_s = t.station->now_s;
    return (struct wish){.role = TUF_POLICY,
                         .signed_by = TUF_POLICY,
                         .listed_as = TUF_POLICY,
                         .bytes = span_str(POLICY_DEFAULT),
                         .predicate = times(now_s, now_s + 3600),
                         .date_s = now_s};
}

static struct wish good_advisories(void)
{
    int64_t now_s = t.station->now_s;
    struct wish w = {.role = TUF_ADVISORIES,
                     .signed_by = TUF_ADVISORIES,
                     .listed_as = TUF_ADVISORIES,
                     .bytes = buf_span(&t.snapshot),
                     .predicate = times(now_s, now_s + 3600)};
    json_object_update(w.predicate, t.shown);
    time_parse(span_str(json_get_string(t.shown, "date", "")), &w.date_s);
    return w;
}

static void sign_wish(const struct wish *w, const struct digest *id, struct buf *out)
{
    struct err e = {0};
    struct digest about = w->about ? digest_of(span_str(w->about)) : *id;
    auto_free char *predicate = json_dumps(w->predicate, JSON_COMPACT);
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    struct tuf_signer signer;
    for (int r = 0; r < TUF_ROLES; r++)
        signer.keys[r] = t.keys.key[r];
    must(role_document_sign(&signer, w->signed_by, &t.fingerprint, t.station->now_s, t.station->now_s + 3600, "x",
                            &about, artifact_predicate_type(w->role), span_str(predicate), &document, &e),
         &e);
    auto_json j = json_parse(buf_span(&document), ROLE_DOCUMENT_BYTES, "document", &e);
    if (w->said_role)
        json_object_set_new(j, "role", json_string(w->said_role));
    auto_free char *text = json_dumps(j, JSON_COMPACT);
    buf_add_str(out, text);
}

static void add_wish(struct shipping *p, const struct wish *w)
{
    struct err e = {0};
    auto_buf document = BUF(ROLE_DOCUMENT_BYTES);
    struct shipment_artifact *a = &p->doc.artifacts[p->doc.artifact_count++];
    *a = (struct shipment_artifact){.role = w->role, .size = w->bytes.len, .date_s = w->date_s};
    must(blob_put(t.station->blobs, w->bytes, &a->digest, &e), &e);
    sign_wish(w, &a->digest, &document);
    must(blob_put(t.station->blobs, buf_span(&document), &a->signature, &e), &e);
    must(ship_add_blob(p, &a->digest, a->size, w->listed_as, &e), &e);
    must(ship_add_blob(p, &a->signature, document.len, w->listed_as, &e), &e);
    json_decref(w->predicate);
}

static void write_medium(struct shipping *p, char path[96])
{
    struct err e = {0};
    snprintf(path, 96, "%s/medium-%llu", t.path, (unsigned long long)++t.sequence);
    must(dir_make(AT_FDCWD, path, 0755, &e), &e);
    p->out = dir_open(AT_FDCWD, path, &e);
    must(station_contour_get(t.station, "contour", &p->contour, &e), &e);
    p->doc.sequence = t.sequence;
    p->doc.issued_s = t.station->now_s;
    p->doc.expires_s = t.station->now_s + 3600;
    snprintf(p->doc.contour, sizeof p->doc.contour, "%s", p->contour.id);
    snprintf(p->doc.station, sizeof p->doc.station, "%s", t.station->config.name);
    p->keys = t.keys; /* lent */
    must(ship_volumes(p, &e), &e);
    must(ship_metadata(p, &e), &e);
    close(p->out);
    free(p->blobs);
    shipment_doc_fini(&p->doc);
}

/* One medium with both, as `bend` changes what is wished and `list` what is listed; either may be NULL. */
static void make_medium(void (*bend)(struct wish *policy, struct wish *advisories), void (*list)(struct shipping *),
                        char path[96])
{
    static const struct ship_order order = {.volume_bytes = 1U << 20};
    struct shipping p = {.s = t.station, .order = &order, .out = -1};
    struct wish policy = good_policy(), advisories = good_advisories();
    if (bend)
        bend(&policy, &advisories);
    add_wish(&p, &policy);
    add_wish(&p, &advisories);
    if (list)
        list(&p);
    write_medium(&p, path);
}

static int receive_it(const char *path, size_t takers, struct receive_result *out, struct err *e)
{
    static const struct receive_taker *const all[] = {&POLICY_TAKER, &ADVISORIES_TAKER};
    return receive_media(t.contour, path, all, takers, NULL, out, e);
}

static void nothing_was_taken(uint64_t ledger_before)
{
    struct err e = {0};
    auto_in_force force = {.fd = -1};
    auto_policy_proposal proposal = {0};
    assert_int_equal(ledger_size(t.contour->ledger), ledger_before);
    assert_int_equal(advisories_in_force(t.contour, false, &force, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(policy_proposal_get(t.contour, 0, &proposal, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void refused(void (*bend)(struct wish *, struct wish *), void (*list)(struct shipping *), enum err_code code,
                    const char *word)
{
    struct err e = {0};
    struct receive_result r;
    char path[96];
    uint64_t before = ledger_size(t.contour->ledger);
    make_medium(bend, list, path);
    assert_int_equal(receive_it(path, 2, &r, &e), -1);
    if (e.code != code || !strstr(e.msg, word))
        fail_msg("wanted %s and \"%s\", found %s: %s", err_code_name(code), word, err_code_name(e.code), e.msg);
    nothing_was_taken(before);
}

/* ── whose word it is ── */

static void swap(struct shipping *p)
{
    struct digest d = p->doc.artifacts[0].digest;
    p->doc.artifacts[0].digest = p->doc.artifacts[1].digest;
    p->doc.artifacts[1].digest = d;
}

static void snapshot_under_software(struct wish *policy, struct wish *advisories)
{
    (void)policy;
    advisories->listed_as = TUF_SOFTWARE;
}

static void signed_by_models(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    policy->signed_by = TUF_MODELS;
}

static void signed_by_models_that_says_policy(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    policy->signed_by = TUF_MODELS;
    policy->said_role = "policy";
}

static void signature_of_another_text(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    policy->about = "another policy";
}

static void signature_of_the_other_one(struct shipping *p)
{
    p->doc.artifacts[0].signature = p->doc.artifacts[1].signature;
}

static void only_the_roles_own_signature_of_these_bytes_counts(void **state)
{
    (void)state;
    refused(NULL, swap, ERR_INPUT, "for which another role signed");
    refused(snapshot_under_software, NULL, ERR_INPUT, "for which another role signed");
    refused(NULL, signature_of_the_other_one, ERR_INPUT, "for which another role signed");
    refused(signed_by_models, NULL, ERR_INPUT, "of the role policy, found");
    refused(signed_by_models_that_says_policy, NULL, ERR_INPUT, "by the keys of the station's role policy");
    refused(signature_of_another_text, NULL, ERR_INPUT, "wanted sha256");
}

/* ── what is listed ── */

static void larger(struct shipping *p)
{
    p->doc.artifacts[1].size++;
}

static void younger(struct shipping *p)
{
    p->doc.artifacts[1].date_s += 86400;
}

static void twice(struct shipping *p)
{
    p->doc.artifacts[1].role = TUF_POLICY;
}

static void absent(struct shipping *p)
{
    p->doc.artifacts[0].digest = digest_of(SPAN_LIT("nowhere"));
}

static void unlisted(struct shipping *p)
{
    p->doc.artifact_count = 1;
}

static void what_is_listed_is_what_is_there(void **state)
{
    (void)state;
    refused(NULL, larger, ERR_INPUT, "/artifacts/1");
    refused(NULL, younger, ERR_INPUT, "what the role signed says 2026-01-01");
    refused(NULL, twice, ERR_INPUT, "twice");
    refused(NULL, absent, ERR_INPUT, "nobody signed for such a blob");
    refused(NULL, unlisted, ERR_INPUT, "stands in no artifact");
}

/* ── when, and for whom ── */

static void set_time(json_t *predicate, const char *key, int64_t time_s)
{
    json_object_set_new(predicate, key, json_string(time_text(time_s).text));
}

static void expired(struct wish *policy, struct wish *advisories)
{
    (void)policy;
    set_time(advisories->predicate, "expires", t.contour->now_s - 1);
}

static void signed_tomorrow(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    policy->date_s += 86400;
    set_time(policy->predicate, "issued", policy->date_s);
}

static void dated_tomorrow(struct wish *policy, struct wish *advisories)
{
    (void)policy;
    advisories->date_s = t.contour->now_s + 86400;
    set_time(advisories->predicate, "date", advisories->date_s);
}

static void for_another(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    json_object_set_new(policy->predicate, "contour", json_string("000102030405060708090a0b0c0d0e0f"));
}

static void for_nobody(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    json_object_set_new(policy->predicate, "contour", json_integer(1));
}

static void without_times(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    json_object_del(policy->predicate, "expires");
}

static void in_time_and_for_this_contour(void **state)
{
    (void)state;
    refused(expired, NULL, ERR_DENIED, "expired at");
    refused(signed_tomorrow, NULL, ERR_DENIED, "of the future");
    refused(dated_tomorrow, NULL, ERR_DENIED, "of the future");
    refused(for_another, NULL, ERR_DENIED, "signed for the contour of id 0001");
    refused(for_nobody, NULL, ERR_INPUT, "/predicate/contour");
    refused(without_times, NULL, ERR_INPUT, "/predicate/expires");
}

/* ── what is inside ── */

static void more_records_signed_than_inside(struct wish *policy, struct wish *advisories)
{
    (void)policy;
    json_object_set_new(advisories->predicate, "records", json_integer(100000));
}

static void date_inside_is_another(struct wish *policy, struct wish *advisories)
{
    (void)policy;
    advisories->date_s += 86400;
    set_time(advisories->predicate, "date", advisories->date_s);
}

static void no_snapshot(struct wish *policy, struct wish *advisories)
{
    (void)policy;
    advisories->bytes = span_str("{\"id\": \"PYSEC-1\"}");
}

static void cut_snapshot(struct wish *policy, struct wish *advisories)
{
    (void)policy;
    advisories->bytes.len -= 8;
}

static void no_policy(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    policy->bytes = span_str("schema: airlock/policy/1\nenvironments: {}\n");
}

static void endless_names(struct wish *policy, struct wish *advisories)
{
    (void)advisories;
    policy->bytes = span_str("schema: &a [*a, *a]\n");
}

static void what_is_inside_is_what_was_signed(void **state)
{
    (void)state;
    refused(more_records_signed_than_inside, NULL, ERR_INPUT, "records is 1 inside, 100000 was signed");
    refused(date_inside_is_another, NULL, ERR_INPUT, "disagree: date");
    refused(no_snapshot, NULL, ERR_INPUT, "no snapshot of advisories");
    refused(cut_snapshot, NULL, ERR_INPUT, "advisories/");
    refused(no_policy, NULL, ERR_INPUT, "the policy that came:2");
    refused(endless_names, NULL, ERR_INPUT, "the policy that came:1");
}

static void a_role_that_nothing_here_takes_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct receive_result r;
    char path[96];
    make_medium(NULL, NULL, path);
    assert_int_equal(receive_it(path, 0, &r, &e), -1);
    assert_non_null(strstr(e.msg, "nothing here takes a shipped artifact of role policy"));
}

/* ── the right way ── */

static void both_arrive_and_the_policy_only_waits(void **state)
{
    (void)state;
    struct err e = {0};
    struct receive_result r;
    struct policy before, after;
    auto_in_force force = {.fd = -1};
    auto_policy_proposal proposal = {0};
    char path[96];
    must(policy_load(t.contour, &before, &e), &e);
    auto_buf text = BUF(65536);
    buf_printf(&text, "# another\n%s", POLICY_DEFAULT);
    struct shipping p = {.s = t.station, .order = &(struct ship_order){.volume_bytes = 1U << 20}, .out = -1};
    struct wish policy = good_policy(), advisories = good_advisories();
    policy.bytes = buf_span(&text);
    add_wish(&p, &policy);
    add_wish(&p, &advisories);
    write_medium(&p, path);

    must(receive_it(path, 2, &r, &e), &e);

    assert_int_equal(r.artifact_count, 2);
    must(advisories_in_force(t.contour, true, &force, &e), &e);
    assert_true(digest_equal(&force.digest, &t.snapshot_id));
    assert_int_equal(force.shipment, 1);
    assert_int_equal(policy_proposal_waits(t.contour, &proposal, &e), 1);
    assert_string_equal(proposal.text, buf_str(&text));
    assert_string_equal(proposal.station_name, "station");
    must(policy_load(t.contour, &after, &e), &e);
    assert_true(digest_equal(&before.digest, &after.digest));
}

int main(void)
{
    /* In this order: nothing arrives before the last. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_roles_own_signature_of_these_bytes_counts),
        cmocka_unit_test(what_is_listed_is_what_is_there),
        cmocka_unit_test(in_time_and_for_this_contour),
        cmocka_unit_test(what_is_inside_is_what_was_signed),
        cmocka_unit_test(a_role_that_nothing_here_takes_is_refused),
        cmocka_unit_test(both_arrive_and_the_policy_only_waits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
