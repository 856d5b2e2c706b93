#include <string.h>

#include "parse/ecosystem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines: ecosystem with its release, name, version. A name in normal form is its own normal form. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size), text, name, release;
    char normal[ECOSYSTEM_NAME_SIZE], again[ECOSYSTEM_NAME_SIZE], number[ECOSYSTEM_RELEASE_SIZE];
    char key[ECOSYSTEM_VERSION_SIZE];
    if (!span_take_until(&rest, '\n', &text) || !span_take_until(&rest, '\n', &name))
        return 0;
    const struct ecosystem *eco = ecosystem_of(text, &release);
    if (!eco)
        return 0;
    ecosystem_release(eco, release, number);
    ecosystem_release_of_version(eco, rest, number);
    (void)ecosystem_version_key(eco, rest, key);
    if (ecosystem_name(eco, name, normal) &&
        (!ecosystem_name(eco, span_str(normal), again) || strcmp(normal, again) != 0))
        __builtin_trap();
    return 0;
}
