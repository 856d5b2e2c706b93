/* The client workflow of a contour: signatures (T1), rollback (T2), freeze and time (T3). Names carry the number of the
 * threat that the test stands for. */
#include "tuf_fixture.h"

/* ── what is right ── */

static void a_right_medium_is_accepted_with_all_its_targets(void **state)
{
    (void)state;
    struct err e = {0};
    auto_update u = refresh_at(&repo, NOW, &e);
    if (!u)
        fail_msg("%s", e.msg);

    assert_int_equal(tuf_update_count(u), 5);
    assert_int_equal(tuf_update_timestamp_version(u), 1);
    assert_int_equal(tuf_update_expires(u), NOW + 30 * DAY);
    const struct tuf_target *shipment = tuf_update_find(u, "shipment.json");
    assert_non_null(shipment);
    assert_int_equal(shipment->role, TUF_TARGETS);
    assert_string_equal(json_get_string(shipment->custom, "contour", ""), "c0");
    const struct tuf_target *model = tuf_update_find(u, "models/aa");
    struct digest d = digest_of(SPAN_LIT("models/aa"));
    assert_non_null(model);
    assert_int_equal(model->role, TUF_MODELS);
    assert_int_equal(model->length, 20);
    assert_true(digest_equal(&model->digest, &d));
    assert_null(model->custom);
    assert_null(tuf_update_find(u, "models/ab"));
    for (size_t i = 1; i < tuf_update_count(u); i++)
        assert_true(strcmp(tuf_update_target(u, i - 1)->name, tuf_update_target(u, i)->name) < 0);
    assert_int_equal(trusted("timestamp.json"), 0); /* nothing is written before the commit */
    commit(u);
    assert_int_equal(trusted("timestamp.json"), 1);
    assert_int_equal(trusted("models.json"), 1);
}

static void one_medium_after_the_other_is_accepted(void **state)
{
    (void)state;
    accept(&repo);
    repo_publish(&repo, 2);
    accept(&repo);
    repo_publish(&repo, 7);
    accept(&repo);
    assert_int_equal(trusted("snapshot.json"), 7);
}

static void an_unknown_station_is_not_found(void **state)
{
    (void)state;
    struct err e = {0};
    struct tuf_source source = repo_source(&repo);
    station[0] = station[0] == 'a' ? 'b' : 'a';
    assert_null(tuf_refresh(t.db, station, parser, &source, NOW, &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    static const char *const files[] = {"timestamp.json", "1.snapshot.json", "1.targets.json", "1.policy.json"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct repo copy = {0};
        repo_copy_files(&copy, &repo);
        repo_remove(&copy, files[i]);
        refuse(&copy, ERR_NOTFOUND, files[i]);
        repo_fini(&copy);
    }
}

/* ── T1 signatures and thresholds ── */

static void T1_1_a_role_that_nobody_signed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum tuf_role role;
    } files[] = {{"timestamp.json", TUF_TIMESTAMP},
                 {"1.snapshot.json", TUF_SNAPSHOT},
                 {"1.targets.json", TUF_TARGETS},
                 {"1.models.json", TUF_MODELS},
                 {"1.advisories.json", TUF_ADVISORIES}};
    auto_private_key stranger = private_key_new(KEY_ED25519, NULL);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct repo copy = repo;
        copy.files = NULL, copy.count = copy.room = 0;
        repo_copy_files(&copy, &repo);
        json_t *file = repo_load(&copy, files[i].file);
        repo_save(&copy, files[i].file, file, NULL, 0);
        if (files[i].role != TUF_TIMESTAMP && files[i].role != TUF_SNAPSHOT)
            repo_relink(&copy, 1);
        else if (files[i].role == TUF_SNAPSHOT) /* the timestamp must list the unsigned one */
            REPO_EDIT(
                &copy, "timestamp.json", repo.keys[TUF_TIMESTAMP],
                json_object_set_new(json_object_get(body, "meta"), "snapshot.json", json_pack("{s:i}", "version", 1)));
        refuse(&copy, ERR_INPUT, files[i].file);
        json_decref(file);
        memset(copy.keys, 0, sizeof copy.keys);
        repo_fini(&copy);
    }
    assert_int_equal(trusted("timestamp.json"), 0);
}

