/* Texts out of files, on their way to a terminal: control characters (C0, DEL, and C1 in UTF-8) become "?". */
#pragma once

#include <stdio.h>

void print_clean(const char *text); /* to stdout */
void fprint_clean(FILE *out, const char *text);
