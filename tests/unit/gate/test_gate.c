/* The gates, over evidence that was made one piece at a time: absence denies, what is adverse denies, people are
 * counted, and who can write state.db can forge nothing (threats T10, T11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "contour.h"
#include "gate/approval.h"
#include "gate/hardware.h"
#include "gate/verdict.h"
#include "ship/shipment.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

static struct test_contour t;
static struct release r;
static struct private_key *station, *ines, *pavel, *sofia, *mallory;

static struct private_key *new_key(void)
{
    struct err e = {0};
    struct private_key *k = private_key_new(KEY_ED25519, &e);
    assert_non_null(k);
    return k;
}

static void ok(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

static void add_person(const char *name, enum role role, const struct private_key *key)
{
    struct err e = {0};
    ok(db_begin(t.site->db, &e), &e);
    ok(person_add(t.site->db, name, role, private_key_public(key), site_key(t.site, &e), clock_now_s(), &e), &e);
    ok(db_commit(t.site->db, &e), &e);
}

/* A statement of the contour's own, with whatever members the kind has. */
static void contour_says_about(const struct digest *subject, const char *type, const char *environment,
                               const char *members)
{
    struct err e = {0};
    auto_buf predicate = BUF(65536);
    buf_printf(&predicate, "{\"environment\":\"%s\",%s}", environment, members);
    ok(site_begin(t.site, &e), &e);
    ok(site_evidence(t.site, "assistant:v1.0.0", subject, type, environment, "", buf_span(&predicate), NULL, &e), &e);
    ok(db_commit(t.site->db, &e), &e);
}

static void contour_says(const char *type, const char *environment, const char *members)
{
    contour_says_about(&r.digest, type, environment, members);
}

static void line_by(const struct private_key *key, const char *type, const char *predicate)
{
    struct err e = {0};
    auto_buf envelope = BUF(65536);
    struct evidence_row row = {
        .subject = r.digest, .predicate_type = type, .environment = "", .result = "PASSED", .origin = "x"};
    ok(statement_sign("assistant:v1.0.0", &r.digest, type, span_str(predicate), key, &envelope, &row.id, &e), &e);
    row.envelope = buf_span(&envelope);
    ok(db_begin(t.site->db, &e), &e);
    ok(db_evidence_add(t.site->db, &row, &e), &e);
    ok(db_commit(t.site->db, &e), &e);
}

static void arrived(void)
{
    struct err e = {0};
    auto_buf pem = BUF(4096), members = BUF(8192);
    struct json_out w;
    ok(public_key_pem(private_key_public(station), &pem, &e), &e);
    json_out_init(&w, &members);
    json_out_object(&w);
    json_put_array(&w, "keys");
    json_out_object(&w);
    json_put_string(&w, "pem", buf_str(&pem));
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_out_object_end(&w);
    /* without the braces: contour_says puts its own around */
    members.ptr[members.len - 1] = '\0';
    contour_says(PREDICATE_RECEIPT, "", (const char *)members.ptr + 1);
    line_by(station, PREDICATE_RELEASE, "{\"purl\":\"pkg:airlock/assistant@v1.0.0\"}");
    line_by(station, PREDICATE_PROVENANCE, "{}");
    line_by(station, PREDICATE_CYCLONEDX, "{}");
}

static void at_time(char *out, size_t size, const char *result, int64_t time_s)
{
    snprintf(out, size, "\"result\":\"%s\",\"timeCreated\":\"%s\"", result, time_text(time_s).text);
}

static void scanned(const char *result, int64_t age_s)
{
    char members[200];
    at_time(members, sizeof members, result, clock_now_s() - age_s);
    contour_says(PREDICATE_SCAN, "", members);
}

static void stood_in(const char *environment)
{
    contour_says(PREDICATE_PROMOTION, environment, "\"action\":\"promote\"");
}

static void ran_on(const char *type, const char *result, const char *environment, const struct digest *engine,
                   const char *hardware)
{
    struct hardware h;
    struct err e = {0};
    auto_buf members = BUF(8192);
    char time[200];
    ok(hardware_read("", &h, &e), &e);
    at_time(time, sizeof time, result, clock_now_s());
    buf_printf(&members, "%s,\"engine\":\"%s\",\"hardware\":{\"id\":\"%s\"},\"failedTests\":[\"capital\"]", time,
               digest_text(engine).text, hardware ? hardware : digest_text(&h.id).text);
    contour_says(type, environment, buf_str(&members));
}

