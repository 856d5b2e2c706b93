#include "fuzz.h"

#include "parse/savedmodel.h"

/* Under the name by which TensorFlow opens it, or, when its length is odd, under another. */
FUZZ_READER(savedmodel_check(input, input.len % 2 ? "a.pb" : "saved_model.pb", &r))
