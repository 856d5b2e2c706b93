/* The program: global options, then a command's words, options and arguments, all from the tables of commands.c.
 * Re-executed with
 * `--role NAME FD` it is one of our own confined processes (architecture.md, "Processes"). */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
    /* The descriptor that a role talks through is 3, unless it says otherwise. */
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "--role") == 0)
        return role_main(argv[2], argc == 4 ? argv[3] : "3");
    signal(SIGPIPE, SIG_IGN);
    return cli_run(argc, argv);
}