static void ran(const char *type, const char *result, const char *environment)
{
    ran_on(type, result, environment, &r.engine.manifest, NULL);
}

static int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    contour_make(&t);
    r = (struct release){.digest = digest_of(SPAN_LIT("release")),
                         .name = (char *)"assistant",
                         .version = (char *)"v1.0.0",
                         .owner = (char *)"tests"};
    r.engine.manifest = digest_of(SPAN_LIT("engine"));
    station = new_key();
    ines = new_key();
    pavel = new_key();
    sofia = new_key();
    mallory = new_key();
    ok(policy_install(t.site, &e), &e);
    add_person("ines", ROLE_ENGINEER, ines);
    add_person("pavel", ROLE_PRODUCT_OWNER, pavel);
    add_person("sofia", ROLE_SECURITY_OFFICER, sofia);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct private_key *keys[] = {station, ines, pavel, sofia, mallory};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        private_key_free(keys[i]);
    contour_remove(&t);
    return 0;
}

static struct verdict judged(enum gate g, const char *environment)
{
    struct verdict v;
    struct err e = {0};
    ok(gate_judge(t.site, g, &r, environment, &v, &e), &e);
    return v;
}

static const struct verdict_reason *reason_of(const struct verdict *v, const char *rule)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->reasons[i].rule, rule) == 0)
            return &v->reasons[i];
    fail_msg("rule %s was not asked", rule);
    return NULL;
}

/* The verdict is FAILED for this rule, with these words, and for no other rule. */
static void fails_for(const struct verdict *v, const char *rule, const char *words)
{
    auto_buf why = BUF(16384);
    verdict_why(v, &why);
    const struct verdict_reason *reason = reason_of(v, rule);
    if (v->passed || reason->ok || !strstr(reason->text, words))
        fail_msg("wanted %s: …%s…, found %s", rule, words, buf_str(&why));
    for (size_t i = 0; i < v->count; i++)
        if (!v->reasons[i].ok && strcmp(v->reasons[i].rule, rule) != 0)
            fail_msg("%s fails too: %s", v->reasons[i].rule, v->reasons[i].text);
}

static void passes(const struct verdict *v)
{
    auto_buf why = BUF(16384);
    verdict_why(v, &why);
    if (!v->passed)
        fail_msg("%s", buf_str(&why));
}

static void asked_by(const struct private_key *key)
{
    struct err e = {0};
    ok(request_make(t.site, &r, "prod", key, NULL, NULL, &e), &e);
}

static int approve(const struct private_key *key, const struct approval_wish *wish, struct err *e)
{
    struct approval_wish w = wish ? *wish : (struct approval_wish){0};
    w.environment = "prod";
    return approval_make(t.site, &r, &w, key, NULL, e);
}

static void approved_by(const struct private_key *key)
{
    struct err e = {0};
    ok(approve(key, NULL, &e), &e);
}

/* Everything that prod asks for, but the approvals. */
static void ready_for_approval(void)
{
    arrived();
    scanned("PASSED", 0);
    stood_in("sandbox");
    stood_in("test");
    ran(PREDICATE_TEST_RESULT, "PASSED", "test");
    ran(PREDICATE_SILENCE, "PASSED", "test");
    asked_by(ines);
}

static void refused_as(int result, const struct err *e, enum err_code code, const char *words)
{
    assert_int_equal(result, -1);
    if (e->code != code || !strstr(e->msg, words))
        fail_msg("wanted \"%s\", found \"%s\" (%s)", words, e->msg, err_code_name(e->code));
}

/* ── intake ── */

static void intake_needs_station_and_scan(void **state)
{
    (void)state;
    struct verdict v = judged(GATE_INTAKE, NULL);
    assert_false(v.passed);
    assert_false(reason_of(&v, "station-signature")->ok);
    assert_false(reason_of(&v, "scan")->ok);
    arrived();
    v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "not scanned here: airlock scan assistant:v1.0.0");
    scanned("PASSED", 0);
    v = judged(GATE_INTAKE, NULL);
    passes(&v);
}

