/* The client workflow of a contour: mix-and-match (T4), endless data (T5), wrong addressee (T6), parsers (T8). */
#include "tuf_fixture.h"

/* ── T4 mix-and-match ── */

static void T4_26_files_of_two_media_do_not_mix(void **state)
{
    (void)state;
    static const char *const files[][2] = {{"2.snapshot.json", "1.snapshot.json"},
                                           {"2.targets.json", "1.targets.json"},
                                           {"2.models.json", "1.models.json"}};
    repo_publish(&repo, 2);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct repo mixed = {0};
        repo_copy_files(&mixed, &repo);
        repo_put(&mixed, files[i][0], buf_span(repo_get(&repo, files[i][1])));
        refuse(&mixed, ERR_INPUT, "the file that lists it says");
        repo_fini(&mixed);
    }
}

/* The same length, version and signer: only the hash tells. */
static void T4_26_a_file_of_the_same_length_and_version_does_not_replace_another(void **state)
{
    (void)state;
    struct repo twin = repo;
    twin.files = NULL, twin.count = twin.room = 0;
    repo_copy_files(&twin, &repo);
    REPO_EDIT(&twin, "1.targets.json", repo.keys[TUF_TARGETS], (void)body); /* Ed25519: no signature is longer */
    repo_relink(&twin, 1);
    size_t length = repo_get(&twin, "1.targets.json")->len;
    REPO_EDIT(&twin, "1.targets.json", repo.keys[TUF_TARGETS],
              json_object_set_new(body, "expires", json_string(time_text(NOW + 29 * DAY).text)));
    assert_int_equal(repo_get(&twin, "1.targets.json")->len, length);

    refuse(&twin, ERR_INPUT, "1.targets.json: its SHA-256 is");
    memset(twin.keys, 0, sizeof twin.keys);
    repo_fini(&twin);
}

static void T4_26_the_version_inside_counts_also_without_hashes(void **state)
{
    (void)state;
    REPO_EDIT(&repo, "timestamp.json", repo.keys[TUF_TIMESTAMP],
              json_object_set_new(json_object_get(body, "meta"), "snapshot.json", json_pack("{s:i}", "version", 2)));
    repo_put(&repo, "2.snapshot.json", buf_span(repo_get(&repo, "1.snapshot.json")));

    refuse(&repo, ERR_INPUT, "/signed/version: 1, and the file that lists it says 2");
}

/* ── T5 endless data ── */

static void T5_31_no_more_is_asked_for_than_the_parent_says(void **state)
{
    (void)state;
    struct err e = {0};
    size_t length = repo_get(&repo, "1.advisories.json")->len;
    auto_update u = refresh_at(&repo, NOW, &e);
    assert_non_null(u);
    assert_int_equal(repo.last_cap, length); /* the last file that is read */

    auto_buf longer = BUF(1U << 20);
    buf_add_span(&longer, buf_span(repo_get(&repo, "1.advisories.json")));
    buf_add_byte(&longer, '\n');
    repo_put(&repo, "1.advisories.json", buf_span(&longer));
    refuse(&repo, ERR_INPUT, "1.advisories.json: more than");
    repo_put(&repo, "1.advisories.json", span_of(longer.ptr, length - 1));
    refuse(&repo, ERR_INPUT, "bytes, and the file that lists it says");
}

static void T5_31_a_timestamp_or_root_over_the_limit_is_refused(void **state)
{
    (void)state;
    auto_buf big = BUF(1U << 20);
    while (big.len <= LIMIT_TUF_ROOT_BYTES)
        buf_add_str(&big, "                                                                ");
    repo_put(&repo, "2.root.json", buf_span(&big));
    refuse(&repo, ERR_LIMIT, "2.root.json");

    repo_remove(&repo, "2.root.json");
    repo_put(&repo, "timestamp.json", buf_span(&big));
    refuse(&repo, ERR_LIMIT, "timestamp.json");
}

static void T5_32_too_many_roots_at_once_are_refused(void **state)
{
    (void)state;
    for (uint64_t v = 2; v <= LIMIT_TUF_ROOT_ROTATIONS + 2; v++)
        next_root(v, NOW + DAY);
    refuse(&repo, ERR_LIMIT, "more than 256 new roots");

    repo_remove(&repo, "258.root.json");
    accept(&repo);
    assert_int_equal(trusted("257.root.json"), 257);
}

