/* The list of an environment's files, in the two forms that people and programs read. */
#pragma once

#include "registry/mirror.h"

void files_list_answer(struct mirror *m);

/* The JSON form (docs/formats/files.schema.json) of what the database says. */
int files_list_json(struct mirror *m, struct buf *out, struct err *e);
