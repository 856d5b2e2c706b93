/* Manifests that are pushed: what they need, what they hang on, and what is refused. */
#include "parse/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util/json.h"

#define A    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B    "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX8 "0123456789abcdef"
#define C512 "sha512:" HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8

#define D(type, digest, size, more) "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size more "}"
#define CONFIG                      D("application/vnd.oci.empty.v1+json", A, "2", "")
#define IMAGE(members)              "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI "\"," members "}"
#define INDEX(members)              "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_OCI_INDEX "\"," members "}"

static struct buf reply;
static struct err e;

static int read_as(const char *sent, const char *text)
{
    buf_fini(&reply);
    reply = BUF(1 << 20);
    err_clear(&e);
    return manifest_op(span_str(text), span_str(sent), &reply, &e);
}

static void reads(const char *sent, const char *text, const char *wanted)
{
    if (read_as(sent, text) < 0)
        fail_msg("%s: %s", text, e.msg);
    assert_string_equal(buf_str(&reply), wanted);
}

static void an_image_needs_its_configuration_and_its_layers(void **state)
{
    (void)state;
    reads(MANIFEST_OCI,
          IMAGE("\"config\":" CONFIG ",\"layers\":[" D("a/b", B, "5", "") "," D("a/b", C512, "0", "") "," D(
              "a/b", B, "5", "") "],\"something\":[1]"),
          "{\"media-type\":\"" MANIFEST_OCI "\",\"artifact-type\":\"application/vnd.oci.empty.v1+json\",\"needs\":["
          "{\"digest\":\"" A "\",\"size\":2,\"manifest\":false},{\"digest\":\"" B
          "\",\"size\":5,\"manifest\":false},{\"digest\":\"" C512 "\",\"size\":0,\"manifest\":false}]}");
}

static void an_index_needs_manifests_and_other_things(void **state)
{
    (void)state;
    reads("",
          INDEX("\"artifactType\":\"x/y\",\"manifests\":[" D(MANIFEST_OCI, A, "5", "") "," D("text/plain", B, "1",
                                                                                             "") "]"),
          "{\"media-type\":\"" MANIFEST_OCI_INDEX "\",\"artifact-type\":\"x/y\",\"needs\":[{\"digest\":\"" A
          "\",\"size\":5,\"manifest\":true},{\"digest\":\"" B "\",\"size\":1,\"manifest\":false}]}");
    reads("", INDEX("\"manifests\":[]"),
          "{\"media-type\":\"" MANIFEST_OCI_INDEX "\",\"artifact-type\":\"\",\"needs\":[]}");
}

static void what_it_hangs_on_is_named_and_not_needed(void **state)
{
    (void)state;
    reads("",
          IMAGE("\"config\":" CONFIG ",\"layers\":[],\"artifactType\":\"x/y\",\"annotations\":{\"a\":\"b\\\"\"},"
                "\"subject\":" D(MANIFEST_OCI, B, "5", "")),
          "{\"media-type\":\"" MANIFEST_OCI "\",\"artifact-type\":\"x/y\",\"subject\":\"" B
          "\",\"annotations\":{\"a\":\"b\\\"\"},\"needs\":[{\"digest\":\"" A "\",\"size\":2,\"manifest\":false}]}");
}

static void layers_that_are_elsewhere_are_not_needed(void **state)
{
    (void)state;
    reads("",
          IMAGE("\"config\":" CONFIG ",\"layers\":[" D("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                                                       B, "5", ",\"urls\":[\"https://x.example/\"]") "]"),
          "{\"media-type\":\"" MANIFEST_OCI "\",\"artifact-type\":\"application/vnd.oci.empty.v1+json\",\"needs\":["
          "{\"digest\":\"" A "\",\"size\":2,\"manifest\":false}]}");
}