static void T5_32_deep_json_and_many_signatures_are_refused(void **state)
{
    (void)state;
    auto_buf deep = BUF(1U << 20);
    buf_add_str(&deep, "{\"signatures\":[],\"signed\":");
    for (int i = 0; i < 2000; i++)
        buf_add_str(&deep, "{\"a\":");
    buf_add_str(&deep, "1");
    for (int i = 0; i < 2001; i++)
        buf_add_str(&deep, "}");
    repo_put(&repo, "timestamp.json", buf_span(&deep));
    refuse(&repo, ERR_LIMIT, "nested deeper");

    buf_clear(&deep);
    buf_add_str(&deep, "{\"signed\":{},\"signatures\":[");
    for (unsigned i = 0; i <= LIMIT_SIGNATURES; i++)
        buf_printf(&deep, "%s{\"keyid\":\"%064u\",\"sig\":\"\"}", i ? "," : "", i);
    buf_add_str(&deep, "]}");
    repo_put(&repo, "timestamp.json", buf_span(&deep));
    refuse(&repo, ERR_LIMIT, "at most 64");
}

static void edit_delegation(json_t *body, size_t role, const char *member, json_t *value)
{
    json_t *roles = json_object_get(json_object_get(body, "delegations"), "roles");
    json_object_set_new(json_array_get(roles, role), member, value);
}

static void T5_32_delegations_have_one_level_and_no_diamonds(void **state)
{
    (void)state;
    json_t *delegations = NULL;
    REPO_EDIT(&repo, "1.targets.json", repo.keys[TUF_TARGETS],
              delegations = json_deep_copy(json_object_get(body, "delegations")));
    REPO_EDIT(&repo, "1.models.json", repo.keys[TUF_MODELS], json_object_set_new(body, "delegations", delegations));
    repo_relink(&repo, 1);
    refuse(&repo, ERR_INPUT, "delegates further");

    repo_publish(&repo, 1);
    REPO_EDIT(&repo, "1.targets.json", repo.keys[TUF_TARGETS], {
        json_t *roles = json_object_get(json_object_get(body, "delegations"), "roles");
        json_array_append_new(roles, json_deep_copy(json_array_get(roles, 0)));
    });
    repo_relink(&repo, 1);
    refuse(&repo, ERR_INPUT, "delegated twice");
}

/* ── T6 wrong software, wrong addressee ── */

static void T6_36_a_medium_of_another_station_is_refused(void **state)
{
    (void)state;
    struct repo theirs;
    repo_init(&theirs);
    repo_publish(&theirs, 1);
    refuse(&theirs, ERR_INPUT, "0 of the 1 keys of timestamp");

    /* also when it brings its own roots along: root 2 must be signed by our root 1 */
    const struct root_role roles[4] = {
        {{theirs.keys[0]}, 0}, {{theirs.keys[1]}, 0}, {{theirs.keys[2]}, 0}, {{theirs.keys[3]}, 0}};
    const struct private_key *const signers[] = {theirs.keys[0], NULL};
    repo_root(&theirs, 2, NOW + DAY, roles, signers);
    refuse(&theirs, ERR_INPUT, "the root before it");
    repo_fini(&theirs);
}

static void T6_37_a_role_speaks_of_its_own_folder_only(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "software/aa", "models",    "models/",         "models/a/b", "modelsaa",    "aa",
        "Models/aa",   "models//a", "models/.",        "models/..",  "models/../x", "models/a\\b",
        "/models/a",   "models/a ", "models/a\n",      "models/.aa", "models/aa.",  "",
        "models/?",    "models/#",  "models/a\xcc\x88"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        repo_publish(&repo, 1);
        REPO_EDIT(&repo, "1.models.json", repo.keys[TUF_MODELS], add_target(body, bad[i]));
        repo_relink(&repo, 1);
        refuse(&repo, ERR_INPUT, "/signed/targets");
    }
    static const char *const good[] = {"models/AB-c_d.e", "models/0", "models/-"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = {0};
        repo_publish(&repo, 1);
        REPO_EDIT(&repo, "1.models.json", repo.keys[TUF_MODELS], add_target(body, good[i]));
        repo_relink(&repo, 1);
        auto_update u = refresh_at(&repo, NOW, &e);
        if (!u)
            fail_msg("%s: %s", good[i], e.msg);
        assert_non_null(tuf_update_find(u, good[i]));
    }
}

static void T6_37_targets_itself_names_nothing_in_a_delegated_folder(void **state)
{
    (void)state;
    REPO_EDIT(&repo, "1.targets.json", repo.keys[TUF_TARGETS], add_target(body, "models/ee"));
    repo_relink(&repo, 1);
    refuse(&repo, ERR_INPUT, "does not belong to the role targets");
}

