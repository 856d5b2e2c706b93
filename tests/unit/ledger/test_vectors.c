/* The vectors of others: inclusion proofs of transparency-dev/merkle, and a log that Tessera wrote. */
#include "corpus.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "ledger/merkle.h"
#include "ledger/note.h"
#include "util/encode.h"
#include "util/file.h"

static struct err e;

/* Calls each for every member of the archive whose name begins with `prefix`. */
static unsigned each_member(const char *prefix, void (*each)(void *arg, const char *member), void *arg)
{
    auto_buf list = BUF(4U << 20);
    struct span rest, line, path;
    unsigned count = 0;
    corpus_read("trust/MANIFEST.tsv", &list);
    rest = buf_span(&list);
    while (span_take_until(&rest, '\n', &line)) {
        if (!span_take_until(&line, '\t', &path) || !span_starts(path, span_str(prefix)))
            continue;
        auto_buf member = BUF(1000);
        buf_add_str(&member, "trust/");
        buf_add_span(&member, path);
        each(arg, buf_str(&member));
        count++;
    }
    return count;
}

/* Base64 of 32 bytes; false for anything else. */
static bool hash_of(const json_t *text, struct digest *out)
{
    auto_buf bytes = BUF(1000);
    if (!json_is_string(text) || !base64_decode(span_str(json_string_value(text)), false, &bytes) ||
        bytes.len != DIGEST_SIZE)
        return false;
    memcpy(out->bytes, bytes.ptr, DIGEST_SIZE);
    return true;
}

static bool proof_holds(const json_t *v)
{
    struct digest leaf, root, path[MERKLE_PATH_MAX];
    const json_t *proof = json_object_get(v, "proof");
    size_t count = json_array_size(proof);
    if (!hash_of(json_object_get(v, "leafHash"), &leaf) || !hash_of(json_object_get(v, "root"), &root) ||
        count > MERKLE_PATH_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!hash_of(json_array_get(proof, i), &path[i]))
            return false;
    return merkle_proof_holds((uint64_t)json_integer_value(json_object_get(v, "leafIdx")),
                              (uint64_t)json_integer_value(json_object_get(v, "treeSize")), &leaf, path, count, &root);
}

static void check_inclusion(void *arg, const char *member)
{
    (void)arg;
    auto_buf text = BUF(1U << 20);
    corpus_read(member, &text);
    /* 2^64 - 1 is no integer for jansson; -1 becomes the same number again in proof_holds */
    char *large = strstr(buf_str(&text), "18446744073709551615");
    if (large)
        memcpy(large, "                  -1", 20);
    auto_json v = json_parse(buf_span(&text), text.len, member, &e);
    if (!v)
        fail_msg("%s", e.msg);
    if (proof_holds(v) == json_is_true(json_object_get(v, "wantErr")))
        fail_msg("%s: wanted the proof %s", member,
                 json_is_true(json_object_get(v, "wantErr")) ? "refused" : "to hold");
}

static void inclusion_proofs_hold_or_fail_as_the_vectors_say(void **state)
{
    (void)state;
    NEED_CORPUS();
    assert_int_equal(each_member("merkle/inclusion/", check_inclusion, NULL), 98);
}

static void unpack(void *arg, const char *member)
{
    struct scratch *s = arg;
    const char *name = member + strlen("trust/");
    auto_buf bytes = BUF(1U << 20), path = BUF(1000);
    corpus_read(member, &bytes);
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        buf_clear(&path);
        buf_add(&path, name, (size_t)(slash - name));
        assert_int_equal(dir_make(s->dir, buf_str(&path), 0755, &e), 0);
    }
    assert_int_equal(file_write(s->dir, name, buf_span(&bytes), 0644, &e), 0);
}

static void a_log_that_tessera_wrote_verifies_at_each_of_its_heads(void **state)
{
    struct scratch *s = *state;
    NEED_CORPUS();
    auto_buf vkey = BUF(1000), report = BUF(10000);
    assert_true(each_member("tessera-log/", unpack, s) > 20);
    corpus_read("trust/tessera-log.vkey", &vkey);
    while (vkey.len && vkey.ptr[vkey.len - 1] == '\n')
        vkey.ptr[--vkey.len] = '\0';
    unsigned heads = 0;
    auto_fd dir = dir_open(s->dir, "tessera-log", &e);
    for (unsigned n = 0; n < 20; n++) {
        char name[40];
        auto_buf head = BUF(10000);
        uint64_t entries = 99;
        snprintf(name, sizeof name, "checkpoint.%u", n);
        if (file_read(dir, name, &head, &e) < 0)
            continue;
        assert_int_equal(file_write(dir, "checkpoint", buf_span(&head), 0644, &e), 0);
        buf_clear(&report);
        if (ledger_verify(dir, buf_str(&vkey), &report, &entries, &e) != 1)
            fail_msg("%s: %s", name, buf_str(&report));
        assert_int_equal(entries, n);
        heads++;
    }
    assert_true(heads >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inclusion_proofs_hold_or_fail_as_the_vectors_say),
        cmocka_unit_test_setup_teardown(a_log_that_tessera_wrote_verifies_at_each_of_its_heads, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
