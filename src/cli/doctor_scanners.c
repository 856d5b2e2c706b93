/* Scanners of others: are those there that the policy asks for, and how old are their data? */
#include <stdio.h>
#include <string.h>

#include "cli/doctor.h"
#include "gate/policy.h"
#include "sandbox/child.h"
#include "util/clock.h"

static void say(struct finding *f, enum health health, const char *means, const char *todo)
{
    f->health = health;
    snprintf(f->means, sizeof(f->means), "%s", means);
    snprintf(f->todo, sizeof(f->todo), "%s", todo);
}

static void unknown(struct finding *f, const struct err *e)
{
    snprintf(f->found, sizeof(f->found), "%.500s", e->msg);
    say(f, HEALTH_UNKNOWN, "whether files can be scanned as the policy asks is not known", "");
}

/* 1: *w is what the policy asks for. 0: there is no contour here. -1: it cannot be read. */
static int find_wanted(const char *home, struct engines_wanted *w, struct err *e)
{
    struct policy p;
    auto_site s = site_open(home, -1, e);
    if (!s)
        return e->code == ERR_NOTFOUND ? 0 : -1;
    if (!policy_exists(s))
        return 0;
    if (policy_load(s, &p, e) < 0)
        return -1;
    *w = p.scanners;
    return 1;
}

static void not_asked(struct finding *f, const char *who)
{
    struct clamd_version version;
    struct err e = {0};
    bool there = clamd_version(CLAMD_SOCKET, 2000, &version, &e) == 0;
    snprintf(f->found, sizeof(f->found), "%s; clamd %s%s", who,
             there ? "is there: " : "does not answer at " CLAMD_SOCKET, there ? version.engine : "");
    say(f, HEALTH_FINE,
        "our own readers look at every file; ClamAV and YARA rules besides where the policy asks for them", "");
}

static void add_engine(struct finding *f, const struct engines *n, enum scan_engine g)
{
    const struct engine_state *s = &n->state[g];
    size_t used = strlen(f->found);
    int64_t age_s = clock_now_s() - s->date_s;
    char when[80] = "of no known date";
    if (s->date_s)
        snprintf(when, sizeof when, "of %s, %lld days old", time_text(s->date_s).text, (long long)age_s / 86400);
    if (!s->ready)
        snprintf(f->found + used, sizeof(f->found) - used, "%s%s: %.200s", used ? "; " : "", engine_name(g), s->why);
    else
        snprintf(f->found + used, sizeof(f->found) - used, "%s%s, data %.20s%s %s", used ? "; " : "", s->version,
                 s->database, strlen(s->database) > 20 ? "…" : "", when);
    if (!s->ready)
        say(f, HEALTH_BROKEN, "files of its classes are \"not-scanned\", and no release with one passes a gate",
            "see the message; or take it out of `scanners` (airlock policy set)");
    else if (f->health != HEALTH_BROKEN && (s->date_s == 0 || age_s > (int64_t)n->wanted.age_s[g]))
        say(f, HEALTH_WEAK, "its data are older than the policy allows: no pointer moves on a scan with them",
            "bring newer ones in");
}

void doctor_scanners(struct finding *f, const char *home)
{
    struct err e = {0};
    struct engines_wanted wanted = {0};
    auto_engines engines = {0};
    int found = find_wanted(home, &wanted, &e);
    if (found < 0) {
        unknown(f, &e);
        return;
    }
    if (!engines_asked(&wanted, ENGINE_CLAMAV) && !engines_asked(&wanted, ENGINE_YARA)) {
        not_asked(f, found ? "the policy asks for none of others" : "no contour with a policy here");
        return;
    }
    struct child *parser = child_start(ROLE_PARSE, &e);
    int opened = parser ? engines_open(&engines, &wanted, parser, &e) : -1;
    child_stop(parser);
    if (opened < 0) {
        unknown(f, &e);
        return;
    }
    f->found[0] = '\0';
    say(f, HEALTH_FINE, "files of the classes that the policy names are looked at by these too", "");
    for (int g = 0; g < ENGINES; g++)
        if (engines.state[g].asked)
            add_engine(f, &engines, (enum scan_engine)g);
}
