/* What runs may rest on waivers, which end by themselves. Each hour, and at the moment at which the first of them ends,
 * what was found against the release is looked at again; the policy says whether it then goes. */
#include <string.h>

#include "engine/supervisor_parts.h"
#include "gate/waiver.h"
#include "util/clock.h"
#include "util/log.h"

#define EVERY_S 3600

static void announce(const struct slot *s, const struct waiver_standing *w, int64_t now_s)
{
    if (w->ends_s == INT64_MAX || w->ends_s - now_s > w->warn_s)
        return;
    log_event(EV_WAIVER_ENDS, "environment", s->env, "name", s->name, "release", s->active->face.release_digest, "ends",
              time_text(w->ends_s).text, "then", w->end_stops ? "the engine ends" : "no start and no promotion", NULL);
}

static void ended(struct supervisor *v, struct slot *s, const struct waiver_standing *w)
{
    struct err e = {0};
    log_event(EV_WAIVER_ENDED, "environment", s->env, "name", s->name, "release", s->active->face.release_digest, "why",
              w->why, "then", w->end_stops ? "the engine ends" : "it runs on", NULL);
    if (!w->end_stops)
        return;
    err_set(&e, ERR_DENIED, 0, "%s:%s is denied now, and by the policy it ends: %s", s->name, s->active->face.version,
            w->why);
    supervisor_deny(v, s, &e);
}

void supervisor_waivers(struct supervisor *v, struct slot *s)
{
    struct err e = {0};
    struct waiver_standing w;
    int64_t now_s = clock_now_s();
    if (!s->active || now_s < s->waivers_s)
        return;
    s->waivers_s = now_s + EVERY_S;
    v->site->now_s = now_s;
    if (waiver_standing(v->site, &s->active->face.release, s->env, &w, &e) < 0) {
        log_event(EV_ENGINE_FAILED, "environment", s->env, "name", s->name, "what", "look at its waivers", "reason",
                  e.msg, NULL);
        return;
    }
    if (!w.holds) {
        ended(v, s, &w);
        return;
    }
    announce(s, &w, now_s);
    if (w.ends_s < s->waivers_s)
        s->waivers_s = w.ends_s + 1;
}
