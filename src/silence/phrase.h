/* One attempt in words, without its program: "asked for the name x.example (A)". For the forms of a result. */
#pragma once

#include "silence/silence.h"

void silence_phrase(struct buf *out, const struct silence_attempt *a);
