/* Roots: rotation and key compromise (T7), the first one that people compare; and the writer. */
#include "tuf_fixture.h"

/* ── T7 root rotation and key compromise ── */

static void T7_41_roots_are_followed_one_by_one(void **state)
{
    (void)state;
    auto_private_key second = private_key_new(KEY_P256, NULL);
    auto_private_key third = private_key_new(KEY_ED25519, NULL);
    struct root_role roles[4] = {{{second}, 0}, {{repo.keys[1]}, 0}, {{repo.keys[2]}, 0}, {{repo.keys[3]}, 0}};
    const struct private_key *const by_first_and_second[] = {repo.keys[0], second, NULL};
    const struct private_key *const by_second_and_third[] = {second, third, NULL};
    repo_root(&repo, 2, NOW - DAY, roles, by_first_and_second); /* expired: a step on the way may be */
    roles[0].keys[0] = third;
    repo_root(&repo, 3, NOW + DAY, roles, by_second_and_third);
    struct repo gap = {0};
    repo_copy_files(&gap, &repo);
    repo_remove(&gap, "2.root.json");

    accept(&repo);

    assert_int_equal(trusted("2.root.json"), 2);
    assert_int_equal(trusted("3.root.json"), 3);
    repo_publish(&repo, 2);
    accept(&repo); /* the chain loads again */
    repo_fini(&gap);
}

static void T7_41_a_root_of_another_version_than_its_name_is_refused(void **state)
{
    (void)state;
    next_root(3, NOW + DAY);
    repo_put(&repo, "2.root.json", buf_span(repo_get(&repo, "3.root.json")));
    refuse(&repo, ERR_INPUT, "/signed/version: 3, wanted 2");
    repo_put(&repo, "2.root.json", buf_span(repo_get(&repo, "1.root.json")));
    refuse(&repo, ERR_INPUT, "/signed/version: 1, wanted 2");
}

static void T7_42_a_new_root_needs_old_and_new_keys(void **state)
{
    (void)state;
    auto_private_key second = private_key_new(KEY_P256, NULL);
    const struct root_role roles[4] = {{{second}, 0}, {{repo.keys[1]}, 0}, {{repo.keys[2]}, 0}, {{repo.keys[3]}, 0}};
    const struct private_key *const by_old[] = {repo.keys[0], NULL}, *const by_new[] = {second, NULL};

    repo_root(&repo, 2, NOW + DAY, roles, by_old);
    refuse(&repo, ERR_INPUT, "the new root itself");
    repo_root(&repo, 2, NOW + DAY, roles, by_new);
    refuse(&repo, ERR_INPUT, "the root before it");
}

static void T7_43_the_threshold_of_the_old_root_counts_and_then_the_new(void **state)
{
    (void)state;
    auto_private_key a = private_key_new(KEY_P256, NULL);
    auto_private_key b = private_key_new(KEY_P256, NULL);
    struct root_role roles[4] = {
        {{repo.keys[0], a, b}, 2}, {{repo.keys[1]}, 0}, {{repo.keys[2]}, 0}, {{repo.keys[3]}, 0}};
    const struct private_key *const one[] = {repo.keys[0], NULL}, *const two[] = {repo.keys[0], a, NULL},
                                    *const others[] = {a, b, NULL};
    repo_root(&repo, 2, NOW + DAY, roles, one);
    refuse(&repo, ERR_INPUT, "1 of the 3 keys of the new root itself");
    repo_root(&repo, 2, NOW + DAY, roles, two);
    roles[0].threshold = 1; /* lowered again: root 2 asks for two */
    repo_root(&repo, 3, NOW + DAY, roles, one);
    refuse(&repo, ERR_INPUT, "1 of the 3 keys of the root before it");
    repo_root(&repo, 3, NOW + DAY, roles, others);
    accept(&repo);
}