static void T1_2_a_threshold_that_nobody_can_meet_is_refused(void **state)
{
    (void)state;
    const struct root_role roles[4] = {
        {{repo.keys[0]}, 0}, {{repo.keys[1]}, 0}, {{repo.keys[2]}, 2}, {{repo.keys[3]}, 0}};
    const struct private_key *const signers[] = {repo.keys[0], NULL};
    repo_root(&repo, 2, NOW + DAY, roles, signers);

    refuse(&repo, ERR_INPUT, "nobody can meet it");
}

/* Two key ids for the first key of targets: a member more in the key object gives another id. */
static void add_twin_key(json_t *root, char first[65], char second[65], json_int_t threshold)
{
    struct err e = {0};
    json_t *keys = json_object_get(root, "keys");
    json_t *role = json_object_get(json_object_get(root, "roles"), "targets");
    const char *id = json_string_value(json_array_get(json_object_get(role, "keyids"), 0));
    json_t *twin = json_deep_copy(json_object_get(keys, id));
    auto_buf canonical = BUF(4096);
    json_object_set_new(twin, "x-owner", json_string("twin"));
    must(tuf_canonical(twin, &canonical, &e), &e);
    struct digest d = digest_of(buf_span(&canonical));
    memcpy(first, id, 65);
    memcpy(second, digest_hex(&d).text, 65);
    json_object_set_new(keys, second, twin);
    json_array_append_new(json_object_get(role, "keyids"), json_string(second));
    json_object_set_new(role, "threshold", json_integer(threshold));
}

static void T1_3_one_key_under_two_ids_counts_once(void **state)
{
    (void)state;
    const struct root_role roles[4] = {
        {{repo.keys[0]}, 0}, {{repo.keys[1]}, 0}, {{repo.keys[2]}, 0}, {{repo.keys[3]}, 0}};
    const struct private_key *const signers[] = {repo.keys[0], NULL};
    repo_root(&repo, 2, NOW + DAY, roles, signers);
    char first[65], second[65];
    REPO_EDIT(&repo, "2.root.json", repo.keys[0], add_twin_key(body, first, second, 2));

    refuse(&repo, ERR_INPUT, "nobody can meet it");
}

/* The thief of one key signs under both of its ids; the role asks for two of three. */
static void T1_3_one_key_that_signs_under_two_ids_counts_once(void **state)
{
    (void)state;
    auto_private_key other = private_key_new(KEY_P256, NULL);
    const struct root_role roles[4] = {
        {{repo.keys[0]}, 0}, {{repo.keys[1], other}, 0}, {{repo.keys[2]}, 0}, {{repo.keys[3]}, 0}};
    const struct private_key *const signers[] = {repo.keys[0], NULL};
    char first[65], second[65];
    repo_root(&repo, 2, NOW + DAY, roles, signers);
    REPO_EDIT(&repo, "2.root.json", repo.keys[0], add_twin_key(body, first, second, 2));
    REPO_EDIT(&repo, "1.targets.json", repo.keys[1], (void)body);
    auto_json file = repo_load(&repo, "1.targets.json");
    json_t *signatures = json_object_get(file, "signatures");
    json_t *twin = json_deep_copy(json_array_get(signatures, 0));
    assert_string_equal(json_get_string(twin, "keyid", ""), first);
    json_object_set_new(twin, "keyid", json_string(second));
    json_array_append_new(signatures, twin);
    auto_free char *text = json_dumps(file, 0);
    repo_put(&repo, "1.targets.json", span_str(text));
    repo_relink(&repo, 1);

    refuse(&repo, ERR_INPUT, "1 of the 3 keys of targets");
}

static void T1_3_one_signature_listed_twice_is_refused(void **state)
{
    (void)state;
    auto_json file = repo_load(&repo, "timestamp.json");
    json_t *signatures = json_object_get(file, "signatures");
    json_array_append(signatures, json_array_get(signatures, 0));
    auto_free char *text = json_dumps(file, 0);
    repo_put(&repo, "timestamp.json", span_str(text));

    refuse(&repo, ERR_INPUT, "twice");
}

static void T1_4_garbage_beside_a_good_signature_does_no_harm(void **state)
{
    (void)state;
    static const char *const garbage[] = {"", "00", "zz", "3006020101020101", "abc"};
    auto_json file = repo_load(&repo, "timestamp.json");
    json_t *signatures = json_object_get(file, "signatures");
    for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
        char id[65];
        snprintf(id, sizeof id, "%064zu", i);
        json_array_insert_new(signatures, 0, json_pack("{s:s, s:s}", "keyid", id, "sig", garbage[i]));
    }
    auto_free char *text = json_dumps(file, 0);
    repo_put(&repo, "timestamp.json", span_str(text));

    accept(&repo);
}

