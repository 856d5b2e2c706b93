#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "scene.h"

#include "gate/hardware.h"
#include "ship/shipment.h"
#include "store/db_release.h"
#include "util/clock.h"
#include "util/limits.h"

struct test_contour t;
struct release r;
struct private_key *station, *ines, *pavel, *sofia, *mallory;

struct private_key *new_key(void)
{
    struct err e = {0};
    struct private_key *k = private_key_new(KEY_ED25519, &e);
    assert_non_null(k);
    return k;
}

void ok(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
}

void add_person(const char *name, enum role role, const struct private_key *key)
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

void line_by(const struct private_key *key, const char *type, const char *predicate)
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

void arrived(void)
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

void scanned(const char *result, int64_t age_s)
{
    char members[200];
    at_time(members, sizeof members, result, clock_now_s() - age_s);
    contour_says(PREDICATE_SCAN, "", members);
}

void stood_in(const char *environment)
{
    contour_says(PREDICATE_PROMOTION, environment, "\"action\":\"promote\"");
}

void ran_on(const char *type, const char *result, const char *environment, const struct digest *engine,
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

void ran(const char *type, const char *result, const char *environment)
{
    ran_on(type, result, environment, &r.engine.manifest, NULL);
}

int set_up(void **state)
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

int tear_down(void **state)
{
    (void)state;
    struct private_key *keys[] = {station, ines, pavel, sofia, mallory};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        private_key_free(keys[i]);
    contour_remove(&t);
    return 0;
}

struct verdict judged(enum gate g, const char *environment)
{
    struct verdict v;
    struct err e = {0};
    ok(gate_judge(t.site, g, &r, environment, &v, &e), &e);
    return v;
}

const struct verdict_reason *reason_of(const struct verdict *v, const char *rule)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->reasons[i].rule, rule) == 0)
            return &v->reasons[i];
    fail_msg("rule %s was not asked", rule);
    return NULL;
}

/* The verdict is FAILED for this rule, with these words, and for no other rule. */
void fails_for(const struct verdict *v, const char *rule, const char *words)
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

void passes(const struct verdict *v)
{
    auto_buf why = BUF(16384);
    verdict_why(v, &why);
    if (!v->passed)
        fail_msg("%s", buf_str(&why));
}

void asked_by(const struct private_key *key)
{
    struct err e = {0};
    ok(request_make(t.site, &r, "prod", key, NULL, NULL, &e), &e);
}

int approve(const struct private_key *key, const struct approval_wish *wish, struct err *e)
{
    struct approval_wish w = wish ? *wish : (struct approval_wish){0};
    w.environment = "prod";
    return approval_make(t.site, &r, &w, key, NULL, e);
}

void approved_by(const struct private_key *key)
{
    struct err e = {0};
    ok(approve(key, NULL, &e), &e);
}

/* Everything that prod asks for, but the approvals. */
void ready_for_approval(void)
{
    arrived();
    scanned("PASSED", 0);
    stood_in("sandbox");
    stood_in("test");
    ran(PREDICATE_TEST_RESULT, "PASSED", "test");
    ran(PREDICATE_SILENCE, "PASSED", "test");
    asked_by(ines);
}

void refused_as(int result, const struct err *e, enum err_code code, const char *words)
{
    assert_int_equal(result, -1);
    if (e->code != code || !strstr(e->msg, words))
        fail_msg("wanted \"%s\", found \"%s\" (%s)", words, e->msg, err_code_name(e->code));
}

/* Runs SQL past the program, as somebody would who can write state.db. */
void attacker(const char *sql, struct span blob, const struct digest *id, const struct digest *subject)
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
