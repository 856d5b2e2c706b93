#include "cli/commands.h"
#include "cli/moved.h"
#include "util/clock.h"

static int run(struct invocation *in)
{
    char environment[17], name[65];
    struct promotion p = {0};
    struct err e = {0};
    int64_t begun = clock_mono_ms();
    if (ref_pointer(in->argv[0], environment, name, &e) < 0)
        return command_fail(in, &e);
    auto_site s = command_site(in, SITE_CONTOUR, &e);
    if (!s || contour_rollback(s, environment, name, &p, &e) < 0)
        return moved_fail(in, &p, &e);
    return moved_answer(in, "rollback", environment, &p, clock_mono_ms() - begun);
}

const struct command CMD_ROLLBACK = {
    .name = "rollback",
    .usage = "ENV/NAME",
    .summary = "move one pointer back to the release that stood there before",
    .detail = "The release that stood there before the present one was promoted. It is refused when that release is "
              "denied now: a newer\nscan that did not pass, a signature that is gone. Running engines are switched by "
              "`airlock serve`.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
