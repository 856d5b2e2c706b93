#include "cli/commands.h"

#include <stddef.h>

const struct command *const COMMANDS[] = {
    &CMD_INIT, &CMD_COMPLETION, &CMD_MAN, &CMD_VERSION, NULL,
};
