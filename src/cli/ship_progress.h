/* Draws the progress that src/ship reports. */
#pragma once

#include "cli/command.h"
#include "ship/progress.h"

struct drawn {
    const struct invocation *in;
    struct progress bar;
};

/* The callbacks, drawing into *d, which must outlive them. */
struct ship_progress drawn_progress(struct drawn *d, const struct invocation *in);

/* "98.1 MiB" into text. */
void print_size(char text[32], uint64_t bytes);
