#include "cli/commands.h"

#include <stddef.h>

/* In the order of the chain; `airlock --help` prints it so. */
/* clang-format off */
const struct command *const COMMANDS[] = {
    &CMD_INIT,
    &CMD_IDENTITY,
    &CMD_STATION_INIT,
    &CMD_STATION_CONTOUR_ADD,
    &CMD_PACK,
    &CMD_SHIP,
    &CMD_RECEIVE,
    &CMD_SILENCE,
    &CMD_STATUS,
    &CMD_LOG,
    &CMD_LEDGER_VERIFY,
    &CMD_LEDGER_PROVE,
    &CMD_COMPLETION,
    &CMD_MAN,
    &CMD_VERSION,
    NULL,
};
