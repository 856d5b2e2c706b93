/* Every command's table; commands.c lists them in the order of the chain. */
#pragma once

#include "cli/command.h"

extern const struct command CMD_COMPLETION;
extern const struct command CMD_IDENTITY;
extern const struct command CMD_INIT;
extern const struct command CMD_LEDGER_PROVE;
extern const struct command CMD_LEDGER_VERIFY;
extern const struct command CMD_LOG;
extern const struct command CMD_MAN;
extern const struct command CMD_PACK;
extern const struct command CMD_RECEIVE;
extern const struct command CMD_SHIP;
extern const struct command CMD_STATION_CONTOUR_ADD;
extern const struct command CMD_STATION_INIT;
extern const struct command CMD_STATUS;
extern const struct command CMD_VERSION;
extern const struct command CMD_SILENCE;