static void T1_4_an_empty_signature_under_the_right_key_is_none(void **state)
{
    (void)state;
    auto_json file = repo_load(&repo, "timestamp.json");
    json_object_set_new(json_array_get(json_object_get(file, "signatures"), 0), "sig", json_string(""));
    auto_free char *text = json_dumps(file, 0);
    repo_put(&repo, "timestamp.json", span_str(text));

    refuse(&repo, ERR_INPUT, "0 of the 1 keys of timestamp");
}

static void T1_6_the_key_of_another_role_does_not_count(void **state)
{
    (void)state;
    REPO_EDIT(&repo, "1.targets.json", repo.keys[TUF_SNAPSHOT], (void)body);
    repo_relink(&repo, 1);
    refuse(&repo, ERR_INPUT, "0 of the 1 keys of targets");

    repo_publish(&repo, 1);
    REPO_EDIT(&repo, "1.models.json", repo.keys[TUF_SOFTWARE], (void)body);
    repo_relink(&repo, 1);
    refuse(&repo, ERR_INPUT, "0 of the 1 keys of models");
}

static void T1_7_a_file_of_another_type_is_refused(void **state)
{
    (void)state;
    REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP],
              json_object_set_new(body, "_type", json_string("snapshot")));
    refuse(&repo, ERR_INPUT, "/signed/_type");
}

/* ── T2 rollback ── */

static void T2_9_an_older_medium_is_refused(void **state)
{
    (void)state;
    struct repo old = {0};
    repo_copy_files(&old, &repo);
    repo_publish(&repo, 2);
    accept(&repo);

    refuse(&old, ERR_DENIED, "timestamp.json: version 1, and version 2 was accepted before");

    assert_int_equal(trusted("timestamp.json"), 2);
    repo_fini(&old);
}

static void T2_9_an_older_timestamp_over_the_same_snapshot_is_refused(void **state)
{
    (void)state;
    repo_publish(&repo, 2);
    accept(&repo);
    REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP], json_object_set_new(body, "version", json_integer(1)));

    refuse(&repo, ERR_DENIED, "timestamp.json: version 1, and version 2 was accepted before");
}

static void T2_10_the_same_medium_again_is_nothing_new(void **state)
{
    (void)state;
    accept(&repo);

    refuse(&repo, ERR_EXISTS, "nothing new");
    refuse_at(&repo, NOW + 300 * DAY, ERR_EXISTS, "nothing new"); /* also when it has expired since */
}

static void T2_11_the_same_version_with_other_content_is_equivocation(void **state)
{
    (void)state;
    accept(&repo);
    REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP],
              json_object_set_new(body, "expires", json_string(time_text(NOW + 31 * DAY).text)));

    refuse(&repo, ERR_DENIED, "two different files as one version");
}

static void T2_12_a_new_timestamp_cannot_point_to_an_older_snapshot(void **state)
{
    (void)state;
    struct repo old = {0};
    repo_copy_files(&old, &repo);
    repo_publish(&repo, 2);
    accept(&repo);
    REPO_EDIT(&old, "timestamp.json", repo.keys[TUF_TIMESTAMP], json_object_set_new(body, "version", json_integer(3)));

    refuse(&old, ERR_DENIED, "snapshot.json: version 1, and version 2 was accepted before");
    repo_fini(&old);
}

static void T2_12_a_new_snapshot_cannot_list_older_targets(void **state)
{
    (void)state;
    repo_publish(&repo, 2);
    accept(&repo);
    repo_publish(&repo, 3);
    REPO_EDIT(&repo, "3.snapshot.json", repo.keys[TUF_SNAPSHOT],
              json_object_set_new(json_object_get(body, "meta"), "models.json", json_pack("{s:i}", "version", 1)));
    REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP],
              json_object_set_new(json_object_get(body, "meta"), "snapshot.json", json_pack("{s:i}", "version", 3)));

    refuse(&repo, ERR_DENIED, "models.json: version 1, and version 2 was accepted before");
}