static void a_scan_that_did_not_pass_or_is_old_blocks(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 31 * 86400);
    struct verdict v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "older than");
    scanned("PASSED", 10);
    v = judged(GATE_INTAKE, NULL);
    passes(&v);
    scanned("FAILED", 0);
    v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "scan FAILED");
}

static void a_scan_by_the_station_is_not_our_scan(void **state)
{
    (void)state;
    arrived();
    line_by(station, PREDICATE_SCAN, "{\"result\":\"PASSED\",\"timeCreated\":\"2026-11-24T00:00:00Z\"}");
    struct verdict v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "scan", "not scanned here");
}

static void a_station_that_no_receipt_names_signs_nothing(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    line_by(mallory, PREDICATE_RELEASE, "{}");
    struct verdict v = judged(GATE_INTAKE, NULL);
    fails_for(&v, "signatures", "1 of");
}

/* ── the verdict itself ── */

static void the_verdict_lists_every_input_and_names_contour_gate_and_policy(void **state)
{
    (void)state;
    struct err e = {0};
    auto_evidence ev = {0};
    struct digest d;
    arrived();
    scanned("PASSED", 0);
    struct verdict v = judged(GATE_INTAKE, NULL);
    ok(evidence_load(t.site, &r.digest, &ev, &e), &e);
    const struct evidence_line *line = evidence_find(&ev, &v.id);
    assert_non_null(line);
    assert_int_equal(line->signer, SIGNER_CONTOUR);
    assert_string_equal(line->type, PREDICATE_VSA);
    assert_string_equal(line->result, "PASSED");
    const json_t *inputs = json_object_get(line->predicate, "inputAttestations");
    assert_int_equal(json_array_size(inputs), ev.count - 1);
    for (size_t i = 0; i + 1 < ev.count; i++) {
        const json_t *digest = json_object_get(json_array_get(inputs, i), "digest");
        assert_string_equal(json_get_string(digest, "sha256", ""), digest_hex(&ev.lines[i].id).text);
    }
    auto_buf uri = BUF(256);
    buf_printf(&uri, "urn:airlock:release:%s:intake:sandbox:assistant:v1.0.0", t.site->config.id);
    assert_string_equal(json_get_string(line->predicate, "resourceUri", ""), buf_str(&uri));
    const json_t *policy = json_object_get(json_object_get(line->predicate, "policy"), "digest");
    assert_true(digest_from_hex(span_str(json_get_string(policy, "sha256", "")), &d));
    struct digest wanted = digest_of(span_str(POLICY_DEFAULT));
    assert_true(digest_equal(&d, &wanted));
}

static void without_a_signed_policy_every_gate_says_no(void **state)
{
    (void)state;
    struct verdict v;
    struct err e = {0};
    arrived();
    scanned("PASSED", 0);
    ok(file_write(t.site->dir, POLICY_FILE, span_str("schema: airlock/policy/1\n"), 0600, &e), &e);
    refused_as(gate_judge(t.site, GATE_INTAKE, &r, NULL, &v, &e), &e, ERR_DENIED, "every gate says no");
}

/* ── trust ── */

static void prod_asks_for_everything_that_the_table_names(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(v.passed);
    const char *missing[] = {"stood-before", "test", "silence", "request", "approvals"};
    for (size_t i = 0; i < ARRAY_LEN(missing); i++)
        assert_false(reason_of(&v, missing[i])->ok);
}

static void two_people_open_the_gate(void **state)
{
    (void)state;
    ready_for_approval();
    struct verdict v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "found none");
    approved_by(sofia);
    v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "sofia as security-officer");
    approved_by(pavel);
    v = judged(GATE_TRUST, NULL);
    passes(&v);
    assert_string_equal(reason_of(&v, "approvals")->text,
                        "approved by sofia (security-officer) and pavel (product-owner)");
}

static void one_person_with_two_roles_counts_once(void **state)
{
    (void)state;
    struct err e = {0};
    add_person("sofia", ROLE_PRODUCT_OWNER, sofia);
    ready_for_approval();
    ok(approve(sofia, &(struct approval_wish){.role = "security-officer"}, &e), &e);
    ok(approve(sofia, &(struct approval_wish){.role = "product-owner"}, &e), &e);
    struct verdict v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "different people");
    approved_by(pavel);
    v = judged(GATE_TRUST, NULL);
    passes(&v);
}

