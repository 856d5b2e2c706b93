#include "fuzz_version.h"

FUZZ_VERSION_PAIR(VERSION_COMPOSER)
