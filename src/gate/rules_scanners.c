/* The rule about scanners of others: was the newest scan made with each that the policy in force asks for, for each
 * class of file that it asks for, and with data that are not too old? That such a scan looked at every file to its end
 * is said by its rows, and judged by the rule "scan". */
#include <stdio.h>
#include <string.h>

#include "gate/rules.h"
#include "util/clock.h"

static const json_t *engine_of(const json_t *predicate, const char *name)
{
    const json_t *scanner = json_object_get(predicate, "scanner"), *one;
    size_t i;
    json_array_foreach(json_object_get(scanner, "engines"), i, one)
    {
        if (strcmp(json_get_string(one, "name", ""), name) == 0)
            return one;
    }
    return NULL;
}

static bool has_class(const json_t *engine, const char *class)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(engine, "classes"), i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), class) == 0)
            return true;
    }
    return false;
}

/* The first class that the policy wants and the scan did not ask for; NULL: none. */
static const char *missing_class(const struct engines_wanted *w, enum scan_engine g, const json_t *engine)
{
    for (int c = 0; c < FILE_CLASSES; c++)
        if (w->classes[c] & 1U << g && !has_class(engine, file_class_name((enum file_class)c)))
            return file_class_name((enum file_class)c);
    return NULL;
}

static bool is_fresh(const struct facts *f, enum scan_engine g, const json_t *engine, char *text, size_t size)
{
    const char *name = engine_name(g);
    struct err e = {0};
    int64_t date_s;
    if (json_need_time(engine, "date", "", &date_s, &e) < 0) {
        snprintf(text, size, "the scan does not say how old the data of %s were%s", name,
                 g == ENGINE_CLAMAV ? ": clamd has loaded none of ClamAV's own databases" : "");
        return false;
    }
    int64_t age = f->now_s - date_s;
    if (f->occasion == OCCASION_RUN || age <= (int64_t)f->policy->scanners.age_s[g])
        return true;
    snprintf(
        text, size,
        "the data of %s that it was scanned with are of %s, %lld days old, and the policy allows %llu: bring newer "
        "ones in, then airlock scan %s:%s",
        name, time_text(date_s).text, (long long)age / 86400, (unsigned long long)f->policy->scanners.age_s[g] / 86400,
        f->release->name, f->release->version);
    return false;
}

static bool is_used(const struct facts *f, enum scan_engine g, const json_t *scan, char *text, size_t size)
{
    const char *name = engine_name(g);
    const json_t *engine = engine_of(scan, name);
    const char *class = engine ? missing_class(&f->policy->scanners, g, engine) : NULL;
    if (engine && !class && json_is_true(json_object_get(engine, "ready")))
        return is_fresh(f, g, engine, text, size);
    if (!engine || class)
        snprintf(text, size, "the policy asks for %s%s%s, and the newest scan was made without: airlock scan %s:%s",
                 name, class ? " for the class " : "", class ? class : "", f->release->name, f->release->version);
    else
        snprintf(text, size, "%s was not ready when it was scanned: %.300s", name,
                 json_get_string(engine, "why", "it does not say why"));
    return false;
}

bool rule_scanners(const struct facts *f, char *text, size_t size)
{
    const struct evidence_line *line = evidence_newest_ours(f->ev, PREDICATE_SCAN, NULL);
    for (int g = 0; g < ENGINES; g++) {
        if (!engines_asked(&f->policy->scanners, (enum scan_engine)g))
            continue;
        if (!line) {
            snprintf(text, size, "not scanned here");
            return false;
        }
        if (!is_used(f, (enum scan_engine)g, line->predicate, text, size))
            return false;
    }
    snprintf(text, size, "scanned with what the policy asks for, and its data are fresh");
    return true;
}