static void two_approvals_of_one_role_do_not_stand_for_two_roles(void **state)
{
    (void)state;
    struct private_key *olga = new_key();
    add_person("olga", ROLE_SECURITY_OFFICER, olga);
    ready_for_approval();
    approved_by(sofia);
    approved_by(olga);
    struct verdict v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "and of a product-owner");
    private_key_free(olga);
}

static void whoever_asked_cannot_approve(void **state)
{
    (void)state;
    struct err e = {0};
    ready_for_approval();
    asked_by(pavel);
    refused_as(approve(pavel, NULL, &e), &e, ERR_DENIED, "whoever asks cannot approve");
}

static void an_approval_given_before_the_person_asked_is_void(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    asked_by(pavel);
    struct verdict v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "whoever asks cannot approve");
}

static void nobody_approves_what_nobody_asked_for_or_what_is_not_ready(void **state)
{
    (void)state;
    struct err e = {0};
    arrived();
    refused_as(approve(sofia, NULL, &e), &e, ERR_DENIED, "nobody has asked");
    asked_by(ines);
    refused_as(approve(sofia, NULL, &e), &e, ERR_DENIED, "cannot be approved for prod yet");
}

static void only_those_with_the_role_ask_and_approve(void **state)
{
    (void)state;
    struct err e = {0};
    ready_for_approval();
    refused_as(request_make(t.site, &r, "prod", sofia, NULL, NULL, &e), &e, ERR_DENIED, "can ask for no promotion");
    refused_as(request_make(t.site, &r, "prod", mallory, NULL, NULL, &e), &e, ERR_DENIED, "belongs to nobody");
    refused_as(approve(mallory, NULL, &e), &e, ERR_DENIED, "belongs to nobody");
    refused_as(approve(sofia, &(struct approval_wish){.role = "product-owner"}, &e), &e, ERR_DENIED,
               "sofia is no product-owner");
}

static void a_failed_run_closes_the_gate_and_voids_approvals(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    ran(PREDICATE_SILENCE, "FAILED", "test");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(reason_of(&v, "silence")->ok);
    assert_non_null(strstr(reason_of(&v, "silence")->text, "silence FAILED in test"));
    /* when a later run passes, the people have still not seen the one that did not */
    ran(PREDICATE_SILENCE, "PASSED", "test");
    v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "a silence test that did not pass was added since");
    approved_by(sofia);
    approved_by(pavel);
    v = judged(GATE_TRUST, NULL);
    passes(&v);
}

static void inconclusive_is_never_a_pass(void **state)
{
    (void)state;
    ready_for_approval();
    ran(PREDICATE_SILENCE, "INCONCLUSIVE", "test");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(reason_of(&v, "silence")->ok);
    assert_non_null(strstr(reason_of(&v, "silence")->text, "INCONCLUSIVE"));
}

static void a_failed_suite_names_its_cases(void **state)
{
    (void)state;
    ready_for_approval();
    ran(PREDICATE_TEST_RESULT, "FAILED", "test");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "failed capital"));
}

static void runs_elsewhere_do_not_count(void **state)
{
    (void)state;
    const struct digest other = digest_of(SPAN_LIT("other"));
    ready_for_approval();
    ran_on(PREDICATE_TEST_RESULT, "PASSED", "test", &other, NULL);
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "another engine"));
    ran_on(PREDICATE_TEST_RESULT, "PASSED", "test", &r.engine.manifest, digest_text(&other).text);
    v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "other hardware"));
}

static void a_run_in_sandbox_is_not_a_run_in_test(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    stood_in("sandbox");
    stood_in("test");
    ran(PREDICATE_TEST_RESULT, "PASSED", "sandbox");
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_non_null(strstr(reason_of(&v, "test")->text, "no test ran in test"));
}

static void a_rejection_stands_until_the_same_person_approves(void **state)
{
    (void)state;
    struct err e = {0};
    ready_for_approval();
    approved_by(pavel);
    ok(approve(sofia, &(struct approval_wish){.reject = true, .reason = "the card is wrong"}, &e), &e);
    struct verdict v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "sofia (security-officer) rejected it: the card is wrong");
    approved_by(sofia);
    v = judged(GATE_TRUST, NULL);
    passes(&v);
}

