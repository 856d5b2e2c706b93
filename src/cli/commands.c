#include "cli/commands.h"

#include <stddef.h>

/* In the order of the chain; `airlock --help` prints it so. */
/* clang-format off */
const struct command *const COMMANDS[] = {
    &CMD_INIT,
    &CMD_IDENTITY,
    &CMD_STATION_INIT,
    &CMD_STATION_CONTOUR_ADD,
    &CMD_STATION_SHOW,
    &CMD_TRUST_ROOT_ADD,
    &CMD_TRUST_SHOW,
    &CMD_PERSON_NEW,
    &CMD_PERSON_ADD,
    &CMD_TOKEN_NEW,
    &CMD_TOKEN_LIST,
    &CMD_TOKEN_REVOKE,
    &CMD_PACK,
    &CMD_SHIP,
    &CMD_RECEIVE,
    &CMD_SCAN,
    &CMD_JUDGE,
    &CMD_REQUEST,
    &CMD_APPROVE,
    &CMD_PROMOTE,
    &CMD_ROLLBACK,
    &CMD_TEST,
    &CMD_SILENCE,
    &CMD_STATUS,
    &CMD_LOG,
    &CMD_SHOW,
    &CMD_PASSPORT,
    &CMD_PASSPORT_VERIFY,
    &CMD_VERIFY_ATTESTATION,
    &CMD_LEDGER_VERIFY,
    &CMD_LEDGER_PROVE,
    &CMD_COMPLETION,
    &CMD_MAN,
    &CMD_VERSION,
    NULL,
};
