#include "cli/print_clean.h"

#include <stdbool.h>

void fprint_clean(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
        fputc(*c < 0x20 || *c == 0x7f || c1 ? '?' : *c, out);
        if (c1)
            c++;
    }
}

void print_clean(const char *text)
{
    fprint_clean(stdout, text);
}
