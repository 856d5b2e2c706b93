/* Between the making of waivers and the counting of them. */
#pragma once

#include "gate/waiver.h"

/* Can nobody waive this there ("" is any environment but prod's own rule)? Then `why` says so. */
bool waiver_forbidden(const struct policy *p, const char *environment, const struct objection *o, char *why,
                      size_t size);

/* How many people's statements for it stand here and now, whatever their roles make of it. */
unsigned waiver_people(const struct waiver_place *p, const struct objection *o);
