/* Every command's table; commands.c lists them in the order of the chain. */
#pragma once

#include "cli/command.h"

extern const struct command CMD_APPROVE;
extern const struct command CMD_ASK;
extern const struct command CMD_BACKUP;
extern const struct command CMD_COLLECT;
extern const struct command CMD_COMPLETION;
extern const struct command CMD_DOCTOR;
extern const struct command CMD_FSCK;
extern const struct command CMD_GRANT_ADD;
extern const struct command CMD_GRANT_LIST;
extern const struct command CMD_GRANT_WITHDRAW;
extern const struct command CMD_GROUP_ADD;
extern const struct command CMD_GROUP_LIST;
extern const struct command CMD_GROUP_NEW;
extern const struct command CMD_GROUP_REMOVE;
extern const struct command CMD_GC;
extern const struct command CMD_IDENTITY;
extern const struct command CMD_INIT;
extern const struct command CMD_JUDGE;
extern const struct command CMD_LEDGER_PROVE;
extern const struct command CMD_LEDGER_VERIFY;
extern const struct command CMD_LOG;
extern const struct command CMD_MAN;
extern const struct command CMD_PACK;
extern const struct command CMD_PASSPORT;
extern const struct command CMD_PASSPORT_VERIFY;
extern const struct command CMD_PERSON_ADD;
extern const struct command CMD_PERSON_LIST;
extern const struct command CMD_PERSON_NEW;
extern const struct command CMD_PERSON_WITHDRAW;
extern const struct command CMD_POLICY_SET;
extern const struct command CMD_POLICY_SHOW;
extern const struct command CMD_PROMOTE;
extern const struct command CMD_RECEIVE;
extern const struct command CMD_REQUEST;
extern const struct command CMD_RESTORE;
extern const struct command CMD_ROLLBACK;
extern const struct command CMD_SCAN;
extern const struct command CMD_SERVE;
extern const struct command CMD_SHIP;
extern const struct command CMD_SHOW;
extern const struct command CMD_SILENCE;
extern const struct command CMD_STATION_CONTOUR_ADD;
extern const struct command CMD_STATION_INIT;
extern const struct command CMD_STATION_SHOW;
extern const struct command CMD_STATUS;
extern const struct command CMD_TEST;
extern const struct command CMD_TOKEN_LIST;
extern const struct command CMD_TOKEN_NEW;
extern const struct command CMD_TOKEN_REVOKE;
extern const struct command CMD_TRUST_ROOT_ADD;
extern const struct command CMD_TRUST_SHOW;
extern const struct command CMD_VERIFY_ATTESTATION;
extern const struct command CMD_VERSION;