static void T2_12_a_role_that_was_listed_cannot_vanish(void **state)
{
    (void)state;
    accept(&repo);
    repo_publish(&repo, 2);
    REPO_EDIT(&repo, "2.snapshot.json", repo.keys[TUF_SNAPSHOT],
              json_object_del(json_object_get(body, "meta"), "advisories.json"));
    REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP],
              json_object_set_new(json_object_get(body, "meta"), "snapshot.json", json_pack("{s:i}", "version", 2)));

    refuse(&repo, ERR_DENIED, "lists no advisories.json");
}

static void T2_13_what_was_accepted_counts_after_it_expired(void **state)
{
    (void)state;
    struct repo old = {0};
    repo_copy_files(&old, &repo);
    repo_publish(&repo, 2);
    accept(&repo);
    int64_t later = NOW + 40 * DAY;
    REPO_EDIT(&old, "timestamp.json", repo.keys[TUF_TIMESTAMP],
              json_object_set_new(body, "expires", json_string(time_text(later + DAY).text)));

    refuse_at(&old, later, ERR_DENIED, "version 1, and version 2 was accepted before");
    repo_fini(&old);
}

static void T2_15_state_that_is_not_whole_is_an_error(void **state)
{
    (void)state;
    static const char *const harm[] = {
        "DELETE FROM trust WHERE file = 'snapshot.json'",
        "DELETE FROM trust WHERE file = 'timestamp.json'",
        "UPDATE trust SET bytes = x'7b7d' WHERE file = 'timestamp.json'",
        "UPDATE trust SET bytes = substr(bytes, 1, 100) WHERE file = '1.root.json'",
        "UPDATE trust SET file = '2.root.json' WHERE file = '1.root.json'",
    };
    accept(&repo);
    repo_publish(&repo, 2);
    attacker_runs(&t, "CREATE TABLE kept AS SELECT * FROM trust");
    for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
        struct err e = {0};
        attacker_writes(&t, harm[i], (struct span){0});
        auto_update u = refresh_at(&repo, NOW, &e);
        assert_null(u);
        if (i < 4)
            assert_int_equal(e.code, ERR_INPUT);
        if (i < 4 && !strstr(e.msg, "damaged"))
            fail_msg("%s: %s", harm[i], e.msg);
        attacker_writes(&t, "DELETE FROM trust", (struct span){0});
        attacker_writes(&t, "INSERT INTO trust SELECT * FROM kept", (struct span){0});
    }
    accept(&repo);
}

static void T2_15_another_root_cannot_be_put_behind_a_fingerprint(void **state)
{
    (void)state;
    struct repo theirs;
    repo_init(&theirs);
    repo_publish(&theirs, 5);

    attacker_writes(&t, "UPDATE trust SET bytes = ?1 WHERE file = '1.root.json'",
                    buf_span(repo_get(&theirs, "1.root.json")));

    refuse(&theirs, ERR_INPUT, "fingerprint");
    repo_fini(&theirs);
}

static void T2_16_an_update_that_was_not_committed_changes_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    auto_update u = refresh_at(&repo, NOW, &e);
    assert_non_null(u);
    must(db_begin(t.db, &e), &e);
    must(tuf_commit(t.db, station, u, &e), &e);
    db_rollback(t.db);

    assert_int_equal(trusted("timestamp.json"), 0);
    accept(&repo);
}

static void T2_16_an_update_is_not_committed_over_a_newer_one(void **state)
{
    (void)state;
    struct err e = {0};
    auto_update slow = refresh_at(&repo, NOW, &e);
    assert_non_null(slow);
    repo_publish(&repo, 2);
    accept(&repo);

    must(db_begin(t.db, &e), &e);
    assert_int_equal(tuf_commit(t.db, station, slow, &e), -1);
    db_rollback(t.db);

    assert_int_equal(e.code, ERR_BUSY);
    assert_int_equal(trusted("timestamp.json"), 2);
}

/* ── T3 freeze and time ── */

static void T3_17_each_level_expires_at_its_second(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum tuf_role role;
    } files[] = {{"timestamp.json", TUF_TIMESTAMP},
                 {"1.snapshot.json", TUF_SNAPSHOT},
                 {"1.targets.json", TUF_TARGETS},
                 {"1.software.json", TUF_SOFTWARE}};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        repo_publish(&repo, 1);
        REPO_EDIT(&repo, files[i].file, repo.keys[files[i].role],
                  json_object_set_new(body, "expires", json_string(time_text(NOW + DAY).text)));
        if (files[i].role != TUF_TIMESTAMP)
            repo_relink(&repo, 1);
        refuse_at(&repo, NOW + DAY + 1, ERR_DENIED, files[i].file);
        refuse_at(&repo, NOW + DAY, ERR_DENIED, "expired");
        struct err e = {0};
        auto_update u = refresh_at(&repo, NOW + DAY - 1, &e);
        assert_non_null(u);
        assert_int_equal(tuf_update_expires(u), NOW + DAY);
    }
}

