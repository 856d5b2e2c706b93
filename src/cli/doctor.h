/* `airlock doctor`: what this host can and cannot do, what that means, and what to do. Hard rule: a state comes from
 * trying, or from what the kernel says; what could not be found out is "unknown", never "fine". */
#pragma once

#include "cli/command.h"

enum health {
    HEALTH_FINE,
    HEALTH_WEAK,    /* Airlock works, with less */
    HEALTH_BROKEN,  /* something that Airlock needs is not there */
    HEALTH_UNKNOWN, /* could not be found out */
};
const char *health_name(enum health h);

struct finding {
    const char *name; /* "user-namespaces" */
    enum health health;
    char found[512], means[384], todo[384]; /* todo: "" when there is nothing to do */
};

/* Each looks at one thing. */
void doctor_user(struct finding *f);
void doctor_namespaces(struct finding *f);
void doctor_seccomp(struct finding *f);
void doctor_notify(struct finding *f);
void doctor_landlock(struct finding *f);
void doctor_box(struct finding *f);
void doctor_cgroups(struct finding *f);
void doctor_memory(struct finding *f);
void doctor_processor(struct finding *f);
void doctor_disk(struct finding *f, const char *home);
void doctor_clock(struct finding *f, const char *home);
void doctor_clock_source(struct finding *f);
void doctor_crypto(struct finding *f);
void doctor_openpgp(struct finding *f);
void doctor_scanners(struct finding *f, const char *home);

#define DOCTOR_FINDINGS 15
