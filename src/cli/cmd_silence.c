#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/silence_command.h"

static int run(struct invocation *in)
{
    const char *format = option_get(in, "format");
    if (format && strcmp(format, "junit") != 0 && strcmp(format, "sarif") != 0)
        return command_usage(in, "--format: found \"%s\", wanted junit or sarif", format);
    if (option_given(in, "command"))
        return silence_command(in);
    return command_usage(in, "wanted --command -- PROGRAM");
}

const struct command CMD_SILENCE = {
    .name = "silence",
    .usage = "--command -- PROGRAM…",
    .summary = "run a program where nothing can leave, and say what tried to",
    .detail = "Runs PROGRAM in a box with nothing but loopback, its own DNS stub, and recorders for every call that "
              "could reach out.\n"
              "The answer is PASSED (0) when nothing tried to leave and every recorder was awake, FAILED (1) when "
              "something tried,\n"
              "INCONCLUSIVE (6) when a recorder cannot be relied on. PROGRAM sees this host's files read-only, a /tmp "
              "of its own, and\n"
              "its output goes to stderr. What it may not do while it is watched fails as it would without a network.",
    .options = {{"command", NULL, "run the program given behind --", false},
                {"format", "FORMAT", "junit or sarif instead of text", false},
                {"seconds", "N", "ask the program to end after N seconds (default 300)", false}},
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
