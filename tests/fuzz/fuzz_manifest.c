#include "parse/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the media type that it was sent under. What is accepted answers with a document that names what it
 * needs by digests, each once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    struct err e = {0};
    struct span input = span_of(data, size), sent;
    if (!span_take_until(&input, '\n', &sent) || manifest_op(input, sent, &reply, &e) < 0)
        return 0;
    auto_json j = json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, "reply", &e);
    const json_t *needs = json_object_get(j, "needs"), *one;
    auto_json seen = json_object();
    size_t i;
    if (!json_is_array(needs) || !json_get_string(j, "media-type", NULL) || !json_get_string(j, "artifact-type", NULL))
        abort();
    json_array_foreach((json_t *)(uintptr_t)needs, i, one)
    {
        const char *digest = json_get_string(one, "digest", "");
        if (strncmp(digest, "sha", 3) != 0 || json_object_get(seen, digest))
            abort();
        json_object_set_new(seen, digest, json_true());
    }
    return 0;
}