static void T7_44_a_key_that_was_taken_away_signs_nothing(void **state)
{
    (void)state;
    auto_private_key new_targets = private_key_new(KEY_P256, NULL);
    const struct root_role roles[4] = {
        {{repo.keys[0]}, 0}, {{new_targets}, 0}, {{repo.keys[2]}, 0}, {{repo.keys[3]}, 0}};
    const struct private_key *const signers[] = {repo.keys[0], NULL};
    repo_root(&repo, 2, NOW + DAY, roles, signers);

    refuse(&repo, ERR_INPUT, "0 of the 1 keys of targets");

    REPO_EDIT(&repo, "1.targets.json", new_targets, (void)body);
    repo_relink(&repo, 1);
    accept(&repo);
}

static void T7_45_46_a_fast_forward_is_recovered_by_new_keys(void **state)
{
    (void)state;
    repo_publish(&repo, 9007199254740991ULL);
    accept(&repo);
    repo_publish(&repo, 2);
    refuse(&repo, ERR_DENIED, "version 9007199254740991 was accepted before");

    /* the station takes new timestamp and snapshot keys, and versions begin anew */
    const struct private_key *old_root = repo.keys[TUF_ROOT];
    for (enum tuf_role r = TUF_SNAPSHOT; r <= TUF_TIMESTAMP; r++) {
        private_key_free(repo.keys[r]);
        repo.keys[r] = private_key_new(KEY_ED25519, NULL);
    }
    struct tuf_signer s;
    struct err e = {0};
    auto_buf root = BUF(LIMIT_TUF_ROOT_BYTES);
    memcpy(s.keys, repo.keys, sizeof s.keys);
    must(tuf_write_next_root(&s, old_root, 2, NOW + DAY, &root, &e), &e);
    repo_put(&repo, "2.root.json", buf_span(&root));
    repo_publish(&repo, 2);

    accept(&repo);
    assert_int_equal(trusted("timestamp.json"), 2);
    repo_publish(&repo, 1);
    refuse(&repo, ERR_DENIED, "version 1, and version 2 was accepted before");
}

static void T7_46_numbers_of_2_to_53_and_more_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "9007199254740992", "9223372036854775807", "9223372036854775808", "-1", "0", "1.0", "1e0", "\"1\"", "null"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        auto_buf text = BUF(4096);
        buf_printf(&text,
                   "{\"signatures\":[],\"signed\":{\"_type\":\"timestamp\",\"spec_version\":\"1.0.0\",\"version\":%s}}",
                   bad[i]);
        repo_put(&repo, "timestamp.json", buf_span(&text));
        auto_update u = refresh_at(&repo, NOW, &e);
        assert_null(u);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void T7_47_a_stolen_delegated_key_reaches_its_own_folder_only(void **state)
{
    (void)state;
    /* the thief of the models key signs a software file with it */
    REPO_EDIT(&repo, "1.software.json", repo.keys[TUF_MODELS], add_target(body, "software/evil"));
    repo_relink(&repo, 1);
    refuse(&repo, ERR_INPUT, "0 of the 1 keys of software");
}

/* ── the first root ── */

static int add_root(struct repo *r, const char *file, const char *fingerprint, struct err *e)
{
    char recomputed[DIGEST_HEX_SIZE];
    struct digest d;
    struct span root = buf_span(repo_get(r, file));
    if (!fingerprint) {
        if (tuf_root_fingerprint(parser, root, &d, e) < 0)
            return -1;
        memcpy(recomputed, digest_hex(&d).text, sizeof recomputed);
        fingerprint = recomputed;
    }
    if (db_begin(t.db, e) < 0)
        return -1;
    auto_tx struct db *tx = t.db;
    if (tuf_root_add(tx, parser, root, fingerprint, e) < 0)
        return -1;
    return db_commit(t.db, e);
}

