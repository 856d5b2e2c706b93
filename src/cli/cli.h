/* The front of the program: from argv to a command's run. */
#pragma once

#include "cli/command.h"

/* Parses and runs; returns the exit status of cli.md. */
int cli_run(int argc, char **argv);

/* Is one of our confined processes until its socket, descriptor number `fd`, is closed. */
int role_main(const char *role, const char *fd);

/* `airlock --help`, `airlock GROUP --help`, `airlock COMMAND --help`, and a page for man (mdoc), all from the table. */
void help_overview(struct buf *out);
/* The commands behind the words of a group, "trust". */
void help_group(const char *group, struct buf *out);
void help_command(const struct command *c, struct buf *out);
void help_man_page(const struct command *c, struct buf *out);
void help_man_overview(struct buf *out);

/* The command whose words begin at words[0]; *used is how many words name it. NULL when there is none. A group of
 * commands ("station") named alone gives NULL with *used > 0. */
const struct command *command_find(int count, char **words, int *used);

/* The commands that begin with these words, "trust root add, trust show", appended to *out; false when there are none.
 */
bool command_group(int count, char **words, struct buf *out);

/* The known command or option nearest to a mistyped one, or NULL. More than a third of the letters changed is no
 * likeness. `group` (NULL: none) narrows to the commands behind those words, of which only the next one is compared. */
const char *command_nearest(const char *group, const char *word);
const char *option_nearest(const struct option *list, size_t count, const char *word, size_t len);
