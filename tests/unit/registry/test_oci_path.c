/* Paths of the distribution API. */
#include "registry/oci_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void paths_of_the_api_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum oci_what what;
        bool by_digest;
        const char *tag;
    } good[] = {
        {"", OCI_BASE, false, ""},
        {"prod/assistant/manifests/v1.0.0", OCI_MANIFEST, false, "v1.0.0"},
        {"prod/assistant/manifests/latest", OCI_MANIFEST, false, "latest"},
        {"prod/assistant/manifests/sha256:" HEX, OCI_MANIFEST, true, ""},
        {"test/a-1/blobs/sha256:" HEX, OCI_BLOB, true, ""},
        {"prod/assistant/tags/list", OCI_TAGS, false, ""},
        {"prod/assistant/referrers/sha256:" HEX, OCI_REFERRERS, true, ""},
        {"prod/assistant/manifests/sha512:" HEX HEX, OCI_MANIFEST, true, ""},
        {"sandbox/group/assistant/model/manifests/x", OCI_MANIFEST, false, "x"},
        {"sandbox/manifests/blobs/tags/manifests/x", OCI_MANIFEST, false, "x"}, /* names, all but the last */
        {"sandbox/a.b_c__d---e/tags/list", OCI_TAGS, false, ""},
        {"sandbox/assistant/blobs/uploads/", OCI_UPLOAD, false, ""},
        {"sandbox/assistant/blobs/uploads", OCI_UPLOAD, false, ""},
        {"sandbox/assistant/blobs/uploads/0123456789abcdef0123456789abcdef", OCI_UPLOAD, false, ""},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct oci_path p;
        const char *code, *why;
        if (oci_path_parse(good[i].path, &p, &code, &why) < 0)
            fail_msg("%s: %s", good[i].path, why);
        assert_int_equal(p.what, good[i].what);
        assert_int_equal(p.by_digest, good[i].by_digest);
        assert_string_equal(p.tag, good[i].tag);
    }
}

static void other_paths_are_refused_with_the_code_of_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *path, *code;
    } bad[] = {
        {"prod", "NAME_INVALID"},
        {"prod/assistant", "UNSUPPORTED"},
        {"prod/assistant/manifests", "UNSUPPORTED"},
        {"prod/manifests/x", "NAME_INVALID"},
        {"Prod/assistant/manifests/x", "NAME_INVALID"},
        {"-prod/assistant/manifests/x", "NAME_INVALID"},
        {"a-name-that-is-too-long/assistant/manifests/x", "NAME_INVALID"},
        {"prod/Assistant/manifests/x", "NAME_INVALID"},
        {"prod/a..b/manifests/x", "NAME_INVALID"},
        {"prod/a___b/manifests/x", "NAME_INVALID"},
        {"prod/-a/manifests/x", "NAME_INVALID"},
        {"prod/a-/manifests/x", "NAME_INVALID"},
        {"prod/a//b/manifests/x", "NAME_INVALID"},
        {"prod/assistant/manifests/", "MANIFEST_UNKNOWN"},
        {"prod/assistant/manifests/.hidden", "MANIFEST_UNKNOWN"},
        {"prod/assistant/manifests/sha256:short", "DIGEST_INVALID"},
        {"prod/assistant/manifests/sha512:" HEX, "DIGEST_INVALID"},
        {"prod/assistant/manifests/sha1:" HEX, "DIGEST_INVALID"},
        {"prod/assistant/blobs/latest", "DIGEST_INVALID"},
        {"prod/assistant/blobs/sha256:" HEX "/x", "UNSUPPORTED"},
        {"prod/assistant/blobs/uploads/sha256:" HEX, "BLOB_UPLOAD_UNKNOWN"},
        {"prod/assistant/blobs/uploads/0123456789ABCDEF0123456789ABCDEF", "BLOB_UPLOAD_UNKNOWN"},
        {"prod/assistant/tags/other", "UNSUPPORTED"},
        {"prod/assistant/secrets/x", "UNSUPPORTED"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct oci_path p;
        const char *code = "", *why = NULL;
        if (oci_path_parse(bad[i].path, &p, &code, &why) == 0)
            fail_msg("accepted: %s", bad[i].path);
        if (strcmp(code, bad[i].code) != 0)
            fail_msg("%s: found %s, wanted %s", bad[i].path, code, bad[i].code);
        assert_non_null(why);
    }
}

static void a_name_may_have_as_many_characters_as_fit(void **state)
{
    char path[512];
    struct oci_path p;
    const char *code, *why;
    (void)state;
    snprintf(path, sizeof(path), "prod/%0*d/tags/list", (int)OCI_NAME_CHARS, 0);
    assert_int_equal(oci_path_parse(path, &p, &code, &why), 0);
    assert_int_equal(strlen(p.name), OCI_NAME_CHARS);
    snprintf(path, sizeof(path), "prod/%0*d/tags/list", (int)OCI_NAME_CHARS + 1, 0);
    assert_int_equal(oci_path_parse(path, &p, &code, &why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_the_api_are_understood),
        cmocka_unit_test(other_paths_are_refused_with_the_code_of_the_specification),
        cmocka_unit_test(a_name_may_have_as_many_characters_as_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