static void a_first_root_is_taken_only_with_its_fingerprint(void **state)
{
    (void)state;
    struct repo theirs;
    struct err e = {0};
    repo_init(&theirs);

    assert_int_equal(add_root(&theirs, "1.root.json", station, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_int_equal(add_root(&theirs, "1.root.json", "", &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
    assert_int_equal(add_root(&theirs, "1.root.json", NULL, &e), 0);

    auto_free struct tuf_station *list = NULL;
    size_t count = 0;
    must(tuf_stations(t.db, &list, &count, &e), &e);
    assert_int_equal(count, 2);
    repo_fini(&theirs);
}

static void one_station_is_trusted_once(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(add_root(&repo, "1.root.json", NULL, &e), -1);
    assert_int_equal(e.code, ERR_EXISTS);

    next_root(2, NOW + DAY); /* a later root of the same station has another fingerprint */
    assert_int_equal(add_root(&repo, "2.root.json", NULL, &e), -1);
    assert_int_equal(e.code, ERR_EXISTS);
    assert_non_null(strstr(e.msg, "same root keys"));
}

static void a_first_root_that_did_not_sign_itself_is_refused(void **state)
{
    (void)state;
    struct repo theirs;
    struct err e = {0};
    repo_init(&theirs);
    REPO_EDIT(&theirs, "1.root.json", theirs.keys[TUF_TARGETS], (void)body);

    assert_int_equal(add_root(&theirs, "1.root.json", NULL, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "the root itself"));
    repo_fini(&theirs);
}

static void a_later_root_can_be_the_first_that_is_trusted(void **state)
{
    (void)state;
    struct repo theirs;
    struct err e = {0};
    repo_init(&theirs);
    const struct root_role roles[4] = {
        {{theirs.keys[0]}, 0}, {{theirs.keys[1]}, 0}, {{theirs.keys[2]}, 0}, {{theirs.keys[3]}, 0}};
    const struct private_key *const signers[] = {theirs.keys[0], NULL};
    repo_root(&theirs, 4, NOW + DAY, roles, signers);
    repo_root(&theirs, 5, NOW + DAY, roles, signers);
    repo_publish(&theirs, 9);

    must(add_root(&theirs, "4.root.json", NULL, &e), &e);
    auto_free struct tuf_station *list = NULL;
    size_t count = 0;
    must(tuf_stations(t.db, &list, &count, &e), &e);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].id, station) != 0) {
            assert_int_equal(list[i].first_root_version, 4);
            memcpy(station, list[i].id, sizeof station);
            break;
        }
    accept(&theirs);
    assert_int_equal(trusted("5.root.json"), 5);
    struct tuf_holder_view views[4];
    int64_t expires_s = 0;
    must(tuf_station_read(t.db, station, parser, views, &expires_s, &e), &e);
    assert_int_equal(expires_s, NOW + DAY);
    assert_int_equal(views[TUF_SNAPSHOT].count, 1);
    assert_true(
        digest_equal(&views[TUF_SNAPSHOT].keys[0], public_key_id(private_key_public(theirs.keys[TUF_SNAPSHOT]))));
    repo_fini(&theirs);
}

static void a_root_without_consistent_snapshots_is_refused(void **state)
{
    (void)state;
    struct err e = {0};
    struct repo theirs;
    repo_init(&theirs);
    REPO_EDIT(&theirs, "1.root.json", theirs.keys[TUF_ROOT],
              json_object_set_new(body, "consistent_snapshot", json_false()));

    assert_int_equal(add_root(&theirs, "1.root.json", NULL, &e), -1);

    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.msg, "consistent_snapshot"));
    repo_fini(&theirs);
}

static void T1_3_key_ids_are_recomputed(void **state)
{
    (void)state;
    struct repo theirs;
    struct err e = {0};
    repo_init(&theirs);
    REPO_EDIT(&theirs, "1.root.json", theirs.keys[TUF_ROOT], {
        json_t *role = json_object_get(json_object_get(body, "roles"), "snapshot");
        json_t *keys = json_object_get(body, "keys");
        const char *id = json_string_value(json_array_get(json_object_get(role, "keyids"), 0));
        char other[65];
        snprintf(other, sizeof other, "%064d", 7);
        json_object_set(keys, other, json_object_get(keys, id));
        json_object_set_new(role, "keyids", json_pack("[s]", other));
    });

    assert_int_equal(add_root(&theirs, "1.root.json", NULL, &e), -1);

    assert_non_null(strstr(e.msg, "is not the key's"));
    repo_fini(&theirs);
}