static void T6_37_a_delegation_is_for_one_known_folder_and_terminating(void **state)
{
    (void)state;
    struct {
        const char *member;
        json_t *value;
        const char *words;
    } bad[] = {
        {"name", json_string("revoked"), "no role of ours"},
        {"name", json_string("../models"), "no role of ours"},
        {"name", json_string("targets"), "no role of ours"},
        {"paths", json_pack("[s]", "*"), "/paths"},
        {"paths", json_pack("[s,s]", "models/*", "software/*"), "/paths"},
        {"paths", json_pack("[s]", "models/*/*"), "/paths"},
        {"paths", json_array(), "/paths"},
        {"terminating", json_false(), "/terminating"},
        {"threshold", json_integer(0), "nobody can meet it"},
        {"threshold", json_integer(-1), "/threshold"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        repo_publish(&repo, 1);
        REPO_EDIT(&repo, "1.targets.json", repo.keys[TUF_TARGETS],
                  edit_delegation(body, 0, bad[i].member, bad[i].value));
        repo_relink(&repo, 1);
        refuse(&repo, ERR_INPUT, bad[i].words);
    }
}

/* ── T8 parsers ── */

static void T8_49_50_json_with_two_readings_is_refused(void **state)
{
    (void)state;
    auto_buf right = BUF(1U << 20);
    buf_add_span(&right, buf_span(repo_get(&repo, "timestamp.json")));
    const char *text = buf_str(&right);
    static const struct {
        const char *before, *after;
    } changes[] = {
        {"\"version\":1", "\"version\":1,\"version\":1"},
        {"\"version\":1", "\"version\":1,\"ver\\u0073ion\":2"},
        {"\"version\":1", "\"version\":01"},
        {"\"version\":1", "\"version\":1.0"},
        {"\"version\":1", "\"version\":NaN"},
        {"\"signed\":{", "\"signed\":{\"a\\u0000b\":1,"},
        {"\"signatures\":", "\"signatures\":[],\"signatures\":"},
        {"\"signatures\":", " \"x\":1}{\"signatures\":"},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const char *at = strstr(text, changes[i].before);
        assert_non_null(at);
        auto_buf changed = BUF(1U << 20);
        buf_add(&changed, text, (size_t)(at - text));
        buf_add_str(&changed, changes[i].after);
        buf_add_str(&changed, at + strlen(changes[i].before));
        repo_put(&repo, "timestamp.json", buf_span(&changed));
        struct err e = {0};
        auto_update u = refresh_at(&repo, NOW, &e);
        if (u || e.code != ERR_INPUT)
            fail_msg("%s: %s", changes[i].after, e.msg);
    }
    static const char *const around[][2] = {{"\xef\xbb\xbf", ""}, {"", "x"}, {"", "{}"}, {"[", "]"}};
    for (size_t i = 0; i < ARRAY_LEN(around); i++) {
        auto_buf changed = BUF(1U << 20);
        buf_printf(&changed, "%s%s%s", around[i][0], text, around[i][1]);
        repo_put(&repo, "timestamp.json", buf_span(&changed));
        struct err e = {0};
        auto_update u = refresh_at(&repo, NOW, &e);
        if (u || e.code != ERR_INPUT)
            fail_msg("%s…%s: %s", around[i][0], around[i][1], e.msg);
    }
}

static void T8_54_a_dead_parser_decides_nothing(void **state)
{
    (void)state;
    static const struct child_op none[] = {{"other", dsse_op}};
    struct err e = {0};
    child_use_inline(none, 1);
    auto_update u = refresh_at(&repo, NOW, &e);
    child_use_inline(TEST_OPS, ARRAY_LEN(TEST_OPS));
    assert_null(u);
    assert_true(e.code != ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(T4_26_files_of_two_media_do_not_mix),
        T(T4_26_a_file_of_the_same_length_and_version_does_not_replace_another),
        T(T4_26_the_version_inside_counts_also_without_hashes),
        T(T5_31_no_more_is_asked_for_than_the_parent_says),
        T(T5_31_a_timestamp_or_root_over_the_limit_is_refused),
        T(T5_32_too_many_roots_at_once_are_refused),
        T(T5_32_deep_json_and_many_signatures_are_refused),
        T(T5_32_delegations_have_one_level_and_no_diamonds),
        T(T6_36_a_medium_of_another_station_is_refused),
        T(T6_37_a_role_speaks_of_its_own_folder_only),
        T(T6_37_targets_itself_names_nothing_in_a_delegated_folder),
        T(T6_37_a_delegation_is_for_one_known_folder_and_terminating),
        T(T8_49_50_json_with_two_readings_is_refused),
        T(T8_54_a_dead_parser_decides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
