/* Words of collect.yaml that clients would take silently, and find nothing for. */
#pragma once

#include <stdbool.h>

/* A platform tag of wheels: PEP 425 ("linux_x86_64", "win_amd64", "macosx_11_0_arm64", "any"), PEP 600 and those before
 * it ("manylinux_2_28_x86_64", "manylinux2014_x86_64"), PEP 656 ("musllinux_1_2_x86_64"). */
bool platform_tag_ok(const char *tag);

/* A word that node has for `key` "os" (process.platform), "cpu" (process.arch), "libc"; and all of them, for messages.
 */
bool node_word_ok(const char *key, const char *word);
const char *node_words(const char *key);