/* ── who may name a station ── */

static int endorsed(const struct private_key *contour, struct err *e)
{
    return tuf_root_endorsed(t.db, station, parser, private_key_public(contour), e);
}

static void a_station_counts_by_the_contours_signature_and_not_by_a_row(void **state)
{
    (void)state;
    struct err e = {0};
    auto_private_key contour = private_key_new(KEY_P256, NULL);
    auto_private_key mallory = private_key_new(KEY_P256, NULL);

    assert_int_equal(endorsed(contour, &e), -1); /* a row alone */
    assert_int_equal(e.code, ERR_DENIED);
    must(tuf_root_endorse(t.db, station, mallory, NOW, &e), &e);
    assert_int_equal(endorsed(contour, &e), -1); /* signed by somebody */
    assert_int_equal(e.code, ERR_DENIED);
    must(tuf_root_endorse(t.db, station, contour, NOW, &e), &e);
    assert_int_equal(endorsed(contour, &e), 0);

    /* the word for one station does not do for another */
    attacker_runs(&t, "UPDATE trust SET station = replace(station, substr(station, 1, 8), '00000000')");
    memcpy(station, "00000000", 8);
    assert_int_equal(endorsed(contour, &e), -1);
    assert_int_equal(e.code, ERR_DENIED);
}

/* ── the writer ── */

static int count_files(void *arg, const char *file, struct span bytes, struct err *e)
{
    (void)file, (void)bytes, (void)e;
    ++*(size_t *)arg;
    return 0;
}

static void the_writer_refuses_what_the_reader_would(void **state)
{
    (void)state;
    struct tuf_signer s;
    size_t files = 0;
    memcpy(s.keys, repo.keys, sizeof s.keys);
    const struct tuf_new_target bad[] = {
        {.role = TUF_MODELS, .name = "software/aa"},
        {.role = TUF_MODELS, .name = "models/../aa"},
        {.role = TUF_SNAPSHOT, .name = "aa"},
        {.role = TUF_TARGETS, .name = "policy/aa"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        assert_int_equal(tuf_write_set(&s, 1, NOW, &bad[i], 1, count_files, &files, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
    }
    const struct tuf_new_target twice[] = {{.role = TUF_MODELS, .name = "models/aa"},
                                           {.role = TUF_MODELS, .name = "models/aa"}};
    struct err e = {0};
    assert_int_equal(tuf_write_set(&s, 1, NOW, twice, 2, count_files, &files, &e), -1);
    assert_int_equal(files, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(T7_41_roots_are_followed_one_by_one),
        T(T7_41_a_root_of_another_version_than_its_name_is_refused),
        T(T7_42_a_new_root_needs_old_and_new_keys),
        T(T7_43_the_threshold_of_the_old_root_counts_and_then_the_new),
        T(T7_44_a_key_that_was_taken_away_signs_nothing),
        T(T7_45_46_a_fast_forward_is_recovered_by_new_keys),
        T(T7_46_numbers_of_2_to_53_and_more_are_refused),
        T(T7_47_a_stolen_delegated_key_reaches_its_own_folder_only),
        T(a_first_root_is_taken_only_with_its_fingerprint),
        T(one_station_is_trusted_once),
        T(a_first_root_that_did_not_sign_itself_is_refused),
        T(a_later_root_can_be_the_first_that_is_trusted),
        T(a_root_without_consistent_snapshots_is_refused),
        T(T1_3_key_ids_are_recomputed),
        T(a_station_counts_by_the_contours_signature_and_not_by_a_row),
        T(the_writer_refuses_what_the_reader_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
