/* pip as it would be on the machine that a set is for. pip takes --platform and --python-version for the choice of
 * wheels, and reads environment markers (PEP 508) as those of the machine that it runs on. A sitecustomize.py in the
 * folder that it works in puts the target's in their place, before pip begins. */
#pragma once

#include "collect/client.h"

struct pip_target {
    char python[64], platform[128];
    const char *env[4]; /* for client_order; borrowed from this struct */
};

/* Writes the file into `work`. `python`: "3.11", "" for the machine's own; `platform`: a platform tag, or "". */
int pip_target_write(int work, const char *python, const char *platform, struct pip_target *out, struct err *e);
