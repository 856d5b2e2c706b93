/* Paths of the distribution API. */
#include "registry/oci_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
        {"prod/assistant", "NAME_INVALID"},
        {"prod/assistant/manifests", "NAME_INVALID"},
        {"Prod/assistant/manifests/x", "NAME_INVALID"},
        {"-prod/assistant/manifests/x", "NAME_INVALID"},
        {"a-name-that-is-too-long/assistant/manifests/x", "NAME_INVALID"},
        {"prod/assistant/manifests/", "MANIFEST_UNKNOWN"},
        {"prod/assistant/manifests/.hidden", "MANIFEST_UNKNOWN"},
        {"prod/assistant/manifests/sha256:short", "DIGEST_INVALID"},
        {"prod/assistant/manifests/sha512:" HEX HEX, "DIGEST_INVALID"},
        {"prod/assistant/blobs/latest", "DIGEST_INVALID"},
        {"prod/assistant/blobs/sha256:" HEX "/x", "UNSUPPORTED"},
        {"prod/assistant/blobs/uploads/", "UNSUPPORTED"},
        {"prod/assistant/tags/other", "UNSUPPORTED"},
        {"prod/assistant/secrets/x", "UNSUPPORTED"},
        {"prod/group/assistant/manifests/x", "UNSUPPORTED"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_the_api_are_understood),
        cmocka_unit_test(other_paths_are_refused_with_the_code_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
