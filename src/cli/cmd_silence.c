#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/silence_command.h"
#include "cli/silence_release.h"

static int run(struct invocation *in)
{
    static const char *const of_release[] = {"env", "requests", "idle"};
    const char *format = option_get(in, "format");
    bool command = option_given(in, "command");
    if (format && strcmp(format, "junit") != 0 && strcmp(format, "sarif") != 0)
        return command_usage(in, "--format: found \"%s\", wanted junit or sarif", format);
    for (size_t i = 0; command && i < ARRAY_LEN(of_release); i++)
        if (option_given(in, of_release[i]))
            return command_usage(in, "--%s belongs to a release, and not to --command", of_release[i]);
    if (command)
        return silence_command(in);
    if (option_given(in, "seconds"))
        return command_usage(in, "--seconds belongs to --command; a release's test takes --requests and --idle");
    if (in->argc != 1)
        return command_usage(in, "wanted one REF, or --command -- PROGRAM");
    return silence_release(in);
}

const struct command CMD_SILENCE = {
    .name = "silence",
    .usage = "REF | --command -- PROGRAM…",
    .summary = "run a release or a program where nothing can leave, and say what tried to",
    .detail =
        "Runs it in a box with nothing but loopback, with a DNS stub of its own, and with recorders for every call "
        "that could reach\nout. The answer is PASSED (0) when nothing tried to leave and every recorder was awake, "
        "FAILED (1) when something tried,\nINCONCLUSIVE (6) when a recorder cannot be relied on or the program did "
        "not do its work.\n"
        "\n"
        "REF: starts an engine of its own for the environment that the release stands in (test before sandbox), asks "
        "it its own\nprompts, leaves it idle, ends it, and signs the result, bound to release, engine and hardware.\n"
        "\n"
        "--command: PROGRAM sees this host's files read-only and a /tmp of its own; its output goes to stderr. It did "
        "its work when it\nended with status 0, or still ran when --seconds were over. No contour is needed.",
    .options = {{"env", "ENV", "the environment to run a release for, when it stands in several", false},
                {"requests", "N", "requests to a release's engine (default 8)", false},
                {"idle", "SECONDS", "how long a release's engine is left idle (default 5)", false},
                {"command", NULL, "run the program given behind --", false},
                {"seconds", "N", "ask the program to end after N seconds (default 300)", false},
                {"format", "FORMAT", "junit or sarif instead of text", false}},
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
