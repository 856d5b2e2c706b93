/* Inside this folder: what the forms of a passport share. */
#pragma once

#include "gate/passport.h"

const struct evidence_line *passport_closing(const struct evidence *ev);
/* Does the closing verdict list this line? */
bool passport_lists(const struct evidence_line *closing, const struct digest *id);