static void what_was_shown_is_what_is_signed(void **state)
{
    (void)state;
    struct err e = {0};
    struct digest shown;
    auto_buf text = BUF(65536);
    ready_for_approval();
    ok(approval_summary(t.site, &r, "prod", &text, &shown, &e), &e);
    assert_non_null(strstr(buf_str(&text), "asked for by ines"));
    scanned("PASSED", 0);
    refused_as(approve(sofia, &(struct approval_wish){.shown = &shown}, &e), &e, ERR_DENIED,
               "while it was being shown");
    ok(approval_summary(t.site, &r, "prod", &text, &shown, &e), &e);
    ok(approve(sofia, &(struct approval_wish){.shown = &shown}, &e), &e);
}

/* ── forgery ── */

/* Runs SQL past the program, as somebody would who can write state.db. */
static void attacker(const char *sql, struct span blob, const struct digest *id, const struct digest *subject)
{
    char file[128];
    sqlite3 *handle;
    sqlite3_stmt *statement;
    snprintf(file, sizeof file, "%s/contour/state.db", t.path);
    assert_int_equal(sqlite3_open(file, &handle), SQLITE_OK);
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(handle));
    if (blob.ptr)
        sqlite3_bind_blob(statement, 1, blob.ptr, (int)blob.len, SQLITE_STATIC);
    if (id)
        sqlite3_bind_blob(statement, 2, id->bytes, DIGEST_SIZE, SQLITE_STATIC);
    if (subject)
        sqlite3_bind_blob(statement, 3, subject->bytes, DIGEST_SIZE, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE)
        fail_msg("%s", sqlite3_errmsg(handle));
    assert_true(sqlite3_changes(handle) > 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
}

/* A statement as sofia would make it, signed by somebody else. */
static void forged_approval(const struct private_key *key)
{
    auto_buf predicate = BUF(8192);
    auto_evidence ev = {0};
    struct err e = {0};
    struct digest *ids;
    size_t count;
    ok(evidence_load(t.site, &r.digest, &ev, &e), &e);
    evidence_set(&ev, "prod", &ids, &count);
    buf_printf(&predicate,
               "{\"action\":\"promote:prod\",\"contour\":\"%s\",\"person\":\"sofia\",\"role\":\"security-officer\","
               "\"decision\":\"APPROVE\",\"timeCreated\":\"%s\",\"notAfter\":\"%s\",\"evidence\":[",
               t.site->config.id, time_text(clock_now_s()).text, time_text(clock_now_s() + 3600).text);
    for (size_t i = 0; i < count; i++)
        buf_printf(&predicate, "%s{\"sha256\":\"%s\"}", i ? "," : "", digest_hex(&ids[i]).text);
    buf_add_str(&predicate, "]}");
    free(ids);
    line_by(key, PREDICATE_APPROVAL, buf_str(&predicate));
}

static void who_writes_state_db_cannot_forge_an_approval(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(pavel);
    forged_approval(mallory);
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(v.passed);
    assert_false(reason_of(&v, "approvals")->ok);
    assert_false(reason_of(&v, "signatures")->ok);
}

static void the_same_statement_by_the_person_counts(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(pavel);
    forged_approval(sofia); /* not forged at all: the test above fails for the key and for nothing else */
    struct verdict v = judged(GATE_TRUST, NULL);
    passes(&v);
}

static void the_contours_own_key_cannot_approve_for_a_person(void **state)
{
    (void)state;
    struct err e = {0};
    ready_for_approval();
    approved_by(pavel);
    forged_approval(site_key(t.site, &e));
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(reason_of(&v, "approvals")->ok);
}

static void a_person_put_into_the_rows_is_nobody(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(pavel);
    forged_approval(mallory);
    attacker("UPDATE person SET key_id = ?2 WHERE name = 'sofia' AND ?1 IS NULL", (struct span){0},
             public_key_id(private_key_public(mallory)), NULL);
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(reason_of(&v, "approvals")->ok);
}

static void an_approval_of_another_release_is_void(void **state)
{
    (void)state;
    struct err e = {0};
    const struct digest real = r.digest, other = digest_of(SPAN_LIT("other release"));
    /* given: everything and both approvals for another release */
    r.digest = other;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    r.digest = real;
    ready_for_approval();
    /* when: the rows are made to say that they are about this one */
    attacker("UPDATE evidence SET subject = ?3 WHERE predicate_type = 'urn:airlock:approval:v1' AND ?1 IS NULL",
             (struct span){0}, NULL, &real);
    /* then */
    struct verdict v = judged(GATE_TRUST, NULL);
    assert_false(reason_of(&v, "approvals")->ok);
    (void)e;
}

