/* `airlock silence REF`: starts a release's engine where nothing can leave, makes it work, and signs what came of it.
 */
#pragma once

#include "cli/command.h"

/* Returns the exit status. */
int silence_release(struct invocation *in);
