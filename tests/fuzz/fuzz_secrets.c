#include "fuzz.h"

#include "parse/secrets.h"

/* The first byte says where the text lies, and whether it is called .netrc. */
FUZZ_READER(secrets_check(size ? span_of(data + 1, size - 1) : input, size &&data[0] & 4 ? ".netrc" : ".pgpass",
                          (enum secret_place)(size ? data[0] & 3 : 0), &r))