static void T3_18_an_expired_root_is_followed_by_a_newer_one(void **state)
{
    (void)state;
    next_root(2, NOW + DAY);
    accept(&repo);
    next_root(3, NOW + 5 * DAY);
    repo_publish(&repo, 2);

    accept_at(&repo, NOW + 2 * DAY);

    assert_int_equal(trusted("3.root.json"), 3);
}

static void T3_18_an_expired_last_root_is_kept_and_everything_else_refused(void **state)
{
    (void)state;
    struct err e = {0};
    size_t kept = 0;
    next_root(2, NOW - 1);

    refuse(&repo, ERR_DENIED, "2.root.json: expired");
    struct tuf_source source = repo_source(&repo);
    must(db_begin(t.db, &e), &e);
    must(tuf_commit_roots(t.db, station, parser, &source, &kept, &e), &e);
    must(db_commit(t.db, &e), &e);

    assert_int_equal(kept, 1);
    assert_int_equal(trusted("2.root.json"), 2);
    assert_int_equal(trusted("timestamp.json"), 0);
}

static void T3_24_a_time_has_one_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"2027-01-01T00:00:00+00:00",
                                      "2027-01-01T00:00:00.5Z",
                                      "2027-01-01T00:00:00",
                                      "2027-01-01 00:00:00Z",
                                      "10000-01-01T00:00:00Z",
                                      "2027-02-29T00:00:00Z",
                                      "2027-01-01T00:00:60Z",
                                      "2027-1-01T00:00:00Z",
                                      "2027-13-01T00:00:00Z",
                                      "2027-01-01T24:00:00Z",
                                      ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        repo_publish(&repo, 1);
        REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP],
                  json_object_set_new(body, "expires", json_string(bad[i])));
        refuse(&repo, ERR_INPUT, "/signed/expires");
    }
    repo_publish(&repo, 1);
    REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP],
              json_object_set_new(body, "expires", json_string("2028-02-29T00:00:00Z")));
    accept(&repo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_right_medium_is_accepted_with_all_its_targets),
        T(one_medium_after_the_other_is_accepted),
        T(an_unknown_station_is_not_found),
        T(a_missing_file_is_named),
        T(T1_1_a_role_that_nobody_signed_is_refused),
        T(T1_2_a_threshold_that_nobody_can_meet_is_refused),
        T(T1_3_one_key_under_two_ids_counts_once),
        T(T1_3_one_key_that_signs_under_two_ids_counts_once),
        T(T1_3_one_signature_listed_twice_is_refused),
        T(T1_4_garbage_beside_a_good_signature_does_no_harm),
        T(T1_4_an_empty_signature_under_the_right_key_is_none),
        T(T1_6_the_key_of_another_role_does_not_count),
        T(T1_7_a_file_of_another_type_is_refused),
        T(T2_9_an_older_medium_is_refused),
        T(T2_9_an_older_timestamp_over_the_same_snapshot_is_refused),
        T(T2_10_the_same_medium_again_is_nothing_new),
        T(T2_11_the_same_version_with_other_content_is_equivocation),
        T(T2_12_a_new_timestamp_cannot_point_to_an_older_snapshot),
        T(T2_12_a_new_snapshot_cannot_list_older_targets),
        T(T2_12_a_role_that_was_listed_cannot_vanish),
        T(T2_13_what_was_accepted_counts_after_it_expired),
        T(T2_15_state_that_is_not_whole_is_an_error),
        T(T2_15_another_root_cannot_be_put_behind_a_fingerprint),
        T(T2_16_an_update_that_was_not_committed_changes_nothing),
        T(T2_16_an_update_is_not_committed_over_a_newer_one),
        T(T3_17_each_level_expires_at_its_second),
        T(T3_18_an_expired_root_is_followed_by_a_newer_one),
        T(T3_18_an_expired_last_root_is_kept_and_everything_else_refused),
        T(T3_24_a_time_has_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
