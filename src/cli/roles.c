/* The confined processes that this program becomes when it is re-executed. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "engine/unpack.h"
#include "parse/ops.h"
#include "sandbox/box.h"
#include "sandbox/child.h"
#include "silence/silence.h"

int role_main(const char *role, const char *fd)
{
    uint64_t number;
    if (!span_decimal(span_str(fd), &number) || number > 1024)
        return 2;
    if (strcmp(role, sandbox_role_name(ROLE_PARSE)) == 0)
        return child_main(ROLE_PARSE, (int)number, PARSE_OPS, PARSE_OPS_COUNT);
    if (strcmp(role, sandbox_role_name(ROLE_UNPACK)) == 0)
        return unpack_main((int)number);
    if (strcmp(role, BOX_ROLE) == 0)
        return box_main((int)number);
    int status = silence_role_main(role, (int)number);
    if (status >= 0)
        return status;
    fprintf(stderr, "airlock: no such role: %s\n", role);
    return 2;
}
