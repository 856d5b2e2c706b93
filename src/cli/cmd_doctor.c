#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "version.h"

const char *health_name(enum health h)
{
    static const char *const names[] = {"fine", "weak", "BROKEN", "unknown"};
    return names[h];
}

/* In JSON all words are lower case. */
static const char *health_word(enum health h)
{
    return h == HEALTH_BROKEN ? "broken" : health_name(h);
}

static void examine(const char *home, struct finding list[DOCTOR_FINDINGS])
{
    static const char *const names[DOCTOR_FINDINGS] = {
        "user",  "user-namespaces", "seccomp", "user-notify", "landlock",
        "box",   "cgroups",         "memory",  "processor",   "disk",
        "clock", "clock-source",    "crypto",  "openpgp",     "scanners"};
    for (size_t i = 0; i < DOCTOR_FINDINGS; i++)
        list[i] = (struct finding){.name = names[i], .health = HEALTH_UNKNOWN};
    doctor_user(&list[0]);
    doctor_namespaces(&list[1]);
    doctor_seccomp(&list[2]);
    doctor_notify(&list[3]);
    doctor_landlock(&list[4]);
    doctor_box(&list[5]);
    doctor_cgroups(&list[6]);
    doctor_memory(&list[7]);
    doctor_processor(&list[8]);
    doctor_disk(&list[9], home);
    doctor_clock(&list[10], home);
    doctor_clock_source(&list[11]);
    doctor_crypto(&list[12]);
    doctor_openpgp(&list[13]);
    doctor_scanners(&list[14], home);
}

static size_t count(const struct finding *list, enum health h)
{
    size_t n = 0;
    for (size_t i = 0; i < DOCTOR_FINDINGS; i++)
        n += list[i].health == h;
    return n;
}

static int status_of(const struct finding *list)
{
    return count(list, HEALTH_BROKEN) ? 1 : count(list, HEALTH_UNKNOWN) ? 6 : 0;
}

static void print_text(const struct finding *list)
{
    for (size_t i = 0; i < DOCTOR_FINDINGS; i++) {
        printf("%-7s  %-15s  %s\n", health_name(list[i].health), list[i].name, list[i].found);
        printf("%26s%s\n", "", list[i].means);
        if (list[i].todo[0])
            printf("%26s→ %s\n", "", list[i].todo);
    }
    printf("%zu fine, %zu weak, %zu broken, %zu unknown: %s\n", count(list, HEALTH_FINE), count(list, HEALTH_WEAK),
           count(list, HEALTH_BROKEN), count(list, HEALTH_UNKNOWN),
           status_of(list) == 0   ? "Airlock can do its work here"
           : status_of(list) == 1 ? "something that Airlock needs is missing"
                                  : "not everything could be found out");
}

static void print_json(const struct finding *list)
{
    struct json_out w;
    auto_buf out = BUF(65536);
    command_json(&w, &out, "doctor");
    json_put_string(&w, "version", AIRLOCK_VERSION);
    json_put_string(&w, "result", status_of(list) == 0 ? "fine" : status_of(list) == 1 ? "broken" : "unknown");
    json_put_array(&w, "checks");
    for (size_t i = 0; i < DOCTOR_FINDINGS; i++) {
        json_out_object(&w);
        json_put_string(&w, "name", list[i].name);
        json_put_string(&w, "state", health_word(list[i].health));
        json_put_string(&w, "found", list[i].found);
        json_put_string(&w, "means", list[i].means);
        json_put_string(&w, "todo", list[i].todo);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    command_json_end(&w);
}

static int run(struct invocation *in)
{
    struct finding list[DOCTOR_FINDINGS];
    examine(in->home, list);
    if (in->json)
        print_json(list);
    else
        print_text(list);
    return status_of(list);
}

const struct command CMD_DOCTOR = {
    .name = "doctor",
    .summary = "say what this host can and cannot do, and what that means",
    .detail =
        "Tries what Airlock needs of the kernel (namespaces, filters, a whole box with its limits) and looks at "
        "memory, "
        "processor,\ndisk and clock. Changes nothing; needs no contour, and looks at the one in --home when there is "
        "one.\nEnds with 0 when all that is needed is there, 1 when something is missing, 6 when something could not "
        "be "
        "found out.",
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