static void inline_bytes_are_those_of_the_digest(void **state)
{
    (void)state;
#define EMPTY_JSON "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert_int_equal(read_as("", IMAGE("\"layers\":[],\"config\":" D("a/b", EMPTY_JSON, "2", ",\"data\":\"e30=\""))),
                     0);
    assert_int_equal(read_as("", IMAGE("\"layers\":[],\"config\":" D("a/b", EMPTY_JSON, "3", ",\"data\":\"e30=\""))),
                     -1);
    assert_int_equal(read_as("", IMAGE("\"layers\":[],\"config\":" D("a/b", EMPTY_JSON, "2", ",\"data\":\"e31=\""))),
                     -1);
    assert_int_equal(read_as("", IMAGE("\"layers\":[],\"config\":" D("a/b", EMPTY_JSON, "2", ",\"data\":\"e30\""))),
                     -1);
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sent, *text, *why;
    } bad[] = {
        {"", "[]", "wanted an object"},
        {"", "{", "manifest"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[],\"layers\":[]"), "duplicate"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]"), "/manifests"},
        {"", INDEX("\"manifests\":[],\"config\":" CONFIG), "/config"},
        {"", IMAGE("\"config\":" CONFIG), "layers"},
        {"", IMAGE("\"layers\":[]"), "/config"},
        {MANIFEST_OCI_INDEX, IMAGE("\"config\":" CONFIG ",\"layers\":[]"), "was sent as"},
        {"application/json", "{\"schemaVersion\":2}", "no manifest that is kept here"},
        {"", "{\"schemaVersion\":2}", "no manifest that is kept here"},
        {"", "{\"schemaVersion\":2,\"mediaType\":5}", "/mediaType"},
        {"", "{\"schemaVersion\":1,\"mediaType\":\"" MANIFEST_OCI "\",\"config\":" CONFIG ",\"layers\":[]}",
         "/schemaVersion"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[" D("a/b", B, "5", "") "," D("a/b", B, "6", "") "]"),
         "/layers/1/size"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[" D("a/b", B, "-1", "") "]"), "/layers/0"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[" D("a/b", "sha256:AA", "1", "") "]"), "/layers/0/digest"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[" D("a/b", "md5:00", "1", "") "]"), "/layers/0/digest"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[" D("no type", B, "1", "") "]"), "/layers/0/mediaType"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[" D("a/", B, "1", "") "]"), "/layers/0/mediaType"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[],\"artifactType\":7"), "/artifactType"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[],\"annotations\":{\"a\":1}"), "/annotations/a"},
        {"", IMAGE("\"config\":" CONFIG ",\"layers\":[],\"subject\":[]"), "/subject"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_as(bad[i].sent, bad[i].text) == 0)
            fail_msg("accepted: %s", bad[i].text);
        if (!strstr(e.msg, bad[i].why))
            fail_msg("%s: wanted \"%s\", found \"%s\"", bad[i].text, bad[i].why, e.msg);
    }
}

static int end(void **state)
{
    (void)state;
    buf_fini(&reply);
    return 0;
}

/* A reader in Go takes "Layers" for layers, and of two the last. */
static void keys_that_differ_only_in_case_are_refused(void **state)
{
    (void)state;
#define TWICE(members, one, other)                                            \
    do {                                                                      \
        assert_int_equal(read_as("", members), -1);                           \
        assert_int_equal(e.code, ERR_INPUT);                                  \
        if (!strstr(e.msg, "\"" one "\"") || !strstr(e.msg, "\"" other "\"")) \
            fail_msg("%s", e.msg);                                            \
    } while (0)
#define LAYER(more) IMAGE("\"config\":" CONFIG ",\"layers\":[" D("a/b", B, "5", more) "]")
    TWICE(IMAGE("\"config\":" CONFIG ",\"layers\":[],\"Layers\":[" D("a/b", B, "5", "") "]"), "layers", "Layers");
    TWICE(IMAGE("\"config\":" CONFIG ",\"Config\":" CONFIG ",\"layers\":[]"), "config", "Config");
    TWICE(IMAGE("\"config\":" CONFIG ",\"layers\":[],\"SUBJECT\":" D(MANIFEST_OCI, B, "5", "")), "subject", "SUBJECT");
    TWICE(IMAGE("\"config\":" CONFIG ",\"layers\":[],\"layer\xC5\xBF\":[]"), "layers", "layer\xC5\xBF");
    TWICE(IMAGE("\"config\":" CONFIG ",\"layers\":[],\"own\":1,\"oWn\":2"), "own", "oWn");
    TWICE(IMAGE("\"config\":" CONFIG ",\"layers\":[],\"too\xE2\x84\xAA\":1,\"took\":2"), "took", "too\xE2\x84\xAA");
    TWICE(IMAGE("\"config\":" CONFIG ",\"layers\":[],\"annotations\":{\"a\":\"1\",\"A\":\"2\"}"), "a", "A");
    TWICE(INDEX("\"manifests\":[" D(MANIFEST_OCI, A, "5", ",\"Digest\":\"" B "\"") "]"), "digest", "Digest");
    TWICE(INDEX("\"manifests\":[" D(MANIFEST_OCI, A, "5", ",\"platform\":{\"os\":\"linux\",\"OS\":\"x\"}") "]"), "os",
          "OS");
    TWICE(LAYER(",\"URLs\":[]"), "urls", "URLs");
    TWICE(LAYER(",\"annotations\":{\"k\":\"1\",\"K\":\"2\"}"), "k", "K");
    TWICE(IMAGE("\"config\":" D("a/b", A, "2", ",\"SIZE\":3") ",\"layers\":[]"), "size", "SIZE");
    TWICE(IMAGE("\"config\":" CONFIG ",\"layers\":[],\"subject\":" D(MANIFEST_OCI, B, "5", ",\"MediaType\":\"a/b\"")),
          "mediaType", "MediaType");
    assert_int_equal(read_as("", LAYER(",\"annotations\":{\"Layers\":\"1\",\"b\":\"2\"},\"own\":{\"a\":1,\"A\":2}")),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_needs_its_configuration_and_its_layers),
        cmocka_unit_test(an_index_needs_manifests_and_other_things),
        cmocka_unit_test(what_it_hangs_on_is_named_and_not_needed),
        cmocka_unit_test(layers_that_are_elsewhere_are_not_needed),
        cmocka_unit_test(inline_bytes_are_those_of_the_digest),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(keys_that_differ_only_in_case_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
