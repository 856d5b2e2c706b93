#include "registry/apt_state.h"

#include "store/db_release.h"
#include "util/clock.h"

/* An index says until when it may be believed, so that an old one, with a package that was taken back since, cannot be
 * shown to a client for ever. The date that it counts from is the last move of a pointer; where none moves, a new one
 * is signed every week with a further end. So a client may go without an update for a week, and an attacker who holds
 * back what is new is found out after two. */
#define VALID_STEP_S (7 * 86400)

struct state {
    struct sha256 *hash;
    int64_t date_s; /* of the last move */
    size_t pointers;
};

static int add_pointer(void *arg, const struct pointer_row *row)
{
    struct state *s = arg;
    sha256_add(s->hash, row->release.bytes, DIGEST_SIZE);
    if (row->time_s > s->date_s)
        s->date_s = row->time_s;
    s->pointers++;
    return 0;
}

int apt_state(struct db *db, const char *environment, const char *label, struct apt_release *about, struct digest *id,
              struct err *e)
{
    struct state s = {.hash = sha256_new()};
    if (db_pointer_each(db, environment, add_pointer, &s, e) < 0) {
        sha256_free(s.hash);
        return -1;
    }
    int64_t age_s = clock_now_s() - s.date_s, weeks = age_s > 0 ? age_s / VALID_STEP_S : 0;
    *about = (struct apt_release){.environment = environment,
                                  .label = label,
                                  .date_s = s.date_s,
                                  .valid_until_s = s.date_s + (weeks + 2) * VALID_STEP_S};
    sha256_add(s.hash, &about->date_s, sizeof(about->date_s));
    sha256_add(s.hash, &about->valid_until_s, sizeof(about->valid_until_s));
    *id = sha256_finish(s.hash);
    return s.pointers > 0;
}

struct adding {
    struct apt_packages *packages;
    struct err *e;
};

static int add_package(void *arg, const struct package_row *row)
{
    struct adding *a = arg;
    return apt_packages_add(a->packages, row, a->e);
}

struct apt_packages *apt_packages_of(struct mirror *m, struct err *e)
{
    struct adding a = {apt_packages_new(), e};
    if (mirror_each(m, "deb", NULL, add_package, &a, e) == 0)
        return a.packages;
    apt_packages_free(a.packages);
    return NULL;
}