static void an_attestation_that_was_approved_over_and_is_gone_voids_the_approval(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    attacker("DELETE FROM evidence WHERE predicate_type = 'https://slsa.dev/provenance/v1' AND ?1 IS NULL",
             (struct span){0}, NULL, NULL);
    struct verdict v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "an attestation that it was given over is gone");
}

static void an_approval_for_another_contour_or_without_end_is_void(void **state)
{
    (void)state;
    auto_buf predicate = BUF(8192);
    ready_for_approval();
    approved_by(pavel);
    buf_printf(
        &predicate,
        "{\"action\":\"promote:prod\",\"contour\":\"%s\",\"person\":\"sofia\",\"role\":\"security-officer\","
        "\"decision\":\"APPROVE\",\"timeCreated\":\"%s\",\"notAfter\":\"%s\",\"evidence\":[{\"sha256\":\"%s\"}]}",
        "00000000000000000000000000000000", time_text(clock_now_s()).text, time_text(clock_now_s() + 60).text,
        digest_hex(&r.digest).text);
    line_by(sofia, PREDICATE_APPROVAL, buf_str(&predicate));
    struct verdict v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "another contour");
    buf_clear(&predicate);
    buf_printf(&predicate,
               "{\"action\":\"promote:prod\",\"contour\":\"%s\",\"person\":\"sofia\",\"role\":\"security-officer\","
               "\"decision\":\"APPROVE\",\"timeCreated\":\"%s\",\"notAfter\":\"2099-01-01T00:00:00Z\","
               "\"evidence\":[{\"sha256\":\"%s\"}]}",
               t.site->config.id, time_text(clock_now_s()).text, digest_hex(&r.digest).text);
    line_by(sofia, PREDICATE_APPROVAL, buf_str(&predicate));
    v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "lasts longer than the policy allows");
}

static void an_approval_ends(void **state)
{
    (void)state;
    struct err e = {0};
    ready_for_approval();
    approved_by(pavel);
    ok(approve(sofia, &(struct approval_wish){.valid_s = 60}, &e), &e);
    struct verdict v = judged(GATE_TRUST, NULL);
    passes(&v);
    t.site->now_s += 120;
    v = judged(GATE_TRUST, NULL);
    fails_for(&v, "approvals", "it has expired");
    refused_as(approve(sofia, &(struct approval_wish){.valid_s = 31 * 86400}, &e), &e, ERR_DENIED, "lasts at most");
}

/* ── deploy, and moving ── */

static struct verdict deployed(const char *environment)
{
    struct verdict v;
    struct err e = {0};
    ok(gate_deploy(t.site, &r, environment, false, &v, &e), &e);
    return v;
}

static void an_engine_needs_a_promotion_that_the_contour_signed(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    struct verdict v = judged(GATE_INTAKE, NULL);
    passes(&v);
    v = deployed("test");
    passes(&v);
    v = judged(GATE_TRUST, NULL);
    passes(&v);
    v = deployed("prod");
    fails_for(&v, "promoted-here", "no promotion to prod");
    stood_in("prod");
    v = deployed("prod");
    passes(&v);
}

static void an_engine_is_refused_when_a_newer_check_denies_the_release(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    struct verdict v = deployed("prod");
    passes(&v);
    scanned("FAILED", 0);
    v = deployed("prod");
    fails_for(&v, "scan", "scan FAILED");
}

static void a_failed_run_can_be_repeated_where_it_failed(void **state)
{
    (void)state;
    arrived();
    scanned("PASSED", 0);
    struct verdict v = judged(GATE_INTAKE, NULL);
    stood_in("sandbox");
    stood_in("test");
    ran(PREDICATE_SILENCE, "INCONCLUSIVE", "test");
    ran(PREDICATE_TEST_RESULT, "FAILED", "test");
    v = deployed("test");
    passes(&v);
    v = judged(GATE_TRUST, "test");
    fails_for(&v, "nothing-adverse", "test FAILED in test");
}

static void an_engine_keeps_running_when_scan_and_approval_grow_old(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    t.site->now_s += 400LL * 86400;
    struct verdict v = deployed("prod");
    passes(&v);
}

