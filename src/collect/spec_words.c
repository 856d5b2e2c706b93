#include "collect/spec_words.h"

#include <string.h>

#include "util/auto.h"
#include "util/span.h"

/* ── platform tags ── */

static bool is_one_of(struct span word, const char *const list[])
{
    for (size_t i = 0; list[i]; i++)
        if (span_equal_str(word, list[i]))
            return true;
    return false;
}

static bool take_number(struct span *s)
{
    struct span number;
    uint64_t value;
    return span_take_until(s, '_', &number) && span_decimal(number, &value);
}

bool platform_tag_ok(const char *tag)
{
    static const char *const whole[] = {"any", "win32", "win_amd64", "win_arm64", NULL};
    static const char *const linux_machines[] = {"x86_64",  "i686",  "aarch64", "armv6l",      "armv7l", "ppc64",
                                                 "ppc64le", "s390x", "riscv64", "loongarch64", NULL};
    static const char *const mac_machines[] = {"x86_64", "arm64", "universal2", "universal", "intel", "fat",
                                               "fat32",  "fat64", "i386",       "ppc",       "ppc64", NULL};
    static const struct {
        const char *prefix;
        bool numbers; /* MAJOR_MINOR_ follows */
        const char *const *machines;
    } forms[] = {{"manylinux1_", false, linux_machines},
                 {"manylinux2010_", false, linux_machines},
                 {"manylinux2014_", false, linux_machines},
                 {"manylinux_", true, linux_machines},
                 {"musllinux_", true, linux_machines},
                 {"linux_", false, linux_machines},
                 {"macosx_", true, mac_machines}};
    if (is_one_of(span_str(tag), whole))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct span rest = span_str(tag);
        if (span_take_prefix(&rest, span_str(forms[i].prefix)))
            return (!forms[i].numbers || (take_number(&rest) && take_number(&rest))) &&
                   is_one_of(rest, forms[i].machines);
    }
    return false;
}

/* ── node's words ── */

static const struct {
    const char *key, *words;
} NODE[] = {{"os", "aix, android, cygwin, darwin, freebsd, haiku, linux, netbsd, openbsd, sunos, win32"},
            {"cpu", "arm, arm64, ia32, loong64, mips, mipsel, ppc, ppc64, riscv64, s390, s390x, x64"},
            {"libc", "glibc, musl"}};

const char *node_words(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(NODE); i++)
        if (strcmp(NODE[i].key, key) == 0)
            return NODE[i].words;
    return "";
}

bool node_word_ok(const char *key, const char *word)
{
    struct span rest = span_str(node_words(key)), one;
    while (rest.len) {
        if (!span_take_until(&rest, ',', &one)) {
            one = rest;
            rest.len = 0;
        }
        (void)span_take_prefix(&rest, SPAN_LIT(" "));
        if (span_equal_str(one, word))
            return true;
    }
    return false;
}
