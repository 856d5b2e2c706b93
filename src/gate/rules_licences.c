/* The rule about licences: of everything in the contour's own inventory, by the policy's lists. The inventory is signed
 * evidence, so another policy decides anew without a look at the artifacts. */
#include <stdio.h>
#include <string.h>

#include "gate/rules.h"
#include "gate/waiver.h"
#include "util/clock.h"

static bool is_asked(const struct policy *p)
{
    for (size_t i = 0; i < LICENCE_CLASSES; i++)
        if (licence_class_asked(&p->licences[i]))
            return true;
    return false;
}

/* "12 licences: 11 allowed, 1 unknown" */
static void count_text(const json_t *inventory, char *text, size_t size)
{
    struct licence_count count;
    licences_count(inventory, &count);
    snprintf(text, size, "%zu models and packages, the licence of %zu of them is not known", count.all, count.unknown);
}

bool rule_licences(const struct facts *f, char *text, size_t size)
{
    const struct evidence_line *line = evidence_newest_ours(f->ev, PREDICATE_CYCLONEDX, NULL);
    struct waiver_place place = {f->ev, f->policy, f->contour, f->env->name, f->now_s};
    auto_objections all = {0};
    int64_t ends_s;
    char why[300], count[120];
    if (!is_asked(f->policy)) {
        snprintf(text, size, "the policy asks for no licences");
        return true;
    }
    if (!line) {
        snprintf(text, size, "no inventory of this contour says which licences there are: airlock scan %s:%s",
                 f->release->name, f->release->version);
        return false;
    }
    objections_of_licences(line->predicate, f->policy, &all);
    count_text(line->predicate, count, sizeof count);
    if (!waivers_cover_all(&place, &all, &ends_s, why, sizeof why)) {
        snprintf(text, size, "%zu licences block, the first that stays is %s", all.count, why);
        return false;
    }
    if (all.count > 0)
        snprintf(text, size, "%zu licences block and are waived, until %s; %s", all.count, time_text(ends_s).text,
                 count);
    else
        snprintf(text, size, "%s; none blocks", count);
    return true;
}