static void a_release_without_its_passport_does_not_run(void **state)
{
    (void)state;
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    attacker("DELETE FROM evidence WHERE predicate_type = 'https://cyclonedx.org/bom' AND ?1 IS NULL", (struct span){0},
             NULL, NULL);
    struct verdict v = deployed("prod");
    assert_false(v.passed);
    assert_non_null(strstr(reason_of(&v, "verdict")->text, "is gone"));
}

static void a_move_to_prod_wants_the_verdict_as_well(void **state)
{
    (void)state;
    struct verdict v;
    struct err e = {0};
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    {
        auto_evidence ev = {0};
        ok(evidence_load(t.site, &r.digest, &ev, &e), &e);
        ok(gate_may_move(t.site, &r, "prod", &ev, &v, &e), &e);
        fails_for(&v, "verdict", "gate trust has not judged it");
    }
    (void)judged(GATE_TRUST, NULL);
    auto_evidence ev = {0};
    ok(evidence_load(t.site, &r.digest, &ev, &e), &e);
    ok(gate_may_move(t.site, &r, "prod", &ev, &v, &e), &e);
    passes(&v);
}

static void a_clock_set_back_decides_nothing_and_keeps_what_is_approved(void **state)
{
    (void)state;
    struct verdict v;
    struct err e = {0};
    ready_for_approval();
    approved_by(sofia);
    approved_by(pavel);
    (void)judged(GATE_TRUST, NULL);
    stood_in("prod");
    /* given: something certain that lies a year ahead of the clock */
    ok(db_begin(t.site->db, &e), &e);
    ok(site_raise_floor(t.site, clock_now_s() + 365LL * 86400, &e), &e);
    ok(db_commit(t.site->db, &e), &e);
    refused_as(gate_judge(t.site, GATE_TRUST, &r, NULL, &v, &e), &e, ERR_DENIED, "clock");
    v = deployed("prod");
    passes(&v);
    const struct digest none = {0};
    assert_true(digest_equal(&v.id, &none));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(intake_needs_station_and_scan),
        TEST(a_scan_that_did_not_pass_or_is_old_blocks),
        TEST(a_scan_by_the_station_is_not_our_scan),
        TEST(a_station_that_no_receipt_names_signs_nothing),
        TEST(the_verdict_lists_every_input_and_names_contour_gate_and_policy),
        TEST(without_a_signed_policy_every_gate_says_no),
        TEST(prod_asks_for_everything_that_the_table_names),
        TEST(two_people_open_the_gate),
        TEST(one_person_with_two_roles_counts_once),
        TEST(two_approvals_of_one_role_do_not_stand_for_two_roles),
        TEST(whoever_asked_cannot_approve),
        TEST(an_approval_given_before_the_person_asked_is_void),
        TEST(nobody_approves_what_nobody_asked_for_or_what_is_not_ready),
        TEST(only_those_with_the_role_ask_and_approve),
        TEST(a_failed_run_closes_the_gate_and_voids_approvals),
        TEST(inconclusive_is_never_a_pass),
        TEST(a_failed_suite_names_its_cases),
        TEST(runs_elsewhere_do_not_count),
        TEST(a_run_in_sandbox_is_not_a_run_in_test),
        TEST(a_rejection_stands_until_the_same_person_approves),
        TEST(what_was_shown_is_what_is_signed),
        TEST(who_writes_state_db_cannot_forge_an_approval),
        TEST(the_same_statement_by_the_person_counts),
        TEST(the_contours_own_key_cannot_approve_for_a_person),
        TEST(a_person_put_into_the_rows_is_nobody),
        TEST(an_approval_of_another_release_is_void),
        TEST(an_attestation_that_was_approved_over_and_is_gone_voids_the_approval),
        TEST(an_approval_for_another_contour_or_without_end_is_void),
        TEST(an_approval_ends),
        TEST(an_engine_needs_a_promotion_that_the_contour_signed),
        TEST(an_engine_is_refused_when_a_newer_check_denies_the_release),
        TEST(a_failed_run_can_be_repeated_where_it_failed),
        TEST(an_engine_keeps_running_when_scan_and_approval_grow_old),
        TEST(a_release_without_its_passport_does_not_run),
        TEST(a_move_to_prod_wants_the_verdict_as_well),
        TEST(a_clock_set_back_decides_nothing_and_keeps_what_is_approved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
