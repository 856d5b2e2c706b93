/* A contour that trusts the station of `repo`, and what each test asks of it. */
#pragma once

#include "tuf_repo.h"

#include <string.h>

#include "database.h"
#include "parser.h"
#include "util/clock.h"
#include "util/limits.h"

static struct test_db t;
static struct child *parser;
static struct repo repo;
static char station[DIGEST_HEX_SIZE];

static inline int must(int result, const struct err *e)
{
    if (result < 0)
        fail_msg("%s", e->msg);
    return result;
}

static inline int set_up(void **state)
{
    (void)state;
    struct err e = {0};
    struct digest d;
    parser = parser_start();
    test_db_open(&t);
    repo_init(&repo);
    struct span root = buf_span(repo_get(&repo, "1.root.json"));
    must(tuf_root_fingerprint(parser, root, &d, &e), &e);
    memcpy(station, digest_hex(&d).text, sizeof station);
    must(db_begin(t.db, &e), &e);
    must(tuf_root_add(t.db, parser, root, station, &e), &e);
    must(db_commit(t.db, &e), &e);
    repo_publish(&repo, 1);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    repo_fini(&repo);
    test_db_close(&t);
    child_stop(parser);
    return 0;
}

static inline void auto_update_free(struct tuf_update **u)
{
    tuf_update_free(*u);
}
#define auto_update AUTO(auto_update_free) struct tuf_update *

static inline struct tuf_update *refresh_at(struct repo *r, int64_t now_s, struct err *e)
{
    struct tuf_source source = repo_source(r);
    return tuf_refresh(t.db, station, parser, &source, now_s, e);
}

static inline void commit(const struct tuf_update *u)
{
    struct err e = {0};
    must(db_begin(t.db, &e), &e);
    must(tuf_commit(t.db, station, u, &e), &e);
    must(db_commit(t.db, &e), &e);
}

static inline void accept_at(struct repo *r, int64_t now_s)
{
    struct err e = {0};
    auto_update u = refresh_at(r, now_s, &e);
    if (!u)
        fail_msg("refused: %s", e.msg);
    commit(u);
}

static inline void accept(struct repo *r)
{
    accept_at(r, NOW);
}

/* Refused with this code, words of this in the message, and the trusted state as it was. */
static inline void refuse_at(struct repo *r, int64_t now_s, enum err_code code, const char *words)
{
    struct err e = {0};
    auto_update u = refresh_at(r, now_s, &e);
    if (u)
        fail_msg("accepted, wanted: %s", words);
    if (e.code != code || !strstr(e.msg, words))
        fail_msg("wanted %s with \"%s\", found %s: %s", err_code_name(code), words, err_code_name(e.code), e.msg);
}

static inline void refuse(struct repo *r, enum err_code code, const char *words)
{
    refuse_at(r, NOW, code, words);
}

static inline uint64_t trusted(const char *file)
{
    struct err e = {0};
    uint64_t version = 0;
    return db_trust_get(t.db, station, file, &version, NULL, &e) < 0 ? 0 : version;
}

/* Root `version` with the same keys. */
static inline void next_root(uint64_t version, int64_t expires_s)
{
    const struct root_role roles[4] = {
        {{repo.keys[0]}, 0}, {{repo.keys[1]}, 0}, {{repo.keys[2]}, 0}, {{repo.keys[3]}, 0}};
    const struct private_key *const signers[] = {repo.keys[0], NULL};
    repo_root(&repo, version, expires_s, roles, signers);
}

static inline void add_target(json_t *body, const char *name)
{
    json_object_set_new(json_object_get(body, "targets"), name,
                        json_pack("{s:i, s:{s:s}}", "length", 1, "hashes", "sha256",
                                  "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
