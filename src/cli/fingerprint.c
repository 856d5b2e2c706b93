#include "cli/fingerprint.h"

#include <string.h>

struct fingerprint_text fingerprint_grouped(const struct digest *d)
{
    struct fingerprint_text out;
    struct digest_hex hex = digest_hex(d);
    char *at = out.text;
    for (size_t i = 0; i < 64; i++) {
        if (i && i % 4 == 0)
            *at++ = ' ';
        *at++ = hex.text[i];
    }
    *at = '\0';
    return out;
}

bool fingerprint_parse(const char *text, struct digest *out)
{
    char hex[65];
    size_t n = 0;
    if (strncmp(text, "sha256:", 7) == 0)
        text += 7;
    for (; *text; text++) {
        if (strchr(" :-", *text))
            continue;
        if (n == 64)
            return false;
        hex[n++] = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
    }
    return digest_from_hex(span_of(hex, n), out);
}
