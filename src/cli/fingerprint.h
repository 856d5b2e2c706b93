/* Fingerprints as people read them to each other: groups of four, and typed back with or without the gaps. */
#pragma once

#include "util/digest.h"

#define FINGERPRINT_GROUPED_SIZE 80 /* 64 digits, 15 gaps, NUL */

struct fingerprint_text {
    char text[FINGERPRINT_GROUPED_SIZE];
};
struct fingerprint_text fingerprint_grouped(const struct digest *d);

/* 64 hex digits of either case; spaces, colons and hyphens between them do not count, nor does "sha256:" in front. */
bool fingerprint_parse(const char *text, struct digest *out);
