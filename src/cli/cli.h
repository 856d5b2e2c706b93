/* The front of the program: from argv to a command's run. */
#pragma once

#include "cli/command.h"

/* Parses and runs; returns the exit status of cli.md. */
int cli_run(int argc, char **argv);

/* Is one of our confined processes until its socket, descriptor number `fd`, is closed. */
int role_main(const char *role, const char *fd);

/* `airlock --help`, `airlock COMMAND --help`, and a page for man (mdoc), all from the table. */
void help_overview(struct buf *out);
void help_command(const struct command *c, struct buf *out);
void help_man_page(const struct command *c, struct buf *out);
void help_man_overview(struct buf *out);

/* The command whose words begin at words[0]; *used is how many words name it. NULL when there is none. A group of
 * commands ("station") named alone gives NULL with *used > 0. */
const struct command *command_find(int count, char **words, int *used);

/* The known command or option nearest to a mistyped one, or NULL. */
const char *command_nearest(const char *word);
