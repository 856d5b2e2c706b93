/* Texts out of files, on their way to a terminal: control characters (C0, DEL, and C1 in UTF-8) become "?". */
#pragma once

void print_clean(const char *text);
