#include "fuzz.h"

#include "parse/image.h"

FUZZ_READER(image_read(input, &r))
